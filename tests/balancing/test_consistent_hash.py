"""Consistent hashing: equal everywhere, and a change moves only what it must."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from random import Random
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uhashring import HashRing as UncutRing

from tests.balancing.conformance import clients, endpoints_of
from userproxy.balancing import hash_ring
from userproxy.balancing.consistent_hash import ConsistentHash
from userproxy.balancing.picker import Picker, is_expensive, make_picker, picker_steps
from userproxy.model.routes import Endpoint
from userproxy.model.service import Balancer

KEYS = clients(300)
sets_of_numbers = st.sets(st.integers(0, 400), min_size=1, max_size=45)


def ring_picker(endpoints: tuple[Endpoint, ...], previous: Picker | None = None) -> ConsistentHash:
    picker = make_picker(
        Balancer.CONSISTENT_HASH,
        endpoints,
        previous=previous,
        open_connections=lambda _: 0,
        random=Random(0),
    )
    assert isinstance(picker, ConsistentHash)
    return picker


def places(picker: Picker, tried: Collection[Endpoint] = ()) -> dict[str, Endpoint | None]:
    return {key: picker.pick(key, tried) for key in KEYS}


@pytest.mark.spec("B6")
@settings(deadline=None, max_examples=40)
@given(numbers=sets_of_numbers, before=sets_of_numbers)
def test_B6_equal_sets_pick_the_same_whatever_was_before(numbers: set[int], before: set[int]) -> None:
    endpoints = endpoints_of(*numbers)
    fresh = ring_picker(endpoints)
    grown = ring_picker(endpoints, ring_picker(endpoints_of(*before)))
    assert places(fresh) == places(grown)


@pytest.mark.spec("B6")
@settings(deadline=None, max_examples=40)
@given(numbers=sets_of_numbers, data=st.data())
def test_B6_removing_one_moves_only_its_keys(numbers: set[int], data: st.DataObject) -> None:
    endpoints = endpoints_of(*numbers)
    gone = data.draw(st.sampled_from(endpoints))
    picker = ring_picker(endpoints)
    smaller = ring_picker(tuple(one for one in endpoints if one != gone), picker)
    before, after = places(picker), places(smaller)
    for key in KEYS:
        assert after[key] == before[key] or before[key] == gone
    assert after == places(picker, {gone}), "a dial that failed walks where a removal would lead"


@pytest.mark.spec("B6")
def test_B6_about_one_nth_of_the_keys_moves() -> None:
    keys = clients(4000)
    endpoints = endpoints_of(*range(40))
    picker = ring_picker(endpoints)
    moved = []
    for gone in endpoints[:10]:
        smaller = ring_picker(tuple(one for one in endpoints if one != gone), picker)
        moved.append(sum(picker.pick(key, ()) != smaller.pick(key, ()) for key in keys))
    assert 0.7 * len(keys) / 40 < mean(moved) < 1.3 * len(keys) / 40


@pytest.mark.spec("B6")
@pytest.mark.parametrize("size", [1, 2, 16, 17, 100])
def test_B6_cut_ring_picks_as_one_uncut_ring_would(size: int) -> None:
    endpoints = endpoints_of(*range(size))
    uncut = UncutRing([endpoint.name for endpoint in endpoints], hash_fn=hash_ring._point)
    assert [str(endpoint) for endpoint in places(ring_picker(endpoints)).values()] == [
        uncut.get_node(key) for key in KEYS
    ]


@pytest.mark.spec("B6")
def test_B6_tried_walks_the_ring_onward() -> None:
    endpoints = endpoints_of(*range(60))
    uncut = UncutRing([endpoint.name for endpoint in endpoints], hash_fn=hash_ring._point)
    picker = ring_picker(endpoints)
    for key in KEYS[:20]:
        tried: list[Endpoint] = []
        while (endpoint := picker.pick(key, tried)) is not None:
            tried.append(endpoint)
        assert [endpoint.name for endpoint in tried] == list(uncut.iterate_nodes(key))


@pytest.mark.spec("B6")
def test_B6_the_choice_is_the_same_in_every_release() -> None:
    """Pinned: proxies of two releases beside each other must agree. Changing it moves every client."""
    picker = ring_picker(endpoints_of(1, 2, 3))
    assert [
        str(picker.pick(client, ())) for client in ("10.1.2.3", "fd00::7", "127.0.0.1", "192.168.7.7")
    ] == [
        "10.0.0.4:80",
        "10.0.0.2:80",
        "10.0.0.4:80",
        "10.0.0.3:80",
    ]


def test_shares_are_fair() -> None:
    picker = ring_picker(endpoints_of(*range(10)))
    counts = Counter(picker.pick(client, ()) for client in clients(5000))
    assert max(counts.values()) < 1.5 * 500
    assert min(counts.values()) > 0.6 * 500


def builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the rings that uhashring builds from now on."""
    sizes: list[int] = []

    class Counting(UncutRing):  # type: ignore[misc]  # uhashring has no types
        def __init__(self, nodes: list[str], **options: object) -> None:
            sizes.append(len(nodes))
            super().__init__(nodes, **options)

    monkeypatch.setattr(hash_ring, "UncutRing", Counting)
    return sizes


def test_an_unchanged_set_uses_the_ring_again(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoints = endpoints_of(*range(50))
    picker = ring_picker(endpoints)
    sizes = builds(monkeypatch)
    again = ring_picker(endpoints_of(*range(50)), picker)
    assert again.ring is picker.ring
    assert sizes == []


def test_one_of_a_thousand_rebuilds_its_shard_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    picker = ring_picker(endpoints_of(*range(1000)))
    sizes = builds(monkeypatch)
    ring_picker(endpoints_of(*range(1, 1000)), picker)
    assert len(sizes) == 1
    assert sizes[0] < 3 * hash_ring.SHARD_ENDPOINTS


def test_no_step_builds_more_than_one_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = builds(monkeypatch)
    steps = picker_steps(
        Balancer.CONSISTENT_HASH,
        endpoints_of(*range(1000)),
        previous=None,
        open_connections=lambda _: 0,
        random=Random(0),
    )
    seen = 0
    for _ in steps:
        assert len(sizes) - seen <= 1
        seen = len(sizes)
    assert sum(sizes) == 1000
    assert max(sizes) < 3 * hash_ring.SHARD_ENDPOINTS


@pytest.mark.parametrize("balancer", [Balancer.ROUND_ROBIN, Balancer.LEAST_CONNECTIONS])
def test_only_services_that_hash_build_a_ring(balancer: Balancer, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = builds(monkeypatch)
    endpoints = endpoints_of(*range(1000))
    make_picker(balancer, endpoints, previous=None, open_connections=lambda _: 0, random=Random(0))
    assert sizes == []
    assert not is_expensive(balancer, endpoints)


@pytest.mark.parametrize(
    ("size", "before", "expected"),
    [
        pytest.param(0, None, False, id="empty"),
        pytest.param(16, None, False, id="one shard"),
        pytest.param(17, None, True, id="two shards"),
        pytest.param(1000, 1000, False, id="unchanged"),
        pytest.param(1000, 999, True, id="changed"),
    ],
)
def test_is_expensive(size: int, before: int | None, expected: bool) -> None:
    previous = ring_picker(endpoints_of(*range(before))) if before is not None else None
    assert is_expensive(Balancer.CONSISTENT_HASH, endpoints_of(*range(size)), previous) is expected
