"""Round robin: even, from anywhere, also across swaps."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.balancing.conformance import endpoints_of
from userproxy.balancing.round_robin import RoundRobin
from userproxy.model.routes import Endpoint

CLIENT = "127.0.0.1"


def picks(picker: RoundRobin, count: int) -> list[Endpoint | None]:
    return [picker.pick(CLIENT, ()) for _ in range(count)]


@pytest.mark.spec("B1")
def test_B1_starts_anywhere() -> None:
    endpoints = endpoints_of(*range(5))
    starts = {RoundRobin(endpoints, Random(seed)).pick(CLIENT, ()) for seed in range(60)}
    assert starts == set(endpoints)


@pytest.mark.spec("B1")
def test_B1_goes_round_in_order() -> None:
    first, second, third = endpoints = endpoints_of(1, 2, 3)
    picker = RoundRobin(endpoints, Random(0))
    while picker.pick(CLIENT, ()) != third:
        pass
    assert picks(picker, 7) == [first, second, third, first, second, third, first]


@pytest.mark.spec("B1")
@settings(deadline=None, max_examples=100)
@given(
    size=st.integers(1, 12),
    seed=st.integers(0, 1000),
    failures=st.lists(st.integers(0, 4), max_size=60),
)
def test_B1_counts_differ_by_at_most_one(size: int, seed: int, failures: list[int]) -> None:
    """Connection after connection, each with some dials that fail first: every dial is counted."""
    endpoints = endpoints_of(*range(size))
    picker = RoundRobin(endpoints, Random(seed))
    counts: Counter[Endpoint] = Counter(dict.fromkeys(endpoints, 0))
    for failed_dials in failures:
        tried: list[Endpoint] = []
        for _ in range(failed_dials + 1):
            endpoint = picker.pick(CLIENT, tried)
            if endpoint is None:  # All were tried: the next round.
                tried.clear()
                endpoint = picker.pick(CLIENT, tried)
            assert endpoint is not None
            tried.append(endpoint)
            counts[endpoint] += 1
            assert max(counts.values()) - min(counts.values()) <= 1


def test_an_endpoint_passed_over_gets_no_burst_later() -> None:
    first, second = endpoints = endpoints_of(1, 2)
    picker = RoundRobin(endpoints, Random(0))
    assert [picker.pick(CLIENT, [first]) for _ in range(10)] == [second] * 10
    assert picks(picker, 4) == [first, second, first, second]


@pytest.mark.spec("B1")
@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param((1, 2, 3, 4), 3, id="same set"),
        pytest.param((1, 3, 4), 3, id="the last one picked is gone"),
        pytest.param((1, 2), 1, id="all behind it are gone: from the beginning"),
        pytest.param((0, 1, 2, 3, 4), 3, id="one came before it"),
        pytest.param((1, 2, 4), 4, id="the next one is gone"),
        pytest.param((5, 6), 5, id="all are new"),
    ],
)
def test_B1_the_cursor_survives_a_swap(after: tuple[int, ...], expected: int) -> None:
    picker = RoundRobin(endpoints_of(1, 2, 3, 4), Random(0))
    second = endpoints_of(2)[0]
    while picker.pick(CLIENT, ()) != second:
        pass
    swapped = RoundRobin(endpoints_of(*after), Random(1), picker)
    assert swapped.pick(CLIENT, ()) == endpoints_of(expected)[0]


@pytest.mark.spec("B1")
def test_B1_the_cursor_survives_an_empty_set() -> None:
    endpoints = endpoints_of(1, 2, 3)
    picker = RoundRobin(endpoints, Random(0))
    while picker.pick(CLIENT, ()) != endpoints[0]:
        pass
    back = RoundRobin(endpoints, Random(1), RoundRobin((), Random(1), picker))
    assert back.pick(CLIENT, ()) == endpoints[1]


@pytest.mark.spec("B1")
def test_B1_a_busy_rollout_stays_even() -> None:
    """Another endpoint flaps between any two connections; those that stay get equal shares."""
    steady = endpoints_of(1, 2, 3, 4)
    picker = RoundRobin(steady, Random(0))
    counts: Counter[Endpoint | None] = Counter()
    for turn in range(400):
        flapping = endpoints_of(5) if turn % 2 else ()
        picker = RoundRobin(steady + flapping, Random(turn), picker)
        counts[picker.pick(CLIENT, ())] += 1
    shares = [counts[endpoint] for endpoint in steady]
    assert max(shares) - min(shares) <= 1
