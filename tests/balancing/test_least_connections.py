"""Least connections: the better of two different random endpoints."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.balancing.conformance import endpoints_of
from userproxy.balancing.least_connections import LeastConnections
from userproxy.model.routes import Endpoint

CLIENT = "127.0.0.1"


@settings(deadline=None, max_examples=100)
@given(loads=st.lists(st.integers(0, 50), min_size=2, max_size=10), seed=st.integers(0, 1000))
def test_never_the_only_busiest_one(loads: list[int], seed: int) -> None:
    endpoints = endpoints_of(*range(len(loads)))
    open_connections = dict(zip(endpoints, loads, strict=True))
    open_connections[endpoints[0]] = max(loads) + 1
    picker = LeastConnections(endpoints, Random(seed), open_connections.__getitem__)
    assert all(picker.pick(CLIENT, ()) != endpoints[0] for _ in range(30))


def test_two_endpoints_the_one_with_fewer() -> None:
    busy, idle = endpoints = endpoints_of(1, 2)
    loads = {busy: 3, idle: 2}
    picker = LeastConnections(endpoints, Random(1), loads.__getitem__)
    assert {picker.pick(CLIENT, ()) for _ in range(20)} == {idle}
    loads[idle] = 4
    assert {picker.pick(CLIENT, ()) for _ in range(20)} == {busy}


def test_tried_endpoints_are_left_out_however_idle() -> None:
    first, second, third = endpoints = endpoints_of(1, 2, 3)
    loads = {first: 0, second: 9, third: 5}
    picker = LeastConnections(endpoints, Random(1), loads.__getitem__)
    assert {picker.pick(CLIENT, {first}) for _ in range(20)} == {third}
    assert picker.pick(CLIENT, {first, third}) == second


def test_connections_that_stay_open_spread_evenly() -> None:
    endpoints = endpoints_of(*range(10))
    loads: Counter[Endpoint] = Counter()
    picker = LeastConnections(endpoints, Random(3), loads.__getitem__)
    for _ in range(2000):
        endpoint = picker.pick(CLIENT, ())
        assert endpoint is not None
        loads[endpoint] += 1
    assert max(loads.values()) - min(loads.values()) <= 5


def test_a_newcomer_gets_no_stampede() -> None:
    """The idlest of 20 gets two in 20 of the picks at most, not all of them."""
    endpoints = endpoints_of(*range(20))
    loads = dict.fromkeys(endpoints, 100) | {endpoints[0]: 0}
    picker = LeastConnections(endpoints, Random(5), loads.__getitem__)
    share = sum(picker.pick(CLIENT, ()) == endpoints[0] for _ in range(2000)) / 2000
    assert 0.07 < share < 0.13


class Counting:
    """Gives every number once, in order."""

    def __init__(self) -> None:
        self.next = 0

    def randrange(self, stop: int, /) -> int:
        number, self.next = self.next, self.next + 1
        assert number < stop
        return number


def test_every_pair_is_as_likely_as_any_other() -> None:
    endpoints = endpoints_of(*range(5))
    asked: list[Endpoint] = []

    def open_connections(endpoint: Endpoint) -> int:
        asked.append(endpoint)
        return 0

    picker = LeastConnections(endpoints, Counting(), open_connections)
    for _ in range(5 * 4):
        picker.pick(CLIENT, ())
    pairs = list(zip(asked[::2], asked[1::2], strict=True))
    assert sorted(pairs) == sorted(permutations(endpoints, 2))
