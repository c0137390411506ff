"""The life of a connection before the relay: dialling, retrying, holding, limits; each pair of letters."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
from _socket import socket as RawSocket

import pytest

from tests.dataplane.harness import WEB, Harness, Peer, endpoint_of, harness, listening, pair, route, talk
from userproxy.dataplane import tcp
from userproxy.dataplane.dialling import Attempt, DialDone, Dialler, _Connecting
from userproxy.dataplane.relay import Relay
from userproxy.dataplane.sockets import probe_when_idle
from userproxy.model.names import ServicePortName
from userproxy.model.routes import Endpoint
from userproxy.model.service import PortOptions
from userproxy.settings import DialSettings, Limits, Settings

NOBODY = Endpoint.of("127.0.0.1", 1)
"""Port 1 (tcpmux, RFC 1078): nothing listens there."""
HOLD = PortOptions(hold_s=30.0)


async def answers(h: Harness, listener: socket.socket, data: bytes = b"ping") -> None:
    """A new client of the service reaches ``listener``."""
    with await Peer.connect(h.address) as client:
        await client.send(data)
        with await Peer.accept(listener) as endpoint:
            assert await endpoint.receive_exactly(len(data)) == data


class Silent:
    """A dialler whose dials never end by themselves."""

    def __init__(self) -> None:
        self.dialled: list[Endpoint] = []
        self.cancelled = 0
        self.started = asyncio.Event()

    def dial(self, endpoint: Endpoint, done: DialDone) -> Attempt:
        self.dialled.append(endpoint)
        self.started.set()
        return self

    def cancel(self) -> None:
        self.cancelled += 1


async def test_B4_a_refused_dial_moves_to_the_next_endpoint() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(NOBODY, endpoint_of(listener)))
            for _ in range(4):
                await answers(h, listener)
                await h.ends.next()
            failures = {e.endpoint: e.dial_failures for e in h.plane.snapshot()[0].endpoints}
            assert failures[NOBODY.name] >= 1


async def test_B4_what_the_client_sent_meanwhile_goes_to_the_one_that_answers() -> None:
    """The client may send, and half-close, before anybody has answered."""
    with listening() as listener:
        async with harness() as h:
            h.serve(route(*[Endpoint.of("127.0.0.1", port) for port in (1, 2, 3)], endpoint_of(listener)))
            for _ in range(4):
                with await Peer.connect(h.address) as client:
                    await client.send(b"all of it")
                    client.fin()
                    with await Peer.accept(listener) as endpoint:
                        assert await endpoint.receive_exactly(9) == b"all of it"
                        assert await endpoint.receive() == b""


async def test_B4_each_endpoint_once_before_any_twice_four_attempts_in_all() -> None:
    endpoints = [Endpoint.of("127.0.0.1", port) for port in (1, 2, 3)]
    async with harness() as h:
        h.serve(route(*endpoints))
        with await Peer.connect(h.address) as client:
            with pytest.raises(ConnectionResetError):
                await client.receive()
        end = await h.ends.next()
        assert (end["state"], end["dials"]) == ("ED", 4)
        failures = sorted(e.dial_failures for e in h.plane.snapshot()[0].endpoints)
        assert failures == [1, 1, 2]


async def test_B4_an_endpoint_that_does_not_answer_is_left_at_its_time_limit() -> None:
    settings = Settings(dial=DialSettings(timeouts_s=(0.01, 0.02, 0.03)))
    silent = Silent()
    async with harness(settings) as h:
        h.plane._runtime.dialler = silent
        h.serve(route(NOBODY))
        with await Peer.connect(h.address) as client:
            with pytest.raises(ConnectionResetError):
                await client.receive()
        end = await h.ends.next()
    assert (end["state"], end["dials"]) == ("ED", 3)
    assert silent.cancelled == 3


async def test_B4_CD_dialling_stops_when_the_client_has_gone() -> None:
    silent = Silent()
    async with harness() as h:
        h.plane._runtime.dialler = silent
        h.serve(route(NOBODY))
        client = await Peer.connect(h.address)
        await silent.started.wait()
        client.reset()
        assert await h.ends.state() == "CD"
    assert silent.cancelled == 1
    assert len(silent.dialled) == 1


async def test_B5_ED_all_dials_failed_is_a_reset_and_no_empty_answer() -> None:
    async with harness() as h:
        h.serve(route(NOBODY))
        with await Peer.connect(h.address) as client:
            await client.send(b"unread")
            with pytest.raises(ConnectionResetError):
                await client.receive()
        assert await h.ends.state() == "ED"


async def test_C2_ET_endpoint_reset() -> None:
    async with pair() as (client, endpoint, h):
        endpoint.reset()
        with pytest.raises(ConnectionResetError):
            await client.receive()
        assert await h.ends.state() == "ET"


async def test_a_connect_to_itself_is_no_connection() -> None:
    """On loopback the kernel may give the dial the very port that it dials (RFC 9293, section 3.5)."""
    outcome: asyncio.Future[OSError | None] = asyncio.get_running_loop().create_future()
    async with harness() as h:
        sock = RawSocket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        sock.bind(("127.0.0.1", 0))
        own = Endpoint.of(*sock.getsockname())
        sock.connect_ex((own.ip, own.port))
        attempt = _Connecting(
            h.plane._runtime.engine, sock, own, lambda got, mask, error: outcome.set_result(error)
        )
        h.plane._runtime.engine.watch(sock.fileno(), attempt)
        error = await outcome
    assert error is not None
    assert error.errno == errno.ECONNREFUSED


# Holding.


async def test_L9_a_connection_waits_for_an_endpoint_unread() -> None:
    names: list[ServicePortName] = []
    with listening() as listener:
        async with harness() as h:
            h.plane._runtime.on_hold = names.append
            h.serve(route(options=HOLD))
            assert h.plane.snapshot()[0].state == "holding"
            clients = [await Peer.connect(h.address) for _ in range(3)]
            for client in clients:
                await client.send(b"early")
            while h.plane.snapshot()[0].held < 3:
                await asyncio.sleep(0)
            h.swap(endpoint_of(listener))
            for _ in clients:
                with await Peer.accept(listener) as endpoint:
                    assert await endpoint.receive_exactly(5) == b"early"
            assert h.plane.snapshot()[0].held == 0
            for client in clients:
                client.close()
    assert names == [WEB]


async def test_L9_all_that_waited_are_spread_by_the_balancer() -> None:
    with listening() as first, listening() as second:
        async with harness() as h:
            h.serve(route(options=HOLD))
            clients = [await Peer.connect(h.address) for _ in range(10)]
            while h.plane.snapshot()[0].held < 10:
                await asyncio.sleep(0)
            h.swap(endpoint_of(first), endpoint_of(second))
            await h.connected(10)
            assert sorted(e.open for e in h.plane.snapshot()[0].endpoints) == [5, 5]
            for client in clients:
                client.close()


async def test_L9_NH_the_time_is_up() -> None:
    async with harness() as h:
        h.serve(route(options=PortOptions(hold_s=0.05)))
        with await Peer.connect(h.address) as client:
            with pytest.raises(ConnectionResetError):
                await client.receive()
        assert await h.ends.state() == "NH"


async def test_L9_a_connection_whose_dials_failed_waits_and_dials_again() -> None:
    """A Service with one replica restarts without an error although its slice never changes."""
    settings = Settings(dial=DialSettings(hold_retry_s=0.01))
    with socket.socket() as replica:
        replica.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        replica.bind(("127.0.0.1", 0))  # bound, so that nobody takes it, and not listening yet
        replica.setblocking(False)
        async with harness(settings) as h:
            h.serve(route(endpoint_of(replica), options=HOLD))
            with await Peer.connect(h.address) as client:
                await client.send(b"patient")
                while h.plane.snapshot()[0].held < 1:
                    await asyncio.sleep(0)
                replica.listen(8)
                with await Peer.accept(replica) as endpoint:
                    assert await endpoint.receive_exactly(7) == b"patient"
            end = await h.ends.next()
            assert isinstance(end["dials"], int)
            assert end["dials"] > 4


async def test_L9_CH_a_client_that_waits_may_go() -> None:
    async with harness() as h:
        h.serve(route(options=HOLD))
        client = await Peer.connect(h.address)
        while h.plane.snapshot()[0].held < 1:
            await asyncio.sleep(0)
        client.reset()
        assert await h.ends.state() == "CH"
        assert h.plane.snapshot()[0].held == 0


async def test_L9_a_client_that_half_closed_still_waits() -> None:
    """A FIN is no farewell (rule C2)."""
    with listening() as listener:
        async with harness() as h:
            h.serve(route(options=HOLD))
            with await Peer.connect(h.address) as client:
                await client.send(b"question")
                client.fin()
                while h.plane.snapshot()[0].held < 1:
                    await asyncio.sleep(0)
                h.swap(endpoint_of(listener))
                with await Peer.accept(listener) as endpoint:
                    assert await endpoint.receive_exactly(8) == b"question"
                    await endpoint.send(b"answer")
                    assert await client.receive() == b"answer"


async def test_L9_LH_waiting_is_bounded_in_number() -> None:
    settings = Settings(limits=Limits(max_held_per_service=2))
    async with harness(settings) as h:
        h.serve(route(options=HOLD))
        clients = [await Peer.connect(h.address) for _ in range(3)]
        assert await h.ends.state() == "LH"
        for client in clients:
            client.close()


async def test_L9_TH_waiting_ends_with_the_service() -> None:
    async with harness() as h:
        h.serve(route(options=HOLD))
        with await Peer.connect(h.address) as client:
            while h.plane.snapshot()[0].held < 1:
                await asyncio.sleep(0)
            h.remove()
            with pytest.raises(ConnectionResetError):
                await client.receive()
        assert await h.ends.state() == "TH"


# Limits.


async def test_LD_more_connections_than_the_service_may_have() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener), options=PortOptions(max_connections=1)))
            with await Peer.connect(h.address), await Peer.accept(listener):
                await h.connected()
                with await Peer.connect(h.address) as second:
                    with pytest.raises(ConnectionResetError):
                        await second.receive()
                assert await h.ends.state() == "LD"
            await h.ends.next()
            await answers(h, listener)


async def test_LD_more_connections_than_the_process_may_have() -> None:
    settings = Settings(limits=Limits(max_connections=1))
    with listening() as listener:
        async with harness(settings) as h:
            h.serve(route(endpoint_of(listener)))
            with await Peer.connect(h.address):
                await h.connected()
                with await Peer.connect(h.address) as second:
                    with pytest.raises(ConnectionResetError):
                        await second.receive()
                assert await h.ends.state() == "LD"


async def test_IT_idle_limit() -> None:
    async with pair(options=PortOptions(idle_timeout_s=0.1)) as (client, endpoint, h):
        for _ in range(3):
            await client.send(b"busy")
            await endpoint.receive_exactly(4)
        with pytest.raises(ConnectionResetError):
            await client.receive()
        assert await h.ends.state() == "IT"


async def test_C1_connections_outlive_their_endpoint() -> None:
    async with pair() as (client, endpoint, h):
        h.swap()
        await client.send(b"still here")
        assert await endpoint.receive_exactly(10) == b"still here"


async def test_C1_TT_drain_limit() -> None:
    async with pair(options=PortOptions(drain_limit_s=0.05)) as (client, _, h):
        h.swap(NOBODY)
        with pytest.raises(ConnectionResetError):
            await client.receive()
        assert await h.ends.state() == "TT"


async def test_C1_an_endpoint_that_comes_back_is_not_drained() -> None:
    with listening() as listener:
        async with harness() as h:
            mine = endpoint_of(listener)
            h.serve(route(mine, options=PortOptions(drain_limit_s=0.2)))
            with await Peer.connect(h.address) as client, await Peer.accept(listener) as endpoint:
                await h.connected()
                h.swap(NOBODY)
                h.swap(mine)
                connection = next(iter(h.plane._ports[h.current.key].intakes()[0].open_traffic()))
                assert connection.drain is None  # type: ignore[attr-defined]  # a Connection, seen as Traffic
                await client.send(b"x")
                assert await endpoint.receive() == b"x"


async def test_L6_C1_TT_the_drain_limit_counts_when_the_service_goes() -> None:
    async with pair(options=PortOptions(drain_limit_s=0.05)) as (client, _, h):
        h.remove()
        with pytest.raises(ConnectionResetError):
            await client.receive()
        assert await h.ends.state() == "TT"


async def test_C1_a_drain_limit_that_is_taken_back_cuts_nobody() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener), options=PortOptions(drain_limit_s=60)))
            with await Peer.connect(h.address) as client, await Peer.accept(listener) as endpoint:
                await h.connected()
                h.serve(route(NOBODY, options=PortOptions(drain_limit_s=60)))
                connection = next(iter(h.plane._ports[h.current.key].intakes()[0].open_traffic()))
                assert connection.drain is not None  # type: ignore[attr-defined]  # a Connection, seen as Traffic
                h.serve(route(NOBODY))
                assert connection.drain is None  # type: ignore[attr-defined]  # as above
                await client.send(b"x")
                assert await endpoint.receive() == b"x"


async def test_C1_TT_a_dial_to_an_endpoint_that_left_meanwhile_is_limited_too() -> None:
    with listening() as listener:
        async with harness() as h:
            late = Late(h.plane._runtime.dialler)
            h.plane._runtime.dialler = late
            h.serve(route(endpoint_of(listener), options=PortOptions(drain_limit_s=0.05)))
            with await Peer.connect(h.address) as client:
                await late.started.wait()
                h.swap(NOBODY)
                late.go_on()
                with pytest.raises(ConnectionResetError):
                    await client.receive()
            assert await h.ends.state() == "TT"


class Late:
    """A dialler that begins when it is told to."""

    def __init__(self, real: Dialler) -> None:
        self._real = real
        self._pending: list[tuple[Endpoint, DialDone]] = []
        self.started = asyncio.Event()

    def dial(self, endpoint: Endpoint, done: DialDone) -> Attempt:
        self._pending.append((endpoint, done))
        self.started.set()
        return self

    def go_on(self) -> None:
        for endpoint, done in self._pending:
            self._real.dial(endpoint, done)

    def cancel(self) -> None:
        """Nothing has begun."""


async def test_IT_a_shorter_idle_timeout_counts_at_once() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener), options=PortOptions(idle_timeout_s=3600)))
            with await Peer.connect(h.address) as client, await Peer.accept(listener):
                await h.connected()
                h.serve(route(endpoint_of(listener), options=PortOptions(idle_timeout_s=0.1)))
                with pytest.raises(ConnectionResetError):
                    await client.receive()
                assert await h.ends.state() == "IT"


async def test_LD_a_want_of_descriptors_is_no_fault_of_the_endpoint() -> None:
    async with harness() as h:
        h.plane._runtime.dialler = Poor()
        h.serve(route(NOBODY))
        with await Peer.connect(h.address) as client:
            with pytest.raises(ConnectionResetError):
                await client.receive()
        assert await h.ends.state() == "LD"
        assert [e.dial_failures for e in h.plane.snapshot()[0].endpoints] == [0]


class Poor:
    """A dialler without descriptors."""

    def dial(self, endpoint: Endpoint, done: DialDone) -> None:
        done(None, 0, OSError(errno.EMFILE, "Too many open files"))


async def test_XT_a_fault_of_ours_ends_that_connection_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            with await Peer.connect(h.address) as victim, await Peer.connect(h.address) as other:
                await h.connected(2)

                def broken(self: Relay, side: object, mask: int) -> None:
                    raise ZeroDivisionError

                def leave(self: Relay, *_: object) -> None:
                    raise ZeroDivisionError

                monkeypatch.setattr(Relay, "leave_fast", leave)
                monkeypatch.setattr(Relay, "ready", broken)
                victim.fin()
                assert await h.ends.state() == "XT"
                monkeypatch.undo()
                await other.send(b"fine")
                for _ in range(2):
                    with await Peer.accept(listener) as endpoint:
                        if await _first(endpoint) == b"fine":
                            return
                pytest.fail("the other connection was hurt")


async def _first(endpoint: Peer) -> bytes:
    try:
        return await endpoint.receive()
    except ConnectionResetError:
        return b""


async def test_XT_a_fault_on_the_fast_path_is_contained_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with pair() as (client, endpoint, h):
        await talk(client, endpoint)
        assert any(h.plane._runtime.engine.fast)

        def leave(self: Relay, *_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(Relay, "leave_fast", leave)
        await client.send(b"x" * 20_000)
        assert await h.ends.state() == "XT"


async def test_what_is_over_leaves_no_cycle_to_the_collector() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))

            async def once() -> None:
                with await Peer.connect(h.address) as client:
                    await client.send(b"x")
                    with await Peer.accept(listener) as endpoint:
                        await endpoint.receive()
                await h.ends.next()

            await once()
            gc.collect()
            gc.disable()
            try:
                for _ in range(20):
                    await once()
                gc.set_debug(gc.DEBUG_SAVEALL)
                gc.collect()
                left = [found for found in gc.garbage if type(found).__module__.startswith("userproxy.")]
                assert left == []
            finally:
                gc.set_debug(0)
                gc.garbage.clear()
                gc.enable()


def _relay_of(h: Harness) -> Relay:
    connection = next(iter(h.plane._ports[h.current.key].intakes()[0].open_traffic()))
    relay = connection._relay  # type: ignore[attr-defined]  # a Connection, seen as Traffic
    assert isinstance(relay, Relay)
    return relay


def _probes(sock: RawSocket) -> bool:
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) and (
        sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
    )


async def test_C9_both_sides_have_nodelay() -> None:
    async with pair() as (_, _, h):
        relay = _relay_of(h)
        for side in (relay.client, relay.endpoint):
            assert side.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_C9_keepalive_on_both_sides_of_connections_that_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than are looked after in one turn."""
    monkeypatch.setattr(tcp, "PROBE_AFTER_S", 0.01)
    monkeypatch.setattr(tcp, "PROBES_A_TURN", 2)
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            clients = [await Peer.connect(h.address) for _ in range(5)]
            await h.connected(5)
            relays = [one._relay for one in h.plane._ports[h.current.key].intakes()[0].open_traffic()]  # type: ignore[attr-defined]  # Connections, seen as Traffic
            assert all(_probes(relay.client.sock) for relay in relays)
            async with asyncio.timeout(10):
                while not all(_probes(relay.endpoint.sock) for relay in relays):
                    await asyncio.sleep(0)
            for client in clients:
                client.close()


async def test_C9_an_endpoint_socket_of_another_kind_is_left_as_it_is() -> None:
    """A dialler may give one end of a socketpair."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        probe_when_idle(ours)
        assert not ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


async def test_C8_hairpin_a_client_that_is_its_own_endpoint() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            sock = socket.socket()
            sock.bind((listener.getsockname()[0], 0))
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, h.address)
            with Peer(sock) as client, await Peer.accept(listener) as endpoint:
                await client.send(b"me")
                assert await endpoint.receive() == b"me"


async def test_B1_B3_affinity_moves_from_an_endpoint_that_refuses_and_stays() -> None:
    with listening() as one, listening() as two:
        async with harness() as h:
            h.serve(route(endpoint_of(one), endpoint_of(two), session_affinity_s=100))
            seen = [await _who(h, one, two) for _ in range(4)]
            assert len(set(seen)) == 1
            first = {0: one, 1: two}[seen[0]]
            gone = endpoint_of(first)
            first.close()
            again = [await _who(h, one, two) for _ in range(3)]
            assert set(again) == {1 - seen[0]}
            assert h.plane._ports[h.current.key].affinity is not None
            assert gone in h.plane._ports[h.current.key].usable


async def _who(h: Harness, *listeners: socket.socket) -> int:
    """Which listener a new client reaches."""
    loop = asyncio.get_running_loop()
    with await Peer.connect(h.address):
        accepts = {
            loop.create_task(Peer.accept(listener)): number
            for number, listener in enumerate(listeners)
            if listener.fileno() >= 0
        }
        done, pending = await asyncio.wait(accepts, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        winner = done.pop()
        winner.result().close()
        return accepts[winner]
