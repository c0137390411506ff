"""Connections through a fake API server: what reaches the pod, what comes back, and how it ends."""

from __future__ import annotations

import asyncio

import pytest

from tests.dataplane.harness import Peer
from tests.portforward.fake_server import only, refusal
from tests.portforward.harness import ONE, TWO, forwarding, works
from userproxy.model.service import PortOptions
from userproxy.portforward import ForwardLimits, HalfClose
from userproxy.portforward.handshake import Way

REFUSED = (
    "error forwarding port 8080 to pod web-1, uid : dial tcp4 127.0.0.1:8080: connect: connection refused"
)


@pytest.mark.parametrize("way", [Way.TUNNEL, Way.SPDY])
async def test_bytes_both_ways_and_a_good_end(way: Way) -> None:
    async with forwarding() as f:
        only(f.server, way)
        with await Peer.connect(f.address) as client:
            await client.send(b"question")
            pod = await f.server.next_end()
            assert await pod.receive_exactly(8) == b"question"
            pod.send(b"answer")
            assert await client.receive_exactly(6) == b"answer"
            pod.fin()
            assert await client.receive() == b""
            client.fin()
            await pod.until(lambda end: end.ended)
        assert await f.plane.ends.state() == "--"
        assert pod.port == 8080
        assert f.server.upgrades[0].way is way
        assert f.forwarder.counters.upgrades == 1


async def test_C2_the_clients_fin_waits_for_the_pods_end() -> None:
    async with forwarding() as f:
        with await Peer.connect(f.address) as client:
            await client.send(b"x")
            client.fin()
            pod = await f.server.next_end()
            assert await pod.receive_exactly(1) == b"x"
            pod.send(b"1")
            assert await client.receive_exactly(1) == b"1"
            assert not pod.ended
            pod.fin()
            assert await client.receive() == b""
            await pod.until(lambda end: end.ended)
        assert await f.plane.ends.state() == "--"


async def test_C2_the_clients_fin_goes_to_a_pod_that_stays_silent() -> None:
    async with forwarding(limits=ForwardLimits(held_fin_idle_s=0.05)) as f:
        with await Peer.connect(f.address) as client:
            await client.send(b"x")
            client.fin()
            pod = await f.server.next_end()
            await pod.until(lambda end: end.ended)
            pod.fin()
            assert await client.receive() == b""
        assert await f.plane.ends.state() == "--"


async def test_C2_the_clients_fin_is_sent_where_that_is_wanted() -> None:
    async with forwarding(half_close=HalfClose.SEND) as f:
        with await Peer.connect(f.address) as client:
            await client.send(b"x")
            client.fin()
            pod = await f.server.next_end()
            await pod.until(lambda end: end.ended)
            pod.send(b"late")
            assert await client.receive_exactly(4) == b"late"
            pod.fin()
            assert await client.receive() == b""


async def test_C2_a_client_that_resets_becomes_a_reset_of_the_stream() -> None:
    async with forwarding() as f:
        client = await Peer.connect(f.address)
        await client.send(b"x")
        pod = await f.server.next_end()
        pod.send(b"y")
        await client.receive_exactly(1)
        client.reset()
        await pod.until(lambda end: end.was_reset)
        assert await f.plane.ends.state() == "CT"


async def test_C2_what_the_client_sent_before_both_ends_arrives() -> None:
    """The pod ends first, and the client's last bytes come with its FIN."""
    async with forwarding() as f:
        with await Peer.connect(f.address) as client:
            pod = await f.server.next_end()
            pod.fin()
            assert await client.receive() == b""
            await client.send(b"z" * 300_000)
            client.fin()
            await pod.until(lambda end: end.ended)
            assert len(pod.got) == 300_000
        assert await f.plane.ends.state() == "--"


async def test_B4_a_refused_port_moves_to_another_pod_with_what_was_sent() -> None:
    async with forwarding(ONE, TWO) as f:
        with await Peer.connect(f.address) as client:
            await client.send(b"question")
            first = await f.server.next_end()
            assert await first.receive_exactly(8) == b"question"
            first.fail(REFUSED)
            second = await f.server.next_end()
            assert await second.receive_exactly(8) == b"question"
            second.send(b"answer")
            assert await client.receive_exactly(6) == b"answer"
            second.fin()
        paths = {target for _, target, _ in f.server.requests}
        assert len(paths) == 2
        end = await f.plane.ends.next()
        assert (end["state"], end["dials"]) == ("--", 2)


@pytest.mark.parametrize("text", ["read: connection reset by peer", REFUSED])
async def test_an_error_after_the_first_byte_ends_the_connection(text: str) -> None:
    async with forwarding(ONE, TWO) as f:
        with await Peer.connect(f.address) as client:
            pod = await f.server.next_end()
            pod.send(b"some")
            pod.fail(text)
            assert await client.receive_exactly(4) == b"some"
            with pytest.raises(ConnectionResetError):
                await client.receive()
        assert await f.plane.ends.state() == "ET"


async def test_another_error_before_the_first_byte_is_not_tried_elsewhere() -> None:
    async with forwarding(ONE, TWO) as f:
        with await Peer.connect(f.address) as client:
            pod = await f.server.next_end()
            pod.fail("an error occurred: broken pipe")
            with pytest.raises(ConnectionResetError):
                await client.receive()
        end = await f.plane.ends.next()
        assert (end["state"], end["dials"]) == ("ED", 1)


async def test_more_than_what_is_kept_is_not_tried_elsewhere() -> None:
    async with forwarding(ONE, TWO, limits=ForwardLimits(kept_bytes=1000)) as f:
        with await Peer.connect(f.address) as client:
            await client.send(b"x" * 1001)
            pod = await f.server.next_end()
            await pod.receive_exactly(1001)
            pod.fail(REFUSED)
            with pytest.raises(ConnectionResetError):
                await client.receive()
        assert await f.plane.ends.state() == "ED"


async def test_a_reset_by_the_pods_side_ends_that_connection_alone() -> None:
    async with forwarding() as f:
        with await Peer.connect(f.address) as victim, await Peer.connect(f.address) as other:
            first, second = await f.server.next_end(), await f.server.next_end()
            second.send(b"2")
            first.send(b"1")
            mine, theirs = (victim, other) if await victim.receive_exactly(1) == b"1" else (other, victim)
            await theirs.receive_exactly(1)
            first.reset()
            with pytest.raises(ConnectionResetError):
                await mine.receive()
            second.send(b"still there")
            assert await theirs.receive_exactly(11) == b"still there"
            second.fin()
        assert len(f.server.upgrades) == 1


async def test_a_stream_that_the_server_opens_is_refused() -> None:
    async with forwarding() as f:
        with await Peer.connect(f.address) as client:
            pod = await f.server.next_end()
            session = pod.upgrade.session
            session.open_stream({"streamtype": "data"})
            pod.send(b"1")
            await client.receive_exactly(1)
            client.sock.sendall(b"2")
            await pod.receive_exactly(1)
            assert session.open_streams == 2  # the pair of the client
            pod.fin()


async def test_an_empty_answer_is_a_good_end() -> None:
    async with forwarding() as f:
        with await Peer.connect(f.address) as client:
            pod = await f.server.next_end()
            pod.fin()
            assert await client.receive() == b""
            client.fin()
            await pod.until(lambda end: end.ended)
        assert await f.plane.ends.state() == "--"


async def test_an_upgrade_that_is_cut_is_made_again() -> None:
    async with forwarding() as f:
        with await Peer.connect(f.address) as client, await Peer.connect(f.address) as fresh:
            first, second = await f.server.next_end(), await f.server.next_end()
            first.send(b"x")
            second.send(b"x")
            await client.receive_exactly(1)
            await fresh.receive_exactly(1)
            f.server.upgrades[0].transport.abort()
            for peer in (client, fresh):
                with pytest.raises(ConnectionResetError):
                    await peer.receive()
        assert [await f.plane.ends.state(), await f.plane.ends.state()] == ["ET", "ET"]
        await works(f)
        assert len(f.server.upgrades) == 2


async def test_GOAWAY_lets_connections_go_on_and_new_ones_go_elsewhere() -> None:
    async with forwarding() as f:
        with await Peer.connect(f.address) as old:
            pod = await f.server.next_end()
            pod.send(b"1")
            await old.receive_exactly(1)
            pod.upgrade.session.goaway()
            pod.send(b"2")
            assert await old.receive_exactly(1) == b"2"
            await works(f)
            assert len(f.server.upgrades) == 2
            pod.send(b"3", fin=True)
            assert await old.receive_exactly(1) == b"3"
        await f.server.upgrades[0].lost.wait()


async def test_GOAWAY_streams_that_the_peer_never_looked_at_go_elsewhere() -> None:
    def leaves(upgrade: object) -> None:
        if len(f.server.upgrades) == 1:
            f.server.upgrades[0].session.goaway()

    async with forwarding() as f:
        f.server.on_upgrade = leaves
        with await Peer.connect(f.address) as client:
            await client.send(b"question")
            pod = await f.server.next_end()
            assert pod.upgrade is f.server.upgrades[1]
            assert await pod.receive_exactly(8) == b"question"


@pytest.mark.parametrize("way", [Way.TUNNEL, Way.SPDY])
async def test_a_100_MB_each_way_without_any_window_update(way: Way) -> None:
    size = 100_000_000
    async with forwarding() as f:
        only(f.server, way)
        with await Peer.connect(f.address) as client:
            pod = await f.server.next_end()

            async def upload() -> None:
                await client.send(bytes(size))

            async def download() -> None:
                left = size
                while left:
                    left -= len(await client.receive(1 << 20))

            async def swallow() -> None:
                got = 0
                while got < size:
                    await pod.until(lambda end: bool(end.got))
                    got += len(pod.got)
                    pod.got.clear()

            async def produce() -> None:
                for _ in range(size // 50_000):
                    pod.send(bytes(50_000))
                    while pod.upgrade.transport.get_write_buffer_size() > 1 << 20:
                        await asyncio.sleep(0)

            await asyncio.gather(upload(), download(), swallow(), produce())
            pod.fin()


async def test_idle_upgrades_are_closed() -> None:
    async with forwarding(limits=ForwardLimits(idle_upgrade_s=0.02, ping_s=0.02)) as f:
        await works(f)
        await f.server.upgrades[0].lost.wait()
        assert f.server.goaways == 1


async def test_a_silent_peer_is_noticed_and_the_upgrade_made_anew() -> None:
    async with forwarding(limits=ForwardLimits(ping_s=0.02, dead_after_s=0.06)) as f:
        with await Peer.connect(f.address) as client:
            pod = await f.server.next_end()
            pod.send(b"x")
            await client.receive_exactly(1)
            while not f.server.upgrades[0].pings:
                await asyncio.sleep(0)
            f.server.answers_pings = False
            with pytest.raises(ConnectionResetError):
                await client.receive()
        f.server.answers_pings = True
        await works(f)


async def test_an_API_server_that_says_nothing_is_given_up_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with forwarding(limits=ForwardLimits(upgrade_timeout_s=0.05)) as f:
        f.server.answer = lambda way, headers: None
        with await Peer.connect(f.address) as client, pytest.raises(ConnectionResetError):
            await client.receive()
        assert await f.plane.ends.state() == "ED"
        told = [record.getMessage() for record in caplog.records if "port_forward_failed" in record.message]
        assert len(told) == 1
        assert "does not answer within 0.05 s" in told[0]


async def test_while_the_API_server_is_away_dials_fail_at_once_or_wait_where_hold_says_so() -> None:
    async with forwarding(limits=ForwardLimits(first_backoff_s=0.02, longest_backoff_s=0.02)) as f:
        f.server.answer = lambda way, headers: refusal(503)
        with await Peer.connect(f.address) as client, pytest.raises(ConnectionResetError):
            await client.receive()
        f.serve(ONE, options=PortOptions(hold_s=30.0))
        with await Peer.connect(f.address) as client:
            await client.send(b"question")
            while not f.plane.plane.snapshot()[0].held:
                await asyncio.sleep(0)
            f.server.answer = lambda way, headers: b""
            pod = await f.server.next_end()
            assert await pod.receive_exactly(8) == b"question"


async def test_a_401_has_the_credentials_read_again_once() -> None:
    answers = iter([refusal(401), b""])
    async with forwarding() as f:
        f.server.answer = lambda way, headers: next(answers)
        await works(f)
        assert [method for method, _, _ in f.server.requests] == ["GET", "GET"]


async def test_a_ping_of_the_WebSocket_is_answered() -> None:
    async with forwarding() as f:
        with await Peer.connect(f.address):
            pod = await f.server.next_end()
            pod.upgrade.message(9, b"are you there")
            while (10, b"are you there") not in f.server.frames:
                await asyncio.sleep(0)


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_frames_split_anywhere(size: int) -> None:
    """Messages of the WebSocket that end in the middle of SPDY's frames."""
    async with forwarding() as f:
        with await Peer.connect(f.address) as client:
            pod = await f.server.next_end()
            pod.upgrade.session.send_data(pod.data_id, b"x" * 1000)
            stream = pod.upgrade.session.data_to_send()
            for start in range(0, len(stream), size):
                pod.upgrade.write(stream[start : start + size])
            assert await client.receive_exactly(1000) == b"x" * 1000
