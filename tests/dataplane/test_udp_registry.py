"""Room and time for flows, on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tests.dataplane.clock import Clock
from userproxy.dataplane.closing import Who
from userproxy.dataplane.deadlines import Deadlines
from userproxy.dataplane.descriptors import Descriptors
from userproxy.dataplane.udp_flows import FlowEntry
from userproxy.dataplane.udp_registry import ENDS_PER_TURN, FlowRegistry


class Flow(FlowEntry):
    __slots__ = ("ended", "registry")

    def __init__(self, registry: FlowRegistry) -> None:
        self.registry = registry
        self.ended: Who | None = None

    def end(self, who: Who) -> None:
        assert self.ended is None
        self.ended = who
        self.registry.remove(self)


class Bench:
    def __init__(self, *, max_flows: int = 10_000, descriptors: int = 10_000) -> None:
        self.clock = Clock()
        loop = cast(asyncio.AbstractEventLoop, self.clock)
        self.descriptors = Descriptors(0, limit=1 << 19)
        self.descriptors.take(self.descriptors.capacity - descriptors)
        self.registry = FlowRegistry(loop, Deadlines(loop), self.descriptors, max_flows)

    def add(self, timeout_s: float = 30.0, group: str = "a", max_in_group: int = 10_000) -> Flow:
        assert self.registry.reserve(group, max_in_group)
        flow = Flow(self.registry)
        self.registry.add(flow, group, timeout_s)
        return flow


def ends(*flows: Flow) -> list[Who | None]:
    return [flow.ended for flow in flows]


@pytest.mark.spec("C4")
def test_C4_each_flow_ends_when_its_own_limit_is_over() -> None:
    bench = Bench()
    long, short = bench.add(120.0), bench.add(30.0)
    bench.clock.turn(29.9)
    assert ends(long, short) == [None, None]
    bench.clock.turn(30.0)
    assert ends(long, short) == [None, Who.IDLE]
    bench.clock.turn(119.9)
    assert ends(long) == [None]
    bench.clock.turn(120.0)
    assert ends(long) == [Who.IDLE]
    bench.clock.turn(10_000.0)
    assert bench.clock.handles == []
    assert len(bench.registry) == 0


@pytest.mark.spec("C4")
def test_C4_a_datagram_starts_the_time_again() -> None:
    bench = Bench()
    flow = bench.add(30.0)
    for now in (20.0, 40.0, 60.0):
        bench.clock.turn(now)
        bench.registry.touch(flow)
        bench.registry.settle()
    bench.clock.turn(89.9)
    assert ends(flow) == [None]
    bench.clock.turn(90.0)
    assert ends(flow) == [Who.IDLE]


def test_whoever_must_go_is_found_by_datagrams_that_have_not_been_settled() -> None:
    bench = Bench(max_flows=2)
    first, second = bench.add(), bench.add()
    bench.registry.touch(first)
    bench.add()
    assert ends(first, second) == [None, Who.LIMIT]


@pytest.mark.spec("C4")
def test_C4_an_answer_brings_the_longer_limit_and_leaving_the_shorter() -> None:
    bench = Bench()
    flow = bench.add(30.0)
    bench.registry.set_timeout(flow, 120.0)
    bench.clock.turn(30.0)
    assert ends(flow) == [None]
    bench.registry.set_timeout(flow, 30.0)
    bench.clock.turn(59.9)
    assert ends(flow) == [None]
    bench.clock.turn(60.0)
    assert ends(flow) == [Who.IDLE]


def test_a_crowd_that_expires_at_once_ends_in_turns() -> None:
    bench = Bench()
    flows = [bench.add(30.0) for _ in range(2 * ENDS_PER_TURN + 10)]
    left = []
    for now in (30.0, 30.1, 30.2):
        bench.clock.turn(now)
        left.append(ends(*flows).count(None))
    assert left == [ENDS_PER_TURN + 10, 10, 0]


def test_room_is_made_by_the_oldest() -> None:
    bench = Bench(max_flows=3)
    flows = []
    for now in range(5):
        bench.clock.now = float(now)
        flows.append(bench.add())
    assert ends(*flows) == [Who.LIMIT, Who.LIMIT, None, None, None]


def test_a_full_group_makes_its_own_room() -> None:
    bench = Bench()
    stranger, first = bench.add(group="b"), bench.add()
    bench.add(max_in_group=1)
    assert ends(stranger, first) == [None, Who.LIMIT]


def test_descriptors_are_taken_given_back_and_made_free() -> None:
    bench = Bench(descriptors=2)
    first, second = bench.add(), bench.add()
    assert bench.descriptors.available == 0
    third = bench.add()
    assert ends(first, second, third) == [Who.LIMIT, None, None]
    for flow in (second, third):
        flow.end(Who.IDLE)
    assert bench.descriptors.available == 2
    assert bench.registry.reserve("a", 10)
    bench.registry.give_back()
    assert bench.descriptors.available == 2
    bench.descriptors.take(2)
    assert not bench.registry.reserve("a", 10), "nobody could go"
