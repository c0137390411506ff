"""Consistent hashing: equal everywhere, and a change moves only what it must."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from hashlib import blake2b
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
@pytest.mark.parametrize("before", [0, 1, 16, 40])
def test_B6_spliced_ring_picks_as_uhashring_itself_would(size: int, before: int) -> None:
    endpoints = endpoints_of(*range(size))
    whole = UncutRing([endpoint.name for endpoint in endpoints], hash_fn=hash_ring._point)
    picker = ring_picker(endpoints, ring_picker(endpoints_of(*range(10, 10 + before))))
    assert [str(endpoint) for endpoint in places(picker).values()] == [whole.get_node(key) for key in KEYS]


@settings(deadline=None, max_examples=60)
@given(history=st.lists(sets_of_numbers, min_size=1, max_size=4))
def test_equal_places_on_the_ring_are_shared_out_alike(history: list[set[int]]) -> None:
    """With so few places that most points meet: no owner is lost, and none outlives its endpoint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hash_ring, "_point", lambda key: blake2b(key.encode(), digest_size=1).digest()[0])
        picker = ring_picker(endpoints_of())
        for numbers in history:
            picker = ring_picker(endpoints_of(*numbers), picker)
        fresh = ring_picker(picker.endpoints)
        for tried in ((), picker.endpoints[:1], picker.endpoints[1:]):
            assert places(picker, tried) == places(fresh, tried)


@pytest.mark.spec("B6")
def test_B6_tried_walks_the_ring_onward() -> None:
    endpoints = endpoints_of(*range(60))
    whole = UncutRing([endpoint.name for endpoint in endpoints], hash_fn=hash_ring._point)
    picker = ring_picker(endpoints)
    for key in KEYS[:20]:
        tried: list[Endpoint] = []
        while (endpoint := picker.pick(key, tried)) is not None:
            tried.append(endpoint)
        assert [endpoint.name for endpoint in tried] == list(whole.iterate_nodes(key))


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


def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The endpoints whose points uhashring is asked for from now on."""
    names: list[str] = []

    class Noting(UncutRing):  # type: ignore[misc]  # uhashring has no types
        def __init__(self, nodes: list[str], **options: object) -> None:
            names.extend(nodes)
            super().__init__(nodes, **options)

    monkeypatch.setattr(hash_ring, "UncutRing", Noting)
    return names


def test_an_unchanged_set_uses_the_ring_again(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoints = endpoints_of(*range(50))
    picker = ring_picker(endpoints)
    names = hashed(monkeypatch)
    again = ring_picker(endpoints_of(*range(50)), picker)
    assert again.ring is picker.ring
    assert names == []


def test_one_of_a_thousand_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoints = endpoints_of(*range(1001))
    picker = ring_picker(endpoints[:-1])
    names = hashed(monkeypatch)
    ring_picker(endpoints[1:], picker)
    assert names == [endpoints[0].name, endpoints[-1].name]


def test_a_set_that_is_mostly_new_is_built_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    picker = ring_picker(endpoints_of(*range(100)))
    names = hashed(monkeypatch)
    ring_picker(endpoints_of(99, 100), picker)
    assert len(names) == 2


def test_no_step_hashes_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    names = hashed(monkeypatch)
    steps = picker_steps(
        Balancer.CONSISTENT_HASH,
        endpoints_of(*range(1000)),
        previous=None,
        open_connections=lambda _: 0,
        random=Random(0),
    )
    seen = 0
    for _ in steps:
        assert len(names) - seen <= hash_ring.ENDPOINTS_PER_STEP
        seen = len(names)
    assert len(set(names)) == len(names) == 1000


@pytest.mark.parametrize("balancer", [Balancer.ROUND_ROBIN, Balancer.LEAST_CONNECTIONS])
def test_only_services_that_hash_build_a_ring(balancer: Balancer, monkeypatch: pytest.MonkeyPatch) -> None:
    names = hashed(monkeypatch)
    endpoints = endpoints_of(*range(1000))
    make_picker(balancer, endpoints, previous=None, open_connections=lambda _: 0, random=Random(0))
    assert names == []
    assert not is_expensive(balancer, endpoints)


@pytest.mark.parametrize(
    ("size", "before", "expected"),
    [
        pytest.param(0, None, False, id="empty"),
        pytest.param(16, None, False, id="one step"),
        pytest.param(17, None, True, id="two steps"),
        pytest.param(1000, 1000, False, id="unchanged"),
        pytest.param(1000, 984, False, id="changed by one step"),
        pytest.param(1000, 983, True, id="changed by two steps"),
        pytest.param(983, 1000, True, id="shrunk by two steps"),
        pytest.param(2, 1000, False, id="mostly gone: built from nothing"),
    ],
)
def test_is_expensive(size: int, before: int | None, expected: bool) -> None:
    previous = ring_picker(endpoints_of(*range(before))) if before is not None else None
    assert is_expensive(Balancer.CONSISTENT_HASH, endpoints_of(*range(size)), previous) is expected
