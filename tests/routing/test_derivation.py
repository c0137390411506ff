"""What is not served, and what a route holds: rules S1, S7, S8, S11."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.routing.objects import DNS, HTTP, IPV4, NODE, SCTP, TCP, UDP, endpoint_slice, names, ready, service
from userproxy.model.routes import Route
from userproxy.model.service import (
    Balancer,
    PortOptions,
    Service,
    ServicePortSpec,
    ServiceType,
    TrafficPolicy,
)
from userproxy.routing.derivation import port_selection, route_of, why_ignored, why_port_ignored
from userproxy.routing.node import NodeFacts

WITH_ADDRESS = replace(service(), cluster_ips=((IPV4, "10.96.0.1"),))


@pytest.mark.parametrize(
    ("one", "required", "why"),
    [
        pytest.param(service(), False, None, id="S1 served"),
        pytest.param(WITH_ADDRESS, True, None, id="S1 served, clusterIP required"),
        pytest.param(service(), True, "clusterIP is empty", id="S1 clusterIP empty"),
        pytest.param(
            replace(service(), headless=True), False, "headless (clusterIP: None)", id="S1 headless"
        ),
        pytest.param(
            replace(WITH_ADDRESS, type=ServiceType.EXTERNAL_NAME),
            True,
            "type ExternalName",
            id="S1 ExternalName even with a clusterIP",
        ),
        pytest.param(
            replace(service(), service_proxy_name="other"),
            False,
            "label service.kubernetes.io/service-proxy-name = other",
            id="S1 another proxy's",
        ),
        pytest.param(
            replace(service(), service_proxy_name=""),
            False,
            'label service.kubernetes.io/service-proxy-name = ""',
            id="S1 the label with an empty value",
        ),
    ],
)
def test_S1_why_a_service_is_ignored(one: Service, required: bool, why: str | None) -> None:
    assert why_ignored(one, cluster_ip_required=required) == why


@pytest.mark.parametrize(
    ("port", "why"),
    [
        pytest.param(HTTP, None, id="S7 TCP"),
        pytest.param(DNS, None, id="S7 UDP"),
        pytest.param(ServicePortSpec("sig", SCTP, 9), "SCTP is not supported", id="S7 SCTP"),
    ],
)
def test_S7_why_a_port_is_ignored(port: ServicePortSpec, why: str | None) -> None:
    assert why_port_ignored(port) == why


def derived(one: Service, port: ServicePortSpec = HTTP) -> Route:
    slices = [endpoint_slice("web-1", [ready("10.0.0.1", NODE), ready("10.0.0.2")])]
    _, selection = port_selection(one, port, IPV4, slices, NodeFacts(NODE))
    return route_of(one, port, IPV4, selection, "127.3.4.5", port.port)


def test_route_holds_all_that_the_data_plane_needs() -> None:
    options = PortOptions(balancer=Balancer.LEAST_CONNECTIONS, hold_s=2.5)
    port = replace(HTTP, options=options)
    one = replace(
        service("web", port, DNS, ServicePortSpec("sig", SCTP, 9)),
        session_affinity_s=600,
        internal_traffic_policy=TrafficPolicy.LOCAL,
    )
    route = derived(one, port)
    assert str(route.key) == "default/web:http/TCP/IPv4"
    assert (route.service_port, route.listen_host, route.listen_port) == (80, "127.3.4.5", 80)
    assert route.stated_ports == ((SCTP, 9), (TCP, 80), (UDP, 53)), "each may be wanted by a listener"
    assert (route.cluster, names(route.local)) == (None, ["10.0.0.1:8080"])
    assert names(route.internal) == ["10.0.0.1:8080"]
    assert names(route.serving) == ["10.0.0.1:8080", "10.0.0.2:8080"]
    assert route.usable_anywhere
    assert (route.session_affinity_s, route.options) == (600, options)


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(
            replace(service(), external_traffic_policy=TrafficPolicy.LOCAL), id="S8 external policy"
        ),
        pytest.param(WITH_ADDRESS, id="S2 S11 cluster address"),
        pytest.param(replace(service(), creation_timestamp="2024-01-01T00:00:00Z"), id="S11 age"),
        pytest.param(replace(service(), source_ranges=("10.0.0.0/8",)), id="S5 S11 source ranges"),
    ],
)
@pytest.mark.spec("S8", "S11", "S2")
def test_what_cannot_matter_here_is_not_in_the_route(same: Service) -> None:
    assert derived(same) == derived(service())


def test_S11_order_of_ports_is_no_change() -> None:
    assert derived(service("web", HTTP, DNS)) == derived(service("web", DNS, HTTP))
