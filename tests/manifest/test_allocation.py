"""Pools of cluster addresses and node ports (rules D1, D4)."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.manifest.allocation import NODE_PORTS, ClusterIPAllocator, Exhausted, NodePortAllocator
from userproxy.model.names import Family, NamespacedName


def name(text: str) -> NamespacedName:
    return NamespacedName("default", text)


WEB, API = name("web"), name("api")
NAMES = [name(f"s{index}") for index in range(40)]


def test_D4_an_address_is_a_usable_one_of_the_range_and_above_the_band_for_stated_ones() -> None:
    allocator = ClusterIPAllocator(["10.96.0.0/12"])
    for owner in NAMES:
        address = allocator.allocate(owner, Family.IPV4)
        assert isinstance(address, str)
        assert IPv4Address("10.96.1.0") < IPv4Address(address) < IPv4Address("10.111.255.255")


def test_D4_the_same_name_gets_the_same_address_in_any_order_and_in_any_process() -> None:
    first, second = ClusterIPAllocator(["10.96.0.0/12"]), ClusterIPAllocator(["10.96.0.0/12"])
    for owner in NAMES:
        first.allocate(owner, Family.IPV4)
    for owner in reversed(NAMES):
        assert (second.allocate(owner, Family.IPV4),) == first.held(owner)
    assert ClusterIPAllocator(["10.96.0.0/12"]).allocate(WEB, Family.IPV4) == "10.101.3.207"


def test_D4_asking_again_gives_what_is_held() -> None:
    allocator = ClusterIPAllocator(["10.0.0.0/24", "fd00::/112"])
    assert allocator.families == (Family.IPV4, Family.IPV6)
    four, six = allocator.allocate(WEB, Family.IPV4), allocator.allocate(WEB, Family.IPV6)
    assert allocator.allocate(WEB, Family.IPV4) == four
    assert allocator.held(WEB) == (four, six)
    assert str(six).startswith("fd00::")


def test_D4_an_address_is_kept_for_its_name_while_others_come_and_go() -> None:
    allocator = ClusterIPAllocator(["10.0.0.0/27"])
    address = allocator.allocate(WEB, Family.IPV4)
    assert isinstance(address, str)
    allocator.release(WEB, address)
    assert allocator.held(WEB) == ()
    others = [allocator.allocate(owner, Family.IPV4) for owner in NAMES[:29]]
    assert address not in others
    assert len(set(others)) == 29
    assert allocator.allocate(WEB, Family.IPV4) == address
    assert allocator.held(WEB) == (address,)


def test_D4_what_is_kept_is_given_away_when_nothing_else_is_free() -> None:
    allocator = ClusterIPAllocator(["10.0.0.0/29"])
    held = {owner: allocator.allocate(owner, Family.IPV4) for owner in NAMES[:6]}
    assert set(held.values()) == {f"10.0.0.{number}" for number in range(1, 7)}
    assert allocator.allocate(WEB, Family.IPV4) == Exhausted("10.0.0.0/29")
    allocator.release(NAMES[0], str(held[NAMES[0]]))
    assert allocator.allocate(WEB, Family.IPV4) == held[NAMES[0]]
    assert allocator.allocate(NAMES[0], Family.IPV4) == Exhausted("10.0.0.0/29")
    allocator.release(WEB, str(held[NAMES[0]]))
    # It was last held by the other one, so that is for whom it is kept now.
    assert allocator.allocate(WEB, Family.IPV4) == held[NAMES[0]]


def test_D4_never_one_that_another_object_states() -> None:
    free = ClusterIPAllocator(["10.0.0.0/24"]).allocate(WEB, Family.IPV4)
    assert isinstance(free, str)
    allocator = ClusterIPAllocator(["10.0.0.0/24"])
    assert allocator.claim(API, free) is None
    assert allocator.allocate(WEB, Family.IPV4) not in (free, Exhausted("10.0.0.0/24"))
    assert allocator.claim(WEB, free) == API
    assert allocator.claim(API, free) is None
    assert allocator.held(API) == (free,)
    allocator.release(WEB, free)
    assert allocator.held(API) == (free,)


@pytest.mark.parametrize("first", range(0, 35, 5))
def test_D4_one_address_is_kept_for_a_name_and_not_all_that_it_had(first: int) -> None:
    allocator = ClusterIPAllocator(["10.0.0.0/29"])
    before = allocator.allocate(WEB, Family.IPV4)
    assert isinstance(before, str)
    allocator.release(WEB, before)
    last = "10.0.0.1" if before != "10.0.0.1" else "10.0.0.2"
    assert allocator.claim(WEB, last) is None
    allocator.release(WEB, last)
    others = [allocator.allocate(owner, Family.IPV4) for owner in NAMES[first : first + 5]]
    assert before in others
    assert last not in others


@pytest.mark.spec("D4", "D8")
def test_addresses_are_compared_in_their_canonical_form() -> None:
    allocator = ClusterIPAllocator(["10.0.0.0/24"])
    assert allocator.claim(API, "010.000.000.007") is None
    assert allocator.claim(WEB, "::ffff:10.0.0.7") == API
    allocator.release(API, "10.0.0.07")
    assert allocator.claim(WEB, "10.0.0.7") is None


@pytest.mark.parametrize("address", ["10.0.0.0", "10.0.0.255", "10.0.1.1", "fd00::1"])
def test_D4_an_address_outside_of_the_range_is_nobodys(address: str) -> None:
    allocator = ClusterIPAllocator(["10.0.0.0/24"])
    assert not allocator.holds(address)
    assert allocator.claim(WEB, address) is None
    assert allocator.claim(API, address) is None
    allocator.release(WEB, address)
    assert allocator.held(WEB) == ()
    assert allocator.range_of(Family.IPV6) is None
    assert allocator.range_of(Family.IPV4) == "10.0.0.0/24"


@pytest.mark.parametrize(
    ("cidrs", "said"),
    [
        pytest.param([], "must be a service CIDR", id="none"),
        pytest.param(["10.0.0.0/24", "10.1.0.0/24"], "another IPv4 range", id="two of a family"),
        pytest.param(["10.0.0.0"], "CIDR", id="no CIDR"),
        pytest.param(["10.0.0.0/31"], "no usable address", id="too small"),
    ],
)
def test_D4_bad_ranges_are_refused(cidrs: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ClusterIPAllocator(cidrs)


def test_D4_the_smallest_ranges() -> None:
    single = ClusterIPAllocator(["fd00::/127"])
    assert single.allocate(WEB, Family.IPV6) == "fd00::1"
    assert single.allocate(API, Family.IPV6) == Exhausted("fd00::/127")
    assert not single.holds("fd00::2")


def test_D4_a_huge_range_costs_nothing() -> None:
    address = ClusterIPAllocator(["fd00::/64"]).allocate(WEB, Family.IPV6)
    assert isinstance(address, str)
    assert ip_address(address) in ip_network("fd00::/64")


def test_D1_node_ports_are_stable_distinct_and_bounded() -> None:
    allocator = NodePortAllocator()
    http, https = allocator.allocate(WEB, "80/TCP"), allocator.allocate(WEB, "443/TCP")
    assert isinstance(http, int)
    assert isinstance(https, int)
    assert http != https
    # 30000-30085 are left for those who state one.
    assert 30086 <= http <= 32767
    assert (NODE_PORTS[0], NODE_PORTS[-1]) == (30000, 32767)
    assert allocator.held(WEB) == tuple(sorted((http, https)))
    assert NodePortAllocator().allocate(WEB, "80/TCP") == http
    assert allocator.allocate(WEB, "80/TCP", avoid=[http]) not in (http, https)


def test_D1_a_node_port_that_moves_to_another_slot_is_no_longer_that_of_the_first() -> None:
    allocator = NodePortAllocator(range(30000, 30002))
    port = allocator.allocate(WEB, "80/TCP")
    assert isinstance(port, int)
    assert allocator.claim(WEB, "81/TCP", port) is None
    assert allocator.allocate(WEB, "81/TCP") == port
    assert allocator.allocate(WEB, "80/TCP") == 60001 - port


def test_D1_a_port_to_avoid_is_not_given_even_when_it_is_free() -> None:
    allocator = NodePortAllocator(range(30000, 30002))
    assert allocator.allocate(WEB, "80/TCP", avoid=[30000]) == 30001
    assert allocator.allocate(API, "80/TCP", avoid=[30000]) == Exhausted("30000-30001")


def test_D1_node_ports_run_out_and_the_band_goes_last() -> None:
    allocator = NodePortAllocator(range(30000, 30032))
    ports = [allocator.allocate(owner, "80/TCP") for owner in NAMES[:32]]
    assert {port for port in ports[:16] if isinstance(port, int)} == set(range(30016, 30032))
    assert {port for port in ports[16:] if isinstance(port, int)} == set(range(30000, 30016))
    assert allocator.allocate(WEB, "80/TCP") == Exhausted("30000-30031")
    assert str(allocator.allocate(WEB, "80/TCP")) == "nothing is free in 30000-30031"


def test_D1_a_stated_node_port_is_reserved_and_a_conflict_names_the_holder() -> None:
    allocator = NodePortAllocator()
    assert allocator.claim(WEB, "80/TCP", 30080) is None
    assert allocator.claim(WEB, "80/UDP", 30080) is None
    assert allocator.claim(API, "80/TCP", 30080) == WEB
    assert allocator.claim(API, "80/TCP", 80) is None
    assert not allocator.holds(80)
    allocator.release(API, 30080)
    assert allocator.claim(API, "80/TCP", 30080) == WEB
    allocator.release(WEB, 30080)
    assert allocator.claim(API, "80/TCP", 30080) is None


@pytest.mark.parametrize("ports", [range(0), range(0, 5), range(65000, 65537), range(1, 9, 2)])
def test_D1_bad_port_ranges_are_refused(ports: range) -> None:
    with pytest.raises(ValueError, match="within 1-65535"):
        NodePortAllocator(ports)


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["allocate", "claim", "release"]), st.integers(0, 5), st.integers(1, 6)),
    max_size=40,
)


@pytest.mark.spec("D4")
@settings(deadline=None)
@given(ACTIONS)
def test_no_address_has_two_holders_whatever_happens(actions: list[tuple[str, int, int]]) -> None:
    allocator = ClusterIPAllocator(["10.0.0.0/29"])
    for action, owner, number in actions:
        address = f"10.0.0.{number}"
        if action == "allocate":
            got = allocator.allocate(NAMES[owner], Family.IPV4)
            taken = {other for each in NAMES[:6] for other in allocator.held(each)}
            assert isinstance(got, str) or len(taken) == 6
            assert got in allocator.held(NAMES[owner]) or not isinstance(got, str)
            assert allocator.allocate(NAMES[owner], Family.IPV4) == got
        elif action == "claim":
            holder = allocator.claim(NAMES[owner], address)
            assert (holder is None) == (address in allocator.held(NAMES[owner]))
        else:
            allocator.release(NAMES[owner], address)
            assert address not in allocator.held(NAMES[owner])
        all_held = [other for each in NAMES[:6] for other in allocator.held(each)]
        assert len(all_held) == len(set(all_held))
