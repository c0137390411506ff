"""Listening, refusing and stopping: what the kernel tells clients, and that no connection is lost."""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import socket
from collections.abc import Iterator

import pytest

from tests.dataplane.harness import Harness, Peer, endpoint_of, harness, listening, route
from userproxy.errors import NotListening
from userproxy.model.service import PortOptions
from userproxy.settings import Settings


async def test_L5_T8_nothing_to_send_to_is_refused_at_once_and_heard_again_later() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            address = h.address
            for _ in range(3):
                h.swap()
                with pytest.raises(ConnectionRefusedError):
                    await Peer.connect(address)
                with pytest.raises(NotListening):
                    _ = h.address
                assert h.plane.snapshot()[0].state == "refusing"
                h.swap(endpoint_of(listener))
                assert h.address == address
                with await Peer.connect(address):
                    (await Peer.accept(listener)).close()


async def test_L5_a_service_port_that_never_had_endpoints_refuses() -> None:
    async with harness() as h:
        h.serve(route())
        port = h.plane.snapshot()[0]
        assert port.listen_port is not None
        with pytest.raises(ConnectionRefusedError):
            await Peer.connect((port.listen_host, port.listen_port))


async def test_L5_the_address_stays_ours_while_it_refuses() -> None:
    """Nobody may take it, not even a socket with SO_REUSEADDR."""
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            address = h.address
            h.swap()
            for reuse in (0, 1):
                with socket.socket() as thief:
                    thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
                    with pytest.raises(OSError, match="Address already in use"):
                        thief.bind(address)


async def test_L6_what_is_queued_when_the_listener_stops_is_served() -> None:
    """No turn of the loop passes between the connects and the stop: all wait in the kernel's queue."""
    with listening(backlog=100) as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            clients = [await Peer.connect(h.address) for _ in range(40)]
            h.remove()
            for number, client in enumerate(clients):
                await client.send(b"%02d" % number)
            got = set()
            for _ in clients:
                with await Peer.accept(listener) as endpoint:
                    got.add(await endpoint.receive_exactly(2))
            assert got == {b"%02d" % number for number in range(40)}
            for client in clients:
                client.close()


async def test_L6_connections_live_on_when_the_service_goes() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            address = h.address
            with await Peer.connect(address) as client, await Peer.accept(listener) as endpoint:
                await h.connected()
                h.remove()
                with pytest.raises(ConnectionRefusedError):
                    await Peer.connect(address)
                assert [port.state for port in h.plane.snapshot()] == ["draining"]
                await client.send(b"on")
                assert await endpoint.receive() == b"on"
                client.fin()
                assert await endpoint.receive() == b""
                endpoint.fin()
                await h.ends.next()
                assert h.plane.snapshot() == ()


async def test_S12_a_port_that_changes_opens_the_new_listener_and_keeps_connections() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener), service_port=80))
            old = h.address
            with await Peer.connect(old) as client, await Peer.accept(listener) as endpoint:
                await h.connected()
                queued = await Peer.connect(old)
                h.serve(route(endpoint_of(listener), service_port=81))
                assert h.address != old
                with pytest.raises(ConnectionRefusedError):
                    await Peer.connect(old)
                await queued.send(b"queued")
                with queued, await Peer.accept(listener) as late:
                    assert await late.receive() == b"queued"
                await client.send(b"old")
                assert await endpoint.receive() == b"old"
                with await Peer.connect(h.address), await Peer.accept(listener):
                    pass


async def test_S12_a_policy_or_option_change_keeps_the_listener() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            before = h.address
            h.serve(route(endpoint_of(listener), options=PortOptions(hold_s=1), session_affinity_s=10))
            assert h.address == before


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    """A soft limit so low that accept(2) fails with EMFILE soon."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    yield limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_EMFILE_on_accept_backs_off_and_recovers_alone(
    few_descriptors: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The kernel's own limit, with a budget that knows nothing of it."""
    with listening(backlog=500) as listener:
        async with harness(descriptor_limit=100_000) as h:
            h.serve(route(endpoint_of(listener)))
            hogs = []
            with pytest.raises(OSError, match="Too many open files"):
                while True:
                    hogs.append(socket.socket())
            hogs.pop().close()
            client = await Peer.connect(h.address)
            await client.send(b"waits")
            while not any("accept_paused" in record.getMessage() for record in caplog.records):
                await asyncio.sleep(0.01)
            for hog in hogs:
                hog.close()
            with client, await Peer.accept(listener) as endpoint:
                assert await endpoint.receive_exactly(5) == b"waits"
    paused = [record for record in caplog.records if "accept_paused" in record.getMessage()]
    assert len(paused) == 1
    assert paused[0].levelno == logging.WARNING


async def test_the_descriptor_budget_leaves_room_and_the_queue_waits() -> None:
    with listening(backlog=500) as listener:
        async with harness(descriptor_limit=200) as h:
            h.serve(route(endpoint_of(listener)))
            room = h.plane._runtime.descriptors.available // 2  # less the listener, which counts too
            assert 0 < room < 100
            clients = [await Peer.connect(h.address) for _ in range(room + 5)]
            await h.connected(room)
            assert h.plane._runtime.descriptors.available < 2
            for client in clients[:10]:
                client.reset()
            # Those over the budget get their turn by the timer.
            await h.connected(room - 5)
            for client in clients:
                client.close()


async def test_L4_an_address_that_is_lost_while_it_refuses_is_taken_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("userproxy.dataplane.retries.PAUSES_S", (0.01,))
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            address = h.address
            h.swap()
            intake = h.plane._ports[h.current.key].intake
            tcp_listener = intake._listener  # type: ignore[union-attr]  # a TcpIntake, seen as Intake
            listens = tcp_listener._sock.listen
            broken = BrokenSocket(tcp_listener._sock)
            tcp_listener._sock = broken
            h.swap(endpoint_of(listener))
            assert h.plane.snapshot()[0].state == "taken"
            assert [problem.rule for problem in h.plane.problems()] == ["L4"]
            with pytest.raises(NotListening):
                _ = h.address
            tcp_listener._sock = broken.sock
            assert listens is not None
            while h.plane.snapshot()[0].state == "taken":
                await asyncio.sleep(0.005)
            assert h.address == address
            assert h.plane.problems() == ()


class BrokenSocket:
    """Its address was taken: it cannot listen."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def listen(self, backlog: int) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    def __getattr__(self, name: str) -> object:
        return getattr(self.sock, name)


async def test_accepting_goes_on_behind_a_broken_connection() -> None:
    """ECONNABORTED and the like concern one connection (accept(2))."""
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            (await Peer.connect(h.address)).reset()
            with await Peer.connect(h.address) as client:
                await client.send(b"next")
                while True:
                    with await Peer.accept(listener) as endpoint:
                        try:
                            if await endpoint.receive() == b"next":
                                break
                        except ConnectionResetError:
                            continue


async def test_many_accepts_in_one_turn_leave_others_theirs() -> None:
    with listening(backlog=400) as listener:
        async with harness(Settings()) as h:
            h.serve(route(endpoint_of(listener)))
            clients = [await Peer.connect(h.address) for _ in range(200)]
            await h.connected(200)
            await _all_served(h, clients, listener)


async def _all_served(h: Harness, clients: list[Peer], listener: socket.socket) -> None:
    for client in clients:
        await client.send(b"!")
    for _ in clients:
        with await Peer.accept(listener) as endpoint:
            assert await endpoint.receive() == b"!"
    for client in clients:
        client.close()
