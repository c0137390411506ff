"""Sets by policy and reach, and who may come: rules S3, S5, S8, T1, T2, T6, T7."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.routing.objects import HTTP, IPV4, IPV6, names, service
from userproxy.model.names import Family
from userproxy.model.routes import Endpoint, Route
from userproxy.model.service import Service, ServicePortSpec, ServiceType, TrafficPolicy
from userproxy.routing.derivation import route_of
from userproxy.routing.node import NodeFacts
from userproxy.routing.selection import Selection, Topology
from userproxy.routing.traffic import (
    Arrival,
    endpoints_for,
    external_policy,
    of_family,
    source_allowed,
    source_ranges,
    wanted_sets,
)

CLUSTER, LOCAL = TrafficPolicy.CLUSTER, TrafficPolicy.LOCAL
HERE = NodeFacts("here", addresses=("10.1.0.5",), pod_cidrs=("10.244.1.0/24",))


@pytest.mark.parametrize(
    ("one", "port", "reachable"),
    [
        pytest.param(service(), HTTP, "", id="S8 T1 plain ClusterIP"),
        pytest.param(service(), replace(HTTP, node_port=30080), "46", id="S8 T1 a stated node port"),
        pytest.param(replace(service(), type=ServiceType.NODE_PORT), HTTP, "46", id="S8 T1 NodePort"),
        pytest.param(replace(service(), type=ServiceType.LOAD_BALANCER), HTTP, "46", id="S8 T1 LoadBalancer"),
        pytest.param(
            replace(service(), type=ServiceType.LOAD_BALANCER, allocate_node_ports=False),
            HTTP, "", id="S8 T1 LoadBalancer without node ports or VIPs",
        ),
        pytest.param(
            replace(service(), type=ServiceType.LOAD_BALANCER, allocate_node_ports=False,
                    load_balancer_ips=("192.0.2.1",)),
            HTTP, "4", id="S3 S4 S8 T1 a VIP of one family",
        ),
        pytest.param(replace(service(), external_ips=("2001:db8::1",)), HTTP, "6", id="S3 S8 T1 external IP"),
    ],
)  # fmt: skip
@pytest.mark.spec("S3", "S4", "S8", "T1")
def test_what_is_reached_from_outside(one: Service, port: ServicePortSpec, reachable: str) -> None:
    for family, digit in ((IPV4, "4"), (IPV6, "6")):
        expected = LOCAL if digit in reachable else None
        assert external_policy(replace(one, external_traffic_policy=LOCAL), port, family) is expected


@pytest.mark.parametrize(
    ("internal", "external", "outside", "sets"),
    [
        pytest.param(CLUSTER, CLUSTER, False, "cluster", id="T1 plain"),
        pytest.param(CLUSTER, CLUSTER, True, "cluster", id="T1 reachable"),
        pytest.param(CLUSTER, LOCAL, False, "cluster", id="S8 T2 external Local without a way in"),
        pytest.param(CLUSTER, LOCAL, True, "cluster local", id="T1 T2 external Local"),
        pytest.param(LOCAL, CLUSTER, False, "local", id="T1 T2 internal Local"),
        pytest.param(LOCAL, CLUSTER, True, "cluster local", id="T1 T2 internal Local, reachable"),
        pytest.param(LOCAL, LOCAL, True, "cluster local", id="T1 T2 both Local, reachable"),
    ],
)
@pytest.mark.spec("T1", "T2", "S8")
def test_which_sets_are_computed(
    internal: TrafficPolicy, external: TrafficPolicy, outside: bool, sets: str
) -> None:
    one = replace(
        service(),
        type=ServiceType.NODE_PORT if outside else ServiceType.CLUSTER_IP,
        internal_traffic_policy=internal,
        external_traffic_policy=external,
    )
    wanted = wanted_sets(one, HTTP, IPV4)
    assert (wanted.cluster, wanted.local) == ("cluster" in sets, "local" in sets)


def routed(internal: TrafficPolicy, external: TrafficPolicy) -> Route:
    here, there = Endpoint.of("10.0.0.1", 80), Endpoint.of("10.0.0.2", 80)
    selection = Selection(Topology.NONE, (here, there), (here,), (), True)
    one = replace(
        service(),
        type=ServiceType.NODE_PORT,
        internal_traffic_policy=internal,
        external_traffic_policy=external,
    )
    return route_of(one, HTTP, IPV4, selection, "127.0.0.1", 80)


ALL, ONLY_HERE = ["10.0.0.1:80", "10.0.0.2:80"], ["10.0.0.1:80"]
ABROAD, NODE_ITSELF, POD = "198.51.100.7", "10.1.0.5", "10.244.1.9"


@pytest.mark.parametrize(
    ("internal", "external", "arrival", "client", "expected"),
    [
        pytest.param(CLUSTER, CLUSTER, Arrival.CLUSTER_IP, ABROAD, ALL, id="T6 internal Cluster"),
        pytest.param(LOCAL, CLUSTER, Arrival.CLUSTER_IP, ABROAD, ONLY_HERE, id="T6 internal Local"),
        pytest.param(LOCAL, CLUSTER, Arrival.CLUSTER_IP, POD, ONLY_HERE, id="T6 internal Local, own pod"),
        pytest.param(CLUSTER, LOCAL, Arrival.CLUSTER_IP, ABROAD, ALL, id="S8 T6 external Local, internal"),
        pytest.param(CLUSTER, CLUSTER, Arrival.NODE_PORT, ABROAD, ALL, id="T6 external Cluster"),
        pytest.param(LOCAL, CLUSTER, Arrival.NODE_PORT, ABROAD, ALL, id="S8 T6 internal Local, external"),
        pytest.param(CLUSTER, LOCAL, Arrival.NODE_PORT, ABROAD, ONLY_HERE, id="T6 external Local, NodePort"),
        pytest.param(CLUSTER, LOCAL, Arrival.EXTERNAL_IP, ABROAD, ONLY_HERE, id="T6 external Local, IP"),
        pytest.param(
            CLUSTER, LOCAL, Arrival.LOAD_BALANCER_IP, ABROAD, ONLY_HERE, id="T6 external Local, VIP"
        ),
        pytest.param(CLUSTER, LOCAL, Arrival.NODE_PORT, NODE_ITSELF, ALL, id="T7 the node itself"),
        pytest.param(CLUSTER, LOCAL, Arrival.NODE_PORT, "127.0.0.1", ALL, id="T7 the node, by loopback"),
        pytest.param(CLUSTER, LOCAL, Arrival.LOAD_BALANCER_IP, POD, ALL, id="T7 a pod of this node"),
        pytest.param(CLUSTER, LOCAL, Arrival.LOAD_BALANCER_IP, "10.244.2.9", ONLY_HERE, id="T7 other pod"),
    ],
)
@pytest.mark.spec("T6", "T7", "S8")
def test_endpoints_by_arrival_and_client(
    internal: TrafficPolicy, external: TrafficPolicy, arrival: Arrival, client: str, expected: list[str]
) -> None:
    route = routed(internal, external)
    assert names(endpoints_for(route, arrival, client, HERE, HERE.pod_cidrs)) == expected


@pytest.mark.parametrize(
    ("ranges", "ipv4", "ipv6"),
    [
        pytest.param((), None, None, id="S5 none: unlimited"),
        pytest.param(("10.0.0.0/8",), ("10.0.0.0/8",), None, id="S5 the other family is unlimited"),
        pytest.param(("fd00::/8",), None, ("fd00::/8",), id="S3 S5 ranges of the other family only"),
        pytest.param(
            ("10.0.0.0/8", "0.0.0.0/0", "fd00::/8"), None, ("fd00::/8",), id="S5 /0 lifts its family"
        ),
        pytest.param(("::/0", "10.0.0.0/8"), ("10.0.0.0/8",), None, id="S5 IPv6 /0"),
    ],
)
@pytest.mark.spec("S3", "S5")
def test_source_ranges_of_each_family(
    ranges: tuple[str, ...], ipv4: tuple[str, ...] | None, ipv6: tuple[str, ...] | None
) -> None:
    one = replace(service(), source_ranges=ranges)
    assert (source_ranges(one, IPV4), source_ranges(one, IPV6)) == (ipv4, ipv6)


VIP = "192.0.2.1"


@pytest.mark.parametrize(
    ("ranges", "arrival", "client", "allowed"),
    [
        pytest.param((), Arrival.LOAD_BALANCER_IP, ABROAD, True, id="S5 unlimited"),
        pytest.param(("198.51.100.0/24",), Arrival.LOAD_BALANCER_IP, ABROAD, True, id="S5 inside"),
        pytest.param(("203.0.113.0/24",), Arrival.LOAD_BALANCER_IP, ABROAD, False, id="S5 outside"),
        pytest.param(
            ("203.0.113.0/24", "198.51.100.7/32"),
            Arrival.LOAD_BALANCER_IP,
            ABROAD,
            True,
            id="S5 second range",
        ),
        pytest.param(("203.0.113.0/24",), Arrival.LOAD_BALANCER_IP, POD, False, id="S5 pods too"),
        pytest.param(("203.0.113.0/24",), Arrival.LOAD_BALANCER_IP, NODE_ITSELF, False, id="S5 node too"),
        pytest.param(("203.0.113.0/24",), Arrival.LOAD_BALANCER_IP, "fd00::9", True, id="S5 other family"),
        pytest.param(("203.0.113.0/24",), Arrival.NODE_PORT, ABROAD, True, id="S5 never for NodePorts"),
        pytest.param(("203.0.113.0/24",), Arrival.EXTERNAL_IP, ABROAD, True, id="S5 never for external IPs"),
        pytest.param(("203.0.113.0/24",), Arrival.CLUSTER_IP, ABROAD, True, id="S5 never for ClusterIPs"),
        pytest.param(
            ("10.1.0.0/16",), Arrival.LOAD_BALANCER_IP, VIP, True, id="S5 VIP, range holds the node"
        ),
        pytest.param(("10.2.0.0/16",), Arrival.LOAD_BALANCER_IP, VIP, False, id="S5 VIP, node outside"),
        pytest.param(("10.1.0.0/16",), Arrival.LOAD_BALANCER_IP, "192.0.2.2", False, id="S5 another VIP"),
    ],
)
def test_S5_who_may_come_to_a_load_balancer_address(
    ranges: tuple[str, ...], arrival: Arrival, client: str, allowed: bool
) -> None:
    one = replace(service(), source_ranges=ranges, load_balancer_ips=(VIP,))
    assert source_allowed(one, arrival, client, VIP, HERE) is allowed


def test_S3_addresses_are_split_by_family() -> None:
    mixed = ("192.0.2.1", "2001:db8::1", "192.0.2.2")
    split: dict[Family, tuple[str, ...]] = {family: of_family(mixed, family) for family in Family}
    assert split == {IPV4: ("192.0.2.1", "192.0.2.2"), IPV6: ("2001:db8::1",)}
