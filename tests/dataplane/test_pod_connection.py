"""A connection whose endpoints are reached through pods: it is provisional until the pod has answered."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from _socket import socket as RawSocket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace

import pytest

from tests.dataplane.harness import Harness, Peer, endpoint_of, harness, listening, route
from userproxy.dataplane.descriptors import Descriptors
from userproxy.dataplane.engine import Engine
from userproxy.dataplane.pod_dialling import PodCaller
from userproxy.model.names import NamespacedName
from userproxy.model.routes import Endpoint
from userproxy.model.service import PortOptions
from userproxy.settings import DialSettings, Settings

ONE = Endpoint.of("10.0.0.1", 80)
TWO = Endpoint.of("10.0.0.2", 80)
PODS = {ONE: "web-1", TWO: "web-2"}
REFUSED = OSError(errno.ECONNREFUSED, "connection refused")
HOLD = PortOptions(hold_s=30.0)


class Way:
    """A `PodDial` that a test plays: the other end of the socket is in its hands."""

    timeout_s: float | None = None

    def __init__(self, caller: PodCaller, pod: NamespacedName, script: Script) -> None:
        self.caller = caller
        self.pods = [pod]
        self.cancelled = 0
        self.ended: list[bool] = []
        self._script = script
        theirs, ours = socket.socketpair()
        theirs.setblocking(False)
        self.theirs = RawSocket(fileno=theirs.detach())
        self.far = Peer(ours)
        self.sockets = [ours]

    def there(self) -> None:
        self.caller.forwarded(self, self.theirs if len(self.pods) == 1 else None)

    def cancel(self) -> None:
        self.cancelled += 1

    def redial(self, endpoint: Endpoint, pod: NamespacedName) -> bool:
        self.pods.append(pod)
        return self._script.begun(self)

    def over(self, *, clean: bool) -> None:
        self.ended.append(clean)
        self.far.close()


class Script:
    """A `PodDialler`; ``step`` says what becomes of each dial at once, and whether it is under way then."""

    def __init__(self, step: Callable[[Way], bool] | None = None) -> None:
        self.step = step
        self.ways: list[Way] = []
        self.changed = asyncio.Event()

    def attach(self, engine: Engine, descriptors: Descriptors) -> None:
        """Nothing to watch."""

    def counts(self) -> Mapping[str, int]:
        return {}

    def stopping(self) -> None:
        """Nothing is held back."""

    def dial(self, endpoint: Endpoint, pod: NamespacedName, caller: PodCaller) -> Way | None:
        way = Way(caller, pod, self)
        self.ways.append(way)
        return way if self.begun(way) else None

    def begun(self, way: Way) -> bool:
        self.changed.set()
        return True if self.step is None else self.step(way)

    async def dialled(self, count: int) -> Way:
        """The last way, once so many dials have begun."""
        while sum(len(way.pods) for way in self.ways) < count:
            self.changed.clear()
            await self.changed.wait()
        return self.ways[-1]


def there(way: Way) -> bool:
    way.there()
    return False


@contextlib.asynccontextmanager
async def pods(
    script: Script, *endpoints: Endpoint, options: PortOptions | None = None, settings: Settings | None = None
) -> AsyncIterator[Harness]:
    async with harness(settings, pod_dialler=script) as h:
        served = endpoints or (ONE, TWO)
        named = tuple((endpoint.name, PODS[endpoint]) for endpoint in served if endpoint in PODS)
        h.serve(replace(route(*served, options=options), pods=named))
        try:
            yield h
        finally:
            for way in script.ways:
                way.far.close()
                way.theirs.close()


def opened(h: Harness) -> dict[str, tuple[int, int, int]]:
    """Open, made and failed connections by endpoint."""
    return {e.endpoint: (e.open, e.connections, e.dial_failures) for e in h.plane.snapshot()[0].endpoints}


async def test_bytes_both_ways_and_a_good_end() -> None:
    script = Script(there)
    async with pods(script, ONE) as h:
        with await Peer.connect(h.address) as client:
            await client.send(b"question")
            way = await script.dialled(1)
            assert await way.far.receive() == b"question"
            way.caller.reached()
            await way.far.send(b"answer")
            assert await client.receive_exactly(6) == b"answer"
            assert opened(h) == {ONE.name: (1, 1, 0)}
            client.fin()
            assert await way.far.receive() == b""
            way.far.fin()
            assert await client.receive() == b""
        end = await h.ends.next()
        assert (end["state"], end["dials"], end["endpoint"]) == ("--", 1, ONE.name)
        assert way.ended == [True]
        assert way.pods == [NamespacedName("default", "web-1")]


async def test_B4_nothing_was_delivered_so_the_same_socket_leads_to_another_pod() -> None:
    script = Script(there)
    async with pods(script) as h:
        with await Peer.connect(h.address) as client:
            await client.send(b"question")
            way = await script.dialled(1)
            assert await way.far.receive() == b"question"
            way.caller.undelivered(REFUSED)
            assert [pod.name for pod in way.pods] in (["web-1", "web-2"], ["web-2", "web-1"])
            way.caller.reached()
            await way.far.send(b"answer")
            assert await client.receive_exactly(6) == b"answer"
            assert sorted(opened(h).values()) == [(0, 0, 1), (1, 1, 0)]
            way.far.fin()
        end = await h.ends.next()
        assert end["dials"] == 2


async def test_B4_ED_no_pod_takes_it() -> None:
    script = Script(there)
    async with pods(script) as h:
        with await Peer.connect(h.address) as client:
            way = await script.dialled(1)
            for _ in range(4):
                way.caller.undelivered(REFUSED)
            with pytest.raises(ConnectionResetError):
                await client.receive()
        end = await h.ends.next()
        assert (end["state"], end["dials"]) == ("ED", 4)
        assert way.ended == [False]
        assert sorted(opened(h).values()) == [(0, 0, 2), (0, 0, 2)]


async def test_B4_ED_dials_that_fail_at_once() -> None:
    def fails(way: Way) -> bool:
        way.caller.undelivered(REFUSED)
        return False

    script = Script(fails)
    async with pods(script) as h:
        with await Peer.connect(h.address) as client, pytest.raises(ConnectionResetError):
            await client.receive()
        assert (await h.ends.next())["dials"] == 4
        assert len(script.ways) == 4


async def test_B4_redials_that_fail_at_once_while_the_relay_runs() -> None:
    def fails_later(way: Way) -> bool:
        if len(way.pods) == 1:
            way.there()
        else:
            way.caller.undelivered(REFUSED)
        return False

    script = Script(fails_later)
    async with pods(script) as h:
        with await Peer.connect(h.address) as client:
            (await script.dialled(1)).caller.undelivered(REFUSED)
            with pytest.raises(ConnectionResetError):
                await client.receive()
        end = await h.ends.next()
        assert (end["state"], end["dials"]) == ("ED", 4)


async def test_ED_a_way_that_breaks_before_the_pod_has_answered() -> None:
    script = Script(there)
    async with pods(script) as h:
        with await Peer.connect(h.address) as client:
            (await script.dialled(1)).caller.broken(OSError(errno.ECONNRESET, "cut"))
            with pytest.raises(ConnectionResetError):
                await client.receive()
        end = await h.ends.next()
        assert (end["state"], end["dials"]) == ("ED", 1)


async def test_C2_ET_a_way_that_breaks_hands_over_what_came_before() -> None:
    script = Script(there)
    async with pods(script) as h:
        with await Peer.connect(h.address) as client:
            way = await script.dialled(1)
            way.caller.reached()
            await way.far.send(b"some of it")
            way.caller.broken(OSError(errno.ECONNRESET, "cut"))
            assert await client.receive_exactly(10) == b"some of it"
            with pytest.raises(ConnectionResetError):
                await client.receive()
        assert await h.ends.state() == "ET"
        assert way.ended == [False]


@pytest.mark.parametrize(("reached", "state"), [(False, "CD"), (True, "CT")])
async def test_a_client_that_resets(reached: bool, state: str) -> None:
    script = Script(there)
    async with pods(script) as h:
        client = await Peer.connect(h.address)
        way = await script.dialled(1)
        if reached:
            way.caller.reached()
        client.reset()
        assert await h.ends.state() == state
        assert way.ended == [False]


async def test_B4_a_dial_has_the_limit_that_it_states() -> None:
    def waits(way: Way) -> bool:
        way.timeout_s = 0.02
        return True

    script = Script(waits)
    slow = Settings(dial=DialSettings(timeouts_s=(3600.0, 3600.0)))
    async with pods(script, settings=slow) as h:
        with await Peer.connect(h.address) as client, pytest.raises(ConnectionResetError):
            await client.receive()
        assert await h.ends.state() == "ED"
        assert [way.cancelled for way in script.ways] == [1, 1]


async def test_B4_a_redial_that_does_not_end_is_left_at_its_limit() -> None:
    script = Script(lambda way: there(way) if len(way.pods) == 1 else True)
    async with pods(script, settings=Settings(dial=DialSettings(timeouts_s=(0.01, 0.01, 0.01)))) as h:
        with await Peer.connect(h.address) as client:
            way = await script.dialled(1)
            way.caller.undelivered(REFUSED)
            with pytest.raises(ConnectionResetError):
                await client.receive()
        end = await h.ends.next()
        assert (end["state"], end["dials"]) == ("ED", 3)
        assert way.cancelled == 2


async def test_L9_a_held_client_keeps_its_bytes_and_is_dialled_for_again() -> None:
    script = Script(there)
    async with pods(script, ONE, options=HOLD) as h:
        with await Peer.connect(h.address) as client:
            await client.send(b"question")
            way = await script.dialled(1)
            assert await way.far.receive() == b"question"
            for _ in range(4):
                way.caller.undelivered(REFUSED)
            assert h.plane.snapshot()[0].held == 1
            h.serve(replace(h.current, options=PortOptions(hold_s=30.0, drain_limit_s=9)))
            await script.dialled(5)
            assert h.plane.snapshot()[0].held == 1
            way.caller.reached()
            assert h.plane.snapshot()[0].held == 0
            await way.far.send(b"!")
            assert await client.receive() == b"!"
            way.far.fin()


async def test_L9_NH_the_hold_runs_on_while_ways_come_to_nothing() -> None:
    script = Script()
    settings = Settings(dial=DialSettings(hold_retry_s=0.005))
    async with pods(script, ONE, options=PortOptions(hold_s=0.1), settings=settings) as h:

        def refused_later(way: Way) -> bool:
            if not way.ended:
                way.there()
                asyncio.get_running_loop().call_soon(_refuse, way)
            return False

        script.step = refused_later
        with await Peer.connect(h.address) as client:
            with pytest.raises(ConnectionResetError):
                await client.receive()
        assert await h.ends.state() == "NH"
        assert script.ways[0].ended == [False]


def _refuse(way: Way) -> None:
    if not way.ended:
        way.caller.undelivered(REFUSED)


async def test_L9_a_stop_cuts_those_that_wait_and_not_those_that_have_a_way() -> None:
    script = Script(there)
    async with pods(script, ONE, options=HOLD) as h:
        with await Peer.connect(h.address) as waits, await Peer.connect(h.address) as client:
            await script.dialled(2)
            first, second = script.ways
            for _ in range(4):
                first.caller.undelivered(REFUSED)
                second.caller.undelivered(REFUSED)
            script.step = lambda way: there(way) if way is second else True
            h.serve(replace(h.current, options=PortOptions(hold_s=30.0, drain_limit_s=9)))
            h.plane.stop()
            second.caller.reached()
            await second.far.send(b"!")
            done, pending = await asyncio.wait(
                [asyncio.create_task(peer.receive()) for peer in (waits, client)]
            )
            assert not pending
            results = [task.exception() or task.result() for task in done]
            assert b"!" in results
            assert any(isinstance(result, ConnectionResetError) for result in results)
            second.far.fin()


async def test_TD_the_stop_of_the_plane_ends_what_is_provisional() -> None:
    script = Script(there)
    async with pods(script) as h:
        with await Peer.connect(h.address):
            way = await script.dialled(1)
            assert (await h.plane.drain(0)).cut == 1
            assert way.ended == [False]
            assert await h.ends.state() == "TD"


async def test_LD_a_want_of_descriptors_is_no_fault_of_the_pod() -> None:
    def poor(way: Way) -> bool:
        way.caller.undelivered(OSError(errno.EMFILE, "Too many open files"))
        return False

    async with pods(Script(poor), ONE) as h:
        with await Peer.connect(h.address) as client, pytest.raises(ConnectionResetError):
            await client.receive()
        assert await h.ends.state() == "LD"
        assert opened(h) == {ONE.name: (0, 0, 0)}


async def test_endpoints_without_a_pod_are_dialled_directly() -> None:
    script = Script()
    with listening() as listener:
        async with pods(script, endpoint_of(listener)) as h:
            with await Peer.connect(h.address) as client, await Peer.accept(listener) as endpoint:
                await client.send(b"x")
                assert await endpoint.receive() == b"x"
                client.reset()
            assert await h.ends.state() == "CT"
    assert script.ways == []


async def test_bytes_that_were_kept_for_a_pod_go_to_pods_alone() -> None:
    """A direct endpoint beside them is not tried: it would not get what was read from the client already."""
    script = Script(there)
    with listening() as listener:
        async with pods(script, ONE, endpoint_of(listener)) as h:
            for _ in range(2):  # one of two goes to the pod first
                with await Peer.connect(h.address) as client:
                    while not script.ways and not await _waiting(listener):
                        await asyncio.sleep(0)
                    if script.ways:
                        for _ in range(4):
                            script.ways[0].caller.undelivered(REFUSED)
                        with pytest.raises(ConnectionResetError):
                            await client.receive()
                        end = await h.ends.next()
                        assert (end["state"], end["dials"], end["endpoint"]) == ("ED", 4, ONE.name)
                        return
                await h.ends.next()
            raise AssertionError("the pod was never chosen")


async def _waiting(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True
