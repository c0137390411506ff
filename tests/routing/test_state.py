"""Events in, differences out: rules S1, S2, S11, S12, E1, E8-E11, T4, D7, R2, R10 and L1 as a whole."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network

import pytest

from tests.routing.objects import (
    HTTP,
    IPV4,
    IPV6,
    NODE,
    SCTP,
    TCP,
    UDP,
    draining,
    endpoint_slice,
    fold,
    names,
    ready,
    served,
    service,
    state,
    unready,
)
from userproxy.model.events import Delete, KubeObject, Mark, Rejected, SourceProblems, Synced, Upsert
from userproxy.model.names import Family, NamespacedName, ObjectRef
from userproxy.model.node import Node
from userproxy.model.problems import Problem
from userproxy.model.service import Service, ServicePortSpec, ServiceType, TrafficPolicy
from userproxy.routing import EphemeralAddresses, LoopbackAddresses, State
from userproxy.routing.table import Difference

WEB, WEB_1 = service(), endpoint_slice("web-1", ["10.0.0.1"])
KEY = "default/web:http/TCP/IPv4"
DNS = ServicePortSpec("dns", UDP, 53)
BAD = Problem(WEB.ref, "spec.ports[0].port", "0", "D7", "is not in 1-65535")


def cluster(one: State, key: str = KEY) -> list[str] | None:
    return names(served(one)[key].cluster)


# The start


def test_R2_nothing_is_served_before_everything_was_said() -> None:
    one = State(node_name=NODE, addresses=LoopbackAddresses())
    fold(one, WEB, WEB_1)
    changes = one.take()
    assert not changes
    assert (changes.generation, changes.more, one.synced) == (0, False, False)
    assert not one.routes
    fold(one, Synced())
    changes = one.take()
    assert one.synced
    assert [str(route.key) for route in changes.changed] == [KEY]
    assert changes.added_services == (WEB.key,)
    assert changes.generation == one.generation == 1


def test_problems_are_told_before_everything_was_said() -> None:
    one = State(node_name=NODE, addresses=LoopbackAddresses())
    down = ObjectRef("API server", "", "https://127.0.0.1:1")
    unreachable = Problem(down, "", "", "R7", "unreachable")
    fold(one, SourceProblems(down, (unreachable,)))
    assert one.take().problems == (unreachable,)


@pytest.mark.parametrize("first", ["service", "slice"])
def test_E9_slices_may_come_before_their_service(first: str) -> None:
    one = state(*((WEB, WEB_1) if first == "service" else (WEB_1, WEB)))
    assert cluster(one) == ["10.0.0.1:8080"]


def test_E9_slices_may_stay_behind_their_service() -> None:
    one = state(WEB, WEB_1)
    served(one)
    fold(one, Delete(WEB.ref))
    changes = one.take()
    assert [str(key) for key in changes.removed] == [KEY]
    assert changes.removed_services == (WEB.key,)
    fold(one, endpoint_slice("web-1", ["10.0.0.2"]))
    assert not one.take()
    fold(one, WEB)
    assert cluster(one) == ["10.0.0.2:8080"]


def indices(root: object, path: str = "state") -> dict[str, object]:
    """Every dict and set that ``root`` holds, at any depth, by path."""
    if isinstance(root, dict | set):
        return {path: root}
    if type(root).__module__.startswith("userproxy.routing") and hasattr(root, "__dict__"):
        inner = (indices(value, f"{path}.{key}") for key, value in vars(root).items())
        return {where: index for each in inner for where, index in each.items()}
    return {}


def test_E9_nothing_leaks_once_all_is_gone() -> None:
    pool = IPv4Network("127.5.0.0/24")
    one = state(addresses=LoopbackAddresses(pool, IPv6Network("fd00::/64")))
    services = [
        replace(service(f"svc-{n}"), families=(IPV4, IPV6), cluster_ips=((IPV4, "10.96.0.1"),))
        for n in range(300)
    ]
    slices = [endpoint_slice(f"s-{n}", [ready("10.0.0.1", zones="eu-a")], of=f"svc-{n}") for n in range(310)]
    lost = endpoint_slice("lost", of="")
    objects: list[KubeObject] = [*services, *slices, lost]
    fold(one, *objects)
    fold(one, Rejected(services[0].ref, (BAD,)), Rejected(slices[0].ref, (BAD,)))
    served(one)
    assert one.problems
    assert one.stale == (slices[0].ref, services[0].ref)
    found = indices(one)
    assert len(found) >= 12, "the walk found the indices"
    fold(one, *(Delete(each.ref) for each in objects))
    served(one)
    del found["state._addressing._plan._pools"]  # the ranges themselves, looked into below
    assert [path for path, index in found.items() if index] == []
    for family, range_ in one._addressing._plan._pools.items():  # type: ignore[attr-defined] # inside
        assert not range_._holders, family
        assert not range_._offsets, family
    assert not one.problems
    assert not one.stale


# Services


@pytest.mark.parametrize(
    "ignored",
    [
        pytest.param(replace(WEB, headless=True), id="S1 headless"),
        pytest.param(replace(WEB, type=ServiceType.EXTERNAL_NAME), id="S1 ExternalName"),
        pytest.param(replace(WEB, service_proxy_name="x"), id="S1 label"),
        pytest.param(service("web", ServicePortSpec("http", SCTP, 80)), id="S7 nothing but SCTP"),
        pytest.param(replace(WEB, families=(IPV6,)), id="S2 no family left"),
    ],
)
@pytest.mark.spec("S1", "S7", "S2", "E9")
def test_service_that_becomes_ignored_is_torn_down_and_comes_back(ignored: Service) -> None:
    one = state(WEB, WEB_1)
    before = served(one)
    fold(one, ignored)
    assert one.take().removed_services == (WEB.key,)
    assert served(one) == {}
    assert not indices(one._addressing)["state._waiting"]
    fold(one, endpoint_slice("web-1", ["10.0.0.9"]), WEB_1)
    assert not one.take(), "E9: slices of ignored Services are no change and no problem"
    fold(one, WEB)
    assert served(one) == before, "with the address that it had"


def test_S1_empty_cluster_ip_is_ignored_only_from_an_api_server() -> None:
    assert list(served(state(WEB))) == [KEY]
    assert served(state(WEB, cluster_ip_required=True)) == {}
    stated = replace(WEB, cluster_ips=((IPV4, "10.96.0.1"),))
    assert list(served(state(stated, cluster_ip_required=True))) == [KEY]


@pytest.mark.parametrize(
    ("families", "ranges", "served_in"),
    [
        pytest.param((IPV4,), "46", "IPv4", id="S2 IPv4"),
        pytest.param((IPV6,), "46", "IPv6", id="S2 IPv6"),
        pytest.param((IPV6, IPV4), "46", "IPv4 IPv6", id="S2 both"),
        pytest.param((IPV4, IPV6), "4", "IPv4", id="S2 dual-stack Service without an IPv6 range"),
        pytest.param((IPV6,), "4", "", id="S2 IPv6 alone without a range"),
    ],
)
def test_S2_each_family_is_served_on_its_own(
    families: tuple[Family, ...], ranges: str, served_in: str
) -> None:
    plan = LoopbackAddresses(ipv6=IPv6Network("fd00::/64") if "6" in ranges else None)
    one = state(
        replace(WEB, families=families),
        WEB_1,
        endpoint_slice("web-2", ["fd00::1"], family=IPV6),
        addresses=plan,
    )
    table = served(one)
    assert sorted(route.family for route in table.values()) == served_in.split()
    for route in table.values():
        assert names(route.cluster) == (["10.0.0.1:8080"] if route.family is IPV4 else ["[fd00::1]:8080"])
        assert (":" in route.listen_host) is (route.family is IPV6)
    assert [problem.rule for problem in one.problems] == ([] if served_in else ["S2"])


def test_S2_loopback_mode_does_not_read_cluster_addresses() -> None:
    one = state(WEB, WEB_1)
    served(one)
    fold(one, replace(WEB, cluster_ips=((IPV4, "10.96.0.1"),)))
    assert not one.take()


@pytest.mark.spec("S11", "E10", "E11")
@pytest.mark.parametrize(
    "again",
    [
        pytest.param(WEB, id="S11 the same Service"),
        pytest.param(replace(WEB, creation_timestamp="2024-01-01T00:00:00Z"), id="S11 another age"),
        pytest.param(WEB_1, id="E10 the same slice"),
        pytest.param(endpoint_slice("web-1", ["10.0.0.1", "10.0.0.1"]), id="E10 E7 a duplicate"),
        pytest.param(endpoint_slice("web-0", []), id="E10 an empty slice more"),
        pytest.param(endpoint_slice("web-2", ["10.0.0.1"]), id="E8 the endpoint in a second slice"),
    ],
)
def test_what_changes_nothing_is_no_change(again: KubeObject) -> None:
    one = state(WEB, WEB_1)
    served(one)
    fold(one, again)
    changes = one.take()
    assert not changes
    assert changes.generation == 1


def test_E10_full_redelivery_is_no_change() -> None:
    objects: list[KubeObject] = [
        service("web"),
        service("api"),
        WEB_1,
        endpoint_slice("api-1", ["10.0.1.1"], of="api"),
    ]
    one = state(*objects)
    served(one)
    fold(one, *objects, Synced())
    assert not one._dirty
    assert not one.take()


def test_E10_delete_of_something_unknown_is_no_change() -> None:
    one = state(WEB, WEB_1)
    served(one)
    for kind in ("Service", "EndpointSlice", "Node", "Pod"):
        fold(one, Delete(ObjectRef(kind, "default", "unknown")))
    assert not one.take()


def test_E11_same_endpoints_in_another_order_are_no_change() -> None:
    one = state(WEB, endpoint_slice("web-1", ["10.0.0.1", "10.0.0.2"]))
    served(one)
    fold(one, endpoint_slice("web-1", ["10.0.0.2", "10.0.0.1"]))
    assert not one.take()


@pytest.mark.parametrize(
    ("change", "changed", "removed", "keeps_listener"),
    [
        pytest.param(service("web", replace(HTTP, port=81)), [KEY], [], False, id="S12 another port number"),
        pytest.param(
            service("web", ServicePortSpec("www", TCP, 80)),
            ["default/web:www/TCP/IPv4"],
            [KEY],
            True,
            id="S12 port renamed while its number stays",
        ),
        pytest.param(
            service("web", replace(HTTP, protocol=UDP)),
            ["default/web:http/UDP/IPv4"],
            [KEY],
            True,
            id="S12 another protocol",
        ),
        pytest.param(replace(WEB, session_affinity_s=60), [KEY], [], True, id="S12 affinity"),
        pytest.param(
            replace(WEB, internal_traffic_policy=TrafficPolicy.LOCAL), [KEY], [], True, id="S12 policy"
        ),
        pytest.param(
            service("web", replace(HTTP, options=replace(HTTP.options, hold_s=1.0))),
            [KEY],
            [],
            True,
            id="S12 annotation",
        ),
        pytest.param(
            replace(WEB, families=(IPV6,)), ["default/web:http/TCP/IPv6"], [KEY], False, id="S12 family"
        ),
    ],
)
def test_S12_changes_of_a_service_as_route_differences(
    change: Service, changed: list[str], removed: list[str], keeps_listener: bool
) -> None:
    one = state(WEB, WEB_1, addresses=LoopbackAddresses(ipv6=IPv6Network("fd00::/64")))
    (old,) = served(one).values()
    fold(one, change)
    changes = one.take()
    assert [str(route.key) for route in changes.changed] == changed
    assert [str(key) for key in changes.removed] == removed
    assert changes.changed_services == (WEB.key,)
    (new,) = served(one).values()
    assert ((new.listen_host, new.listen_port) == (old.listen_host, old.listen_port)) is keeps_listener


def test_S12_second_port_goes_and_the_first_is_not_touched() -> None:
    one = state(service("web", HTTP, DNS), WEB_1)
    served(one)
    fold(one, service("web", HTTP))
    changes = one.take()
    assert [str(key) for key in changes.removed] == ["default/web:dns/UDP/IPv4"]
    # The remaining route says which numbers a fallback must leave free, and these became fewer.
    assert [route.stated_ports for route in changes.changed] == [((TCP, 80),)]


def test_S7_other_ports_of_a_service_with_sctp_work() -> None:
    one = state(service("web", HTTP, ServicePortSpec("sig", SCTP, 9)), WEB_1)
    assert cluster(one) == ["10.0.0.1:8080"]
    assert list(served(one)) == [KEY]


def test_S10_conflict_is_told_of_the_younger_and_both_are_served() -> None:
    old = replace(
        service("web"), cluster_ips=((IPV4, "10.96.0.1"),), creation_timestamp="2024-01-01T00:00:00Z"
    )
    young = replace(old, name="api", creation_timestamp="2024-02-01T00:00:00Z")
    one = state(young, old)
    changes = one.take()
    assert len(changes.changed) == 2
    (problem,) = changes.problems
    assert str(problem) == (
        "Service default/api: spec.clusterIPs = 10.96.0.1:80/TCP: Service default/web states it too "
        "and keeps it; both are served, each on its own local address [S10]"
    )
    fold(one, replace(young, session_affinity_s=60))
    assert not one.take().problems, "told once"
    fold(one, Delete(old.ref))
    changes = one.take()
    assert changes.cleared == (problem,)
    assert one.problems == ()
    fold(one, old)
    assert one.take().problems == (problem,)
    fold(one, replace(old, headless=True))
    assert one.take().cleared == (problem,), "who is ignored claims nothing"


# Slices


def test_E1_slice_that_moves_is_lost_by_the_old_service() -> None:
    one = state(WEB, service("api"), WEB_1)
    served(one)
    fold(one, endpoint_slice("web-1", ["10.0.0.1"], of="api"))
    changes = one.take()
    assert {str(route.key): names(route.cluster) for route in changes.changed} == {
        KEY: [],
        "default/api:http/TCP/IPv4": ["10.0.0.1:8080"],
    }


def test_E1_slice_without_a_service_is_told_once_and_cleared() -> None:
    one = state(WEB, endpoint_slice("lost", ["10.0.0.1"], of=""))
    (problem,) = one.take().problems
    assert (problem.rule, problem.object.name) == ("E1", "lost")
    fold(one, endpoint_slice("lost", ["10.0.0.1"]))
    assert one.take().cleared == (problem,)
    assert cluster(one) == ["10.0.0.1:8080"]


def test_E1_headless_slice_is_ignored_in_silence() -> None:
    one = state(WEB, replace(WEB_1, headless=True), replace(endpoint_slice("x", of=""), headless=True))
    assert cluster(one) == []
    assert one.problems == ()


def test_E1_headless_label_on_a_service_changes_nothing_for_its_slices() -> None:
    one = state(WEB, WEB_1, replace(endpoint_slice("web-2", ["10.0.0.2"]), headless=True))
    assert cluster(one) == ["10.0.0.1:8080"]


@pytest.mark.parametrize("order", ["gain first", "lose first"])
def test_E8_endpoint_that_moves_between_slices_does_not_blink(order: str) -> None:
    one = state(WEB, WEB_1, endpoint_slice("web-2", []))
    served(one)
    gain, lose = endpoint_slice("web-2", ["10.0.0.1"]), endpoint_slice("web-1", [])
    fold(one, *((gain, lose) if order == "gain first" else (lose, gain)))
    assert not one.take(), "one change that changes nothing"


def test_E7_two_slices_one_terminating() -> None:
    one = state(WEB, endpoint_slice("a", [draining("10.0.0.1")]), endpoint_slice("b", ["10.0.0.1"]))
    assert cluster(one) == ["10.0.0.1:8080"]
    fold(one, Delete(endpoint_slice("b").ref))
    assert cluster(one) == ["10.0.0.1:8080"], "still the terminating one, as the last resort"
    fold(one, endpoint_slice("c", [unready("10.0.0.1")]))
    assert cluster(one) == [], "an unready one beats it"


def test_E13_empty_slice_and_slice_without_ports() -> None:
    one = state(WEB, endpoint_slice("a", []), endpoint_slice("b", ["10.0.0.1"], ports=[]))
    assert cluster(one) == []
    assert not served(one)[KEY].usable_anywhere


def test_T8_udp_service_between_zero_and_some_endpoints() -> None:
    dns = endpoint_slice("web-1", ["10.0.0.1"], ports=[replace(WEB_1.ports[0], name="dns", protocol=UDP)])
    one = state(service("web", DNS), dns)
    key = "default/web:dns/UDP/IPv4"
    for entries, usable in ((dns.endpoints, True), ((), False), (dns.endpoints, True)):
        fold(one, replace(dns, endpoints=entries))
        route = served(one)[key]
        assert (route.usable_anywhere, bool(route.cluster), bool(route.serving)) == (usable,) * 3


# The node


def hinted(*zones: str) -> list[KubeObject]:
    entries = [ready(f"10.0.0.{number}", zones=zone) for number, zone in enumerate(zones, 1)]
    return [WEB, endpoint_slice("web-1", entries)]


def test_T4_zone_takes_effect_at_once_and_stays_after_the_node() -> None:
    one = state(*hinted("eu-a", "eu-b"), service("api"))
    assert cluster(one) == ["10.0.0.1:8080", "10.0.0.2:8080"], "zone unknown"
    fold(one, Node(NODE, "eu-b"))
    changes = one.take()
    assert [names(route.cluster) for route in changes.changed] == [["10.0.0.2:8080"]]
    assert changes.changed_services == (WEB.key,)
    fold(one, Node(NODE, "eu-a"))
    assert cluster(one) == ["10.0.0.1:8080"]
    fold(one, Delete(Node(NODE).ref))
    assert not one.take()
    assert (one.node.zone, one.node_exists) == ("eu-a", False)
    fold(one, Node(NODE))
    assert len(cluster(one) or ()) == 2, "the label is gone"


def test_T4_only_this_node_counts() -> None:
    one = state(*hinted("eu-a", "eu-b"), Node("there", "eu-a"))
    assert len(cluster(one) or ()) == 2
    assert not one.node_exists
    fold(one, Delete(Node("there").ref))
    assert not one.take()


def test_T4_zone_concerns_only_services_with_zone_hints() -> None:
    one = state(*hinted("eu-a"), service("api"), endpoint_slice("api-1", ["10.0.1.1"], of="api"))
    served(one)
    fold(one, Node(NODE, "eu-a", internal_ips=("10.1.0.5",)))
    assert list(one._dirty) == [WEB.key]
    served(one)
    fold(one, Node(NODE, "eu-a", internal_ips=("10.1.0.6",)))
    assert not one._dirty
    assert one.node.addresses == ("10.1.0.6",)


def test_T2_E6_policy_local_looks_at_this_node_only() -> None:
    entries = [ready("10.0.0.1", NODE), ready("10.0.0.2", "there"), ready("10.0.0.3")]
    local = replace(WEB, internal_traffic_policy=TrafficPolicy.LOCAL)
    one = state(local, endpoint_slice("web-1", entries))
    (route,) = served(one).values()
    assert (route.cluster, names(route.local)) == (None, ["10.0.0.1:8080"])
    fold(one, endpoint_slice("web-1", entries[1:]))
    (route,) = served(one).values()
    assert (route.internal, route.usable_anywhere) == ((), True)


# Bad objects


def test_D7_bad_version_leaves_the_good_one_in_force() -> None:
    one = state(WEB, WEB_1)
    before = served(one)
    fold(one, Rejected(WEB.ref, (BAD,)))
    changes = one.take()
    assert (changes.problems, changes.stale, changes.changed) == ((BAD,), (WEB.ref,), ())
    assert served(one) == before
    fold(one, endpoint_slice("web-1", ["10.0.0.2"]))
    assert cluster(one) == ["10.0.0.2:8080"], "the stale Service lives on"
    assert one.stale == (WEB.ref,)
    fold(one, WEB)
    changes = one.take()
    assert (changes.cleared, changes.stale, changes.changed) == ((BAD,), (), ())


def test_D7_delete_ends_what_was_stale() -> None:
    one = state(WEB, WEB_1)
    served(one)
    fold(one, Rejected(WEB.ref, (BAD,)), Delete(WEB.ref))
    changes = one.take()
    assert (len(changes.removed), changes.problems, changes.stale) == (1, (), ())


def test_D7_bad_object_that_never_was_good_shows_its_problems_alone() -> None:
    one = state()
    fold(one, Rejected(WEB.ref, (BAD,)))
    changes = one.take()
    assert (changes.problems, changes.stale, dict(one.routes)) == ((BAD,), (), {})


@pytest.mark.parametrize(
    "good", [pytest.param(WEB_1, id="D7 slice"), pytest.param(Node(NODE, "eu-a"), id="D7 this node")]
)
def test_D7_slices_and_the_node_go_stale_too(good: KubeObject) -> None:
    one = state(WEB, WEB_1, good)
    served(one)
    fold(one, Rejected(good.ref, (BAD,)))
    assert one.take().stale == (good.ref,)
    fold(one, good)
    assert one.take().stale == ()


def test_D7_problems_of_a_good_object_are_told_beside_it() -> None:
    one = state(WEB)
    fold(one, Upsert(WEB_1, (BAD,)))
    changes = one.take()
    assert changes.problems == (BAD,)
    assert cluster(one) == ["10.0.0.1:8080"]
    fold(one, Upsert(WEB_1, ()))
    assert one.take().cleared == (BAD,)


def test_source_problems_are_replaced_as_a_whole() -> None:
    one = state()
    source = ObjectRef("file", "", "web.yaml")
    first, second = Problem(source, "", "", "", "one"), Problem(source, "", "", "", "two")
    fold(one, SourceProblems(source, (first,)))
    one.take()
    fold(one, SourceProblems(source, (second,)))
    changes = one.take()
    assert (changes.problems, changes.cleared) == ((second,), (first,))
    fold(one, SourceProblems(source, ()))
    assert one.take().cleared == (second,)


# Work


def test_R10_hundred_events_for_one_service_cost_one_derivation(monkeypatch: pytest.MonkeyPatch) -> None:
    one = state(WEB, service("api"), WEB_1)
    served(one)
    derived: list[NamespacedName] = []
    inner = State._derive

    def counted(self: State, key: NamespacedName, difference: Difference) -> int:
        derived.append(key)
        return inner(self, key, difference)

    monkeypatch.setattr(State, "_derive", counted)
    for number in range(100):
        fold(one, endpoint_slice("web-1", [f"10.0.0.{number}"]), Mark(number))
    assert one.take().changed_services == (WEB.key,)
    assert derived == [WEB.key]
    assert one.generation == 2


def test_take_works_in_slices_and_in_order() -> None:
    one = State(node_name=NODE, addresses=LoopbackAddresses())
    for number in (4, 2, 0, 3, 1):
        fold(one, service(f"svc-{number}"))
    fold(one, Synced())
    steps = []
    while True:
        changes = one.take(budget=2)
        steps.append([key.name for key in changes.added_services])
        if not changes.more:
            break
    assert steps == [["svc-0", "svc-1"], ["svc-2", "svc-3"], ["svc-4"]]
    assert one.generation == 3


def test_take_counts_a_service_with_very_many_endpoints_as_several() -> None:
    many = endpoint_slice("a", [f"10.0.{n // 256}.{n % 256}" for n in range(1000)], of="svc-0")
    one = state(many, *(service(f"svc-{number}") for number in range(20)))
    assert len(one.take(budget=10).added_services) == 1
    assert len(one.take(budget=10).added_services) == 10


# Addresses


def test_L1_first_sync_gives_addresses_in_order_of_names() -> None:
    services = [service(f"svc-{number}") for number in range(260)]
    plan = IPv4Network("127.5.0.0/24")
    forth = served(state(*services, addresses=LoopbackAddresses(plan)))
    back = served(state(*reversed(services), addresses=LoopbackAddresses(plan)))
    assert forth == back
    assert len(forth) == 254
    last = sorted(str(one.key) for one in services)[254:]
    assert not [key for key in forth if key.split(":")[0] in last], "those whose names sort last have none"


def test_L1_service_without_an_address_gets_the_first_that_is_free() -> None:
    services = [service(f"svc-{number:03}") for number in range(255)]
    one = state(*services, addresses=LoopbackAddresses(IPv4Network("127.5.0.0/24")))
    table = served(one)
    assert [problem.object.name for problem in one.problems] == ["svc-254"]
    fold(one, Delete(services[7].ref))
    after = served(one)
    assert (
        after["default/svc-254:http/TCP/IPv4"].listen_host
        == table["default/svc-007:http/TCP/IPv4"].listen_host
    )
    assert one.problems == ()


def test_L1_holder_keeps_its_address_while_its_service_is_wanted() -> None:
    one = state(WEB, WEB_1)
    (host,) = {route.listen_host for route in served(one).values()}
    for event in (
        Delete(WEB_1.ref),
        service("web", replace(HTTP, port=81)),
        service("web", DNS),
        Rejected(WEB.ref, (BAD,)),
    ):
        fold(one, event)
        assert {route.listen_host for route in served(one).values()} == {host}


def test_L1_all_ports_of_a_service_share_its_address() -> None:
    table = served(state(service("web", HTTP, DNS), service("api", HTTP)))
    assert len(table) == 3
    assert len({route.listen_host for route in table.values()}) == 2
    assert table[KEY].listen_port == 80
    assert table["default/web:dns/UDP/IPv4"].listen_port == 53


def test_L1_ephemeral_ports() -> None:
    plan = EphemeralAddresses()
    table = served(state(replace(WEB, families=(IPV4, IPV6)), service("api"), addresses=plan))
    assert {(route.listen_host, route.listen_port) for route in table.values()} == {
        ("127.0.0.1", 0),
        ("::1", 0),
    }
    assert {route.service_port for route in table.values()} == {80}
