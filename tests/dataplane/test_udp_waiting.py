"""Who waits how long, on a clock that is moved by hand (rule L9)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from tests.dataplane.clock import Clock
from tests.dataplane.harness import route
from userproxy.dataplane.closing import Who
from userproxy.dataplane.counters import PortCounters
from userproxy.dataplane.deadlines import Deadlines
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import ServicePort
from userproxy.dataplane.udp_clients import Client
from userproxy.dataplane.udp_registry import ENDS_PER_TURN
from userproxy.dataplane.udp_waiting import DATAGRAMS_PER_TURN, WaitingClients
from userproxy.model.service import PortOptions
from userproxy.settings import Settings


def client(number: int) -> Client:
    return ("127.0.0.1", 1024 + number)


class Bench:
    """`WaitingClients` with stand-ins for what it uses of the runtime and of the service port."""

    def __init__(self, hold_s: float = 10.0) -> None:
        self.clock = Clock()
        self.again: list[Callable[[], None]] = []
        self.forwarded: list[tuple[Client, bytes]] = []
        self.first_held = 0
        self.port = SimpleNamespace(
            counters=PortCounters(),
            key=route().key,
            route=route(options=PortOptions(hold_s=hold_s)),
            usable=frozenset[object](),
            first_held=self._count_first,
        )
        runtime = SimpleNamespace(
            loop=self.clock,
            deadlines=Deadlines(cast(asyncio.AbstractEventLoop, self.clock)),
            engine=SimpleNamespace(again=self.again.append),
            settings=Settings(),
        )
        self.waiting = WaitingClients(cast(Runtime, runtime), cast(ServicePort, self.port), self._forward)

    def _count_first(self) -> None:
        self.first_held += 1

    def _forward(self, address: Client, datagram: memoryview) -> None:
        self.forwarded.append((address, bytes(datagram)))

    def add(self, number: int, datagram: bytes = b"x") -> None:
        self.waiting.add(client(number), memoryview(datagram))

    @property
    def ends(self) -> dict[str, int]:
        return dict(self.port.counters.ends)


@pytest.mark.spec("L9")
def test_L9_NH_each_client_waits_for_its_own_time() -> None:
    bench = Bench(hold_s=10.0)
    bench.add(1)
    bench.clock.turn(4.0)
    bench.add(2)
    bench.add(1, b"a later one of the first client waits no longer than its first one")
    bench.clock.turn(9.9)
    assert bench.ends == {}
    bench.clock.turn(10.0)
    assert (bench.ends, len(bench.waiting), bench.port.counters.held) == ({"NH": 1}, 1, 1)
    assert bench.port.counters.dropped == {"hold ran out": 2}
    bench.clock.turn(13.9)
    assert bench.ends == {"NH": 1}
    bench.clock.turn(14.0)
    assert (bench.ends, len(bench.waiting), bench.port.counters.held) == ({"NH": 2}, 0, 0)
    bench.clock.turn(100.0)
    assert bench.clock.handles == []


@pytest.mark.spec("L9")
def test_L9_a_crowd_whose_time_is_up_is_dropped_in_turns() -> None:
    bench = Bench(hold_s=10.0)
    for number in range(ENDS_PER_TURN + 10):
        bench.add(number)
    bench.clock.turn(10.0)
    assert len(bench.waiting) == 10
    bench.clock.turn(10.1)
    assert len(bench.waiting) == 0


@pytest.mark.spec("L9")
def test_L9_all_are_let_through_in_turns_and_in_order() -> None:
    bench = Bench()
    for number in range(2 * DATAGRAMS_PER_TURN + 1):
        bench.add(number)
    bench.port.usable = frozenset({"an endpoint"})
    bench.waiting.release()
    assert len(bench.forwarded) == DATAGRAMS_PER_TURN
    bench.waiting.release()
    assert (len(bench.forwarded), len(bench.again)) == (DATAGRAMS_PER_TURN, 1), "it is under way"
    while bench.again:
        bench.again.pop(0)()
    assert bench.forwarded == [(client(number), b"x") for number in range(2 * DATAGRAMS_PER_TURN + 1)]
    assert bench.port.counters.held == 0
    bench.clock.turn(100.0)
    assert bench.ends == {}, "nobody's time is up any more"


@pytest.mark.spec("L9")
def test_L9_letting_through_stops_when_the_endpoint_goes_again() -> None:
    bench = Bench(hold_s=10.0)
    for number in range(DATAGRAMS_PER_TURN + 1):
        bench.add(number)
    bench.port.usable = frozenset({"an endpoint"})
    bench.waiting.release()
    bench.port.usable = frozenset()
    bench.again.pop(0)()
    assert (len(bench.waiting), bench.again) == (1, [])
    bench.clock.turn(10.0)
    assert bench.ends == {"NH": 1}


@pytest.mark.spec("L9")
def test_L9_only_the_first_of_a_crowd_is_announced() -> None:
    bench = Bench()
    bench.add(1)
    bench.add(1)
    bench.add(2)
    assert bench.first_held == 1
    bench.waiting.drop(Who.STOP)
    assert (bench.ends, bench.port.counters.dropped) == ({"TH": 2}, {"stopped": 3})
    bench.add(3)
    assert bench.first_held == 2


@pytest.mark.spec("L9")
def test_L9_a_changed_hold_time_counts_from_the_next_look() -> None:
    bench = Bench(hold_s=10.0)
    bench.add(1)
    bench.port.route = replace(bench.port.route, options=PortOptions(hold_s=20.0))
    bench.clock.turn(10.0)
    assert bench.ends == {}
    bench.clock.turn(20.0)
    assert bench.ends == {"NH": 1}
