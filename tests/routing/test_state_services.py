"""Services as events: rules S1, S2, S7, S10, S11, S12."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv6Network

import pytest

from tests.routing.objects import (
    DNS,
    HTTP,
    IPV4,
    IPV6,
    KEY,
    SCTP,
    TCP,
    UDP,
    WEB,
    WEB_1,
    cluster,
    endpoint_slice,
    fold,
    names,
    served,
    service,
    state,
)
from userproxy.model.events import Delete, KubeObject, Synced
from userproxy.model.names import Family, NamespacedName, ObjectRef
from userproxy.model.problems import Problem
from userproxy.model.service import Service, ServicePortSpec, ServiceType, TrafficPolicy
from userproxy.routing import LoopbackAddresses
from userproxy.routing.conflicts import Conflicts


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
    assert not one._addressing._waiting
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


def test_S10_rivals_that_go_together_are_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = replace(service("web"), cluster_ips=((IPV4, "10.96.0.1"),))
    rivals = [replace(shared, name=f"web-{number:02}") for number in range(50)]
    one = state(*rivals)
    one.take()
    worded: list[NamespacedName] = []
    problems = Conflicts.problems

    def noting(conflicts: Conflicts, key: NamespacedName) -> Iterator[Problem]:
        worded.append(key)
        return problems(conflicts, key)

    monkeypatch.setattr(Conflicts, "problems", noting)
    fold(one, *(Delete(rival.ref) for rival in rivals[:-2]))
    changes = one.take()
    assert len(worded) == len(set(worded))
    assert len(changes.cleared) == len(rivals) - 1
    assert [problem.object for problem in changes.problems] == [rivals[-1].ref]
    assert "Service default/web-48 states it too" in str(changes.problems[0])


def test_a_change_of_an_external_name_is_told() -> None:
    alias = Service("shop", "mail", type=ServiceType.EXTERNAL_NAME, external_name="mail.example.com")
    one = state(alias)
    assert one.take().external_names
    assert not one.take().external_names
    fold(one, replace(alias, ports=(HTTP,)))
    assert not one.take().external_names, "it stands for the same name"
    fold(one, replace(alias, external_name="mx.example.com"))
    assert one.take().external_names
    fold(one, Delete(alias.ref))
    assert one.take().external_names
    fold(one, service("web"))
    assert not one.take().external_names
