"""Endpoints of headless Services, served by their own names (rules S1, E1, L1)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network

import pytest

from tests.routing.objects import (
    DNS,
    IPV4,
    IPV6,
    SCTP,
    TCP,
    draining,
    endpoint_slice,
    fold,
    name,
    names,
    ready,
    served,
    service,
    state,
    unready,
)
from userproxy.model.endpoints import EndpointSlice, SliceEndpoint, SlicePort
from userproxy.model.events import Delete
from userproxy.model.names import NamespacedName, owner
from userproxy.model.service import PortOptions, ServicePortSpec, ServiceType, TrafficPolicy
from userproxy.routing import EphemeralAddresses, LoopbackAddresses, ReachPolicy
from userproxy.routing.headless import endpoint_services, serves_endpoints

SQL = ServicePortSpec("sql", TCP, 5432)
DB = replace(service("shop/db", SQL), headless=True)
ZERO = "shop/db-0.db:sql/TCP/IPv4"
ONE = "shop/db-1.db:sql/TCP/IPv4"


def own(entry: SliceEndpoint | str, hostname: str) -> SliceEndpoint:
    return (ready(entry) if isinstance(entry, str) else entry)._replace(hostname=hostname)


def slice_of(*endpoints: SliceEndpoint, text: str = "shop/db-x", number: int = 15432) -> EndpointSlice:
    one = endpoint_slice(text, endpoints, of="db", ports=[SlicePort("sql", TCP, number)])
    return replace(one, headless=True)


PODS = slice_of(own("10.0.0.1", "db-0"), own("10.0.0.2", "db-1"), ready("10.0.0.3"))


def test_each_name_leads_to_its_endpoint_alone() -> None:
    routes = served(state(DB, PODS))
    assert list(routes) == [ZERO, ONE]
    zero, one = routes.values()
    assert (names(zero.cluster), names(one.cluster)) == (["10.0.0.1:15432"], ["10.0.0.2:15432"])
    assert (zero.service_port, zero.listen_port, zero.stated_ports) == (5432, 5432, ((TCP, 5432),))
    assert zero.listen_host != one.listen_host


@pytest.mark.spec("L1")
def test_L1_the_address_follows_from_namespace_service_and_host_name() -> None:
    h = int.from_bytes(sha256(b"shop/db/db-0").digest()[:8], "big") % (254 * 65536)
    assert f"127.{1 + h // 65536}.{h // 256 % 256}.{h % 256}" == "127.150.222.132"
    routes = served(state(DB, PODS))
    assert routes[ZERO].listen_host == "127.150.222.132"
    assert routes[ONE].listen_host == "127.17.90.86"


@pytest.mark.spec("L1")
def test_L1_the_name_is_not_that_of_any_service() -> None:
    """Else Service ``db/db-0``, in namespace shop, would be found where ``shop/db-0.db`` is."""
    plan = LoopbackAddresses()
    named = plan.hold(NamespacedName("shop", "db-0.db"), IPV4)
    assert named != LoopbackAddresses().hold(NamespacedName("shop", "db-0"), IPV4)
    assert LoopbackAddresses().hold(NamespacedName("shop", "db"), IPV4) != named


@pytest.mark.spec("L1")
def test_L1_services_and_endpoints_share_one_collision_space() -> None:
    """In a range of 254 addresses two of some pair collide: the first in order has the address."""
    small = LoopbackAddresses(IPv4Network("127.9.9.0/24"))
    services = [service(f"web-{number}") for number in range(200)]
    endpoints = [own(f"10.0.0.{number}", f"db-{number}") for number in range(54)]
    routes = served(state(DB, slice_of(*endpoints), *services, addresses=small))
    hosts = [route.listen_host for route in routes.values()]
    assert len(hosts) == len(set(hosts)) == 254
    full = state(DB, slice_of(*endpoints, own("10.0.1.1", "late")), *services, addresses=LoopbackAddresses(
        IPv4Network("127.9.9.0/24")))  # fmt: skip
    served(full)
    (problem,) = full.problems
    assert (str(problem.object), problem.rule) == ("Service shop/late.db", "L1")
    fold(full, Delete(services[7].ref))
    assert "shop/late.db:sql/TCP/IPv4" in served(full)
    assert full.problems == ()


def test_an_endpoint_that_goes_gives_its_address_back_and_comes_back_to_it() -> None:
    plan = LoopbackAddresses(IPv4Network("127.9.9.0/24"))
    one = state(DB, PODS, addresses=plan)
    before = served(one)
    fold(one, slice_of(own("10.0.0.2", "db-1")))
    changes = one.take()
    assert [str(key) for key in changes.removed] == [ZERO]
    assert plan.release(NamespacedName("shop", "db-0.db"), IPV4) is False  # it has none any more
    fold(one, PODS)
    assert served(one) == before


def test_a_new_address_of_the_pod_is_a_new_endpoint_of_the_same_route() -> None:
    one = state(DB, PODS)
    before = served(one)[ZERO]
    fold(one, slice_of(own("10.0.0.9", "db-0"), own("10.0.0.2", "db-1")))
    (route,) = one.take().changed
    assert route == replace(before, cluster=route.cluster, serving=route.serving)
    assert names(route.cluster) == ["10.0.0.9:15432"]


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        pytest.param([own(unready("10.0.0.1"), "db-0")], [], id="not ready"),
        pytest.param([own(draining("10.0.0.1"), "db-0")], ["10.0.0.1:15432"], id="terminating alone"),
        pytest.param(
            [own(draining("10.0.0.1"), "db-0"), own("10.0.0.2", "db-0")], ["10.0.0.2:15432"],
            id="replaced, the new one is ready",
        ),
        pytest.param(
            [own(draining("10.0.0.1"), "db-0"), own(unready("10.0.0.2"), "db-0")], ["10.0.0.1:15432"],
            id="replaced, the new one is not ready yet",
        ),
        pytest.param(
            [own("10.0.0.1", "db-0"), own("10.0.0.2", "db-0")], ["10.0.0.1:15432", "10.0.0.2:15432"],
            id="two are ready",
        ),
    ],
)  # fmt: skip
@pytest.mark.spec("T1")
def test_T1_several_endpoints_of_one_name(endpoints: list[SliceEndpoint], expected: list[str]) -> None:
    (route,) = served(state(DB, slice_of(*endpoints))).values()
    assert (str(route.key), names(route.cluster)) == (ZERO, expected)


@pytest.mark.spec("E8")
def test_E8_a_name_that_is_in_several_slices_is_one_route() -> None:
    one = state(
        DB, slice_of(own("10.0.0.1", "db-0")), slice_of(own("10.0.0.2", "db-0"), text="shop/db-y", number=1)
    )
    assert names(served(one)[ZERO].cluster) == ["10.0.0.1:15432", "10.0.0.2:1"]
    fold(one, Delete(slice_of().ref))
    assert names(served(one)[ZERO].cluster) == ["10.0.0.2:1"]


@pytest.mark.spec("S2")
def test_S2_each_family_on_its_own() -> None:
    dual = replace(DB, families=(IPV4, IPV6))
    six = replace(slice_of(own("fd00::1", "db-0"), text="shop/db-6"), address_type=IPV6)
    plan = LoopbackAddresses(ipv6=IPv6Network("fd77::/64"))
    routes = served(state(dual, PODS, six, addresses=plan))
    assert list(routes) == [ZERO, ZERO.replace("IPv4", "IPv6"), ONE]
    assert names(routes[ZERO].cluster) == ["10.0.0.1:15432"]
    assert names(routes[ZERO.replace("IPv4", "IPv6")].cluster) == ["[fd00::1]:15432"]
    assert list(served(state(DB, PODS, six, addresses=plan))) == [ZERO, ONE]


@pytest.mark.spec("S2")
def test_S2_a_service_whose_family_has_no_addresses_is_one_problem() -> None:
    six = replace(slice_of(own("fd00::1", "db-0"), own("fd00::2", "db-1")), address_type=IPV6)
    one = state(replace(DB, families=(IPV6,)), six)
    assert served(one) == {}
    (problem,) = one.problems
    assert (str(problem.object), problem.rule) == ("Service shop/db", "S2")


@pytest.mark.spec("L1")
def test_L1_ephemeral_addresses() -> None:
    routes = served(state(DB, PODS, addresses=EphemeralAddresses()))
    assert {(route.listen_host, route.listen_port) for route in routes.values()} == {("127.0.0.1", 0)}


@pytest.mark.spec("S7")
def test_S7_ports_that_are_not_served() -> None:
    mixed = replace(DB, ports=(SQL, ServicePortSpec("sctp", SCTP, 1), DNS))
    assert sorted(served(state(mixed, PODS))) == [
        "shop/db-0.db:dns/UDP/IPv4",
        ZERO,
        "shop/db-1.db:dns/UDP/IPv4",
        ONE,
    ]
    assert served(state(replace(DB, ports=()), PODS)) == {}
    assert served(state(replace(DB, ports=(ServicePortSpec("s", SCTP, 1),)), PODS)) == {}


@pytest.mark.spec("S1")
def test_S1_what_is_not_ours_stays_so() -> None:
    assert serves_endpoints(DB)
    for other in (
        replace(DB, headless=False),
        replace(DB, service_proxy_name="other"),
        replace(DB, type=ServiceType.EXTERNAL_NAME),
    ):
        assert not serves_endpoints(other)
        assert endpoint_services(other, [PODS]) == []
    assert served(state(replace(DB, service_proxy_name=""), PODS)) == {}


@pytest.mark.spec("S1")
def test_S1_a_service_turns_headless_and_back() -> None:
    normal = replace(DB, headless=False)
    unmarked = replace(PODS, headless=False)
    one = state(normal, unmarked)
    before = served(one)
    assert list(before) == ["shop/db:sql/TCP/IPv4"]
    fold(one, DB, PODS)
    assert list(served(one)) == [ZERO, ONE]
    fold(one, normal)
    (route,) = served(one).values()
    assert route.cluster == ()  # the slice is still marked as a headless Service's (rule E1)
    fold(one, unmarked)
    assert served(one) == before


@pytest.mark.spec("E1", "E9")
def test_E1_slices_count_with_and_without_the_label_and_before_their_service() -> None:
    unmarked = replace(PODS, headless=False)
    one = state(unmarked)
    assert served(one) == {}
    fold(one, DB)
    assert list(served(one)) == [ZERO, ONE]
    fold(one, PODS)
    assert one.take().changed == ()
    fold(one, Delete(DB.ref))
    assert [str(key) for key in one.take().removed] == [ZERO, ONE]
    assert one.routes == {}


def test_what_chooses_among_pods_does_not_count() -> None:
    """The client has chosen already."""
    local = replace(
        DB,
        session_affinity_s=10,
        internal_traffic_policy=TrafficPolicy.LOCAL,
        external_traffic_policy=TrafficPolicy.LOCAL,
        external_ips=("192.0.2.1",),
    )
    assert served(state(local, PODS)) == served(state(DB, PODS))


def test_options_count_for_each_name() -> None:
    held = replace(DB, ports=(replace(SQL, options=PortOptions(hold_s=30)),))
    assert {route.options.hold_s for route in served(state(held, PODS)).values()} == {30}


def test_a_pod_is_reached_through_the_api_server_by_its_name_too() -> None:
    pods = slice_of(own("10.0.0.1", "db-0")._replace(pod="db-0"), own("10.0.0.2", "db-1"))
    routes = served(state(DB, pods, reach=ReachPolicy(remote=True)))
    assert routes[ZERO].pods == (("10.0.0.1:15432", "db-0"),)
    assert routes[ONE].unreachable == "no Pod behind this address: port-forward cannot reach it"


@pytest.mark.parametrize(
    ("text", "expected"), [("shop/db", "shop/db"), ("shop/db-0.db", "shop/db"), ("other/a.b", "other/b")]
)
def test_whose_a_name_is(text: str, expected: str) -> None:
    assert owner(name(text)) == name(expected)
