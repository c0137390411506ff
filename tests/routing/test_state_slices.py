"""Slices and the node as events: rules E1, E7-E11, E13, T2, T4, T8."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.routing.objects import (
    DNS,
    KEY,
    NODE,
    UDP,
    WEB,
    WEB_1,
    cluster,
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
from userproxy.model.decode import decode_endpoint_slice
from userproxy.model.events import Delete, KubeObject
from userproxy.model.node import Node
from userproxy.model.service import TrafficPolicy
from userproxy.testing.objects import endpoint_slice as raw_slice

LABEL = "kubernetes.io/service-name"


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
    one = state(WEB)
    one.fold(decode_endpoint_slice(raw_slice("web", ["10.0.0.1:8080"], name="lost", labels={LABEL: ""})))
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
    dns = endpoint_slice("web-1", ["10.0.0.1"], ports=[WEB_1.ports[0]._replace(name="dns", protocol=UDP)])
    one = state(service("web", DNS), dns)
    key = "default/web:dns/UDP/IPv4"
    for entries, usable in ((dns.endpoints, True), ((), False), (dns.endpoints, True)):
        fold(one, replace(dns, endpoints=entries))
        route = served(one)[key]
        assert (route.usable_anywhere, bool(route.cluster), bool(route.serving)) == (usable,) * 3


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
