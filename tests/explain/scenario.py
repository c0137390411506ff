"""One state with everything that ``explain`` has to tell: the golden rows and the text come from it."""

from __future__ import annotations

from dataclasses import replace

from tests.routing.objects import (
    DNS,
    HTTP,
    IPV4,
    IPV6,
    NODE,
    SCTP,
    TCP,
    draining,
    endpoint_slice,
    ready,
    service,
    state,
    unready,
)
from userproxy.model.endpoints import InvalidEndpoint, SlicePort
from userproxy.model.node import Node
from userproxy.model.service import Service, ServicePortSpec, ServiceType, TrafficPolicy
from userproxy.routing import AddressPlan, State

WEB = replace(service("web", HTTP, DNS), cluster_ips=((IPV4, "10.96.0.10"),), session_affinity_s=10800)
WEB_SLICES = (
    endpoint_slice(
        "web-1",
        [
            ready("10.0.0.1", NODE, zones="eu-a"),
            ready("10.0.0.2", "there", zones="eu-b eu-c"),
            unready("10.0.0.3"),
            draining("10.0.0.4", serving=False),
            draining("10.0.0.5"),
        ],
    ),
    replace(
        endpoint_slice("web-2", [draining("10.0.0.1")]),
        invalid=(
            InvalidEndpoint("web.example", "not an IP address"),
            InvalidEndpoint("fd00::9", "wrong family"),
        ),
    ),
    endpoint_slice("web-3", [ready("fd00::1")], family=IPV6),
)

SHOP = replace(
    service("shop", replace(HTTP, node_port=30080)),
    type=ServiceType.LOAD_BALANCER,
    families=(IPV4, IPV6),
    cluster_ips=((IPV4, "10.96.0.11"), (IPV6, "fd96::11")),
    internal_traffic_policy=TrafficPolicy.CLUSTER,
    external_traffic_policy=TrafficPolicy.LOCAL,
    external_ips=("192.0.2.1", "2001:db8::1"),
    load_balancer_ips=("192.0.2.2",),
    source_ranges=("198.51.100.0/24", "::/0", "2001:db8:1::/48"),
    health_check_node_port=30099,
)
SHOP_SLICES = (
    endpoint_slice("shop-1", [ready("10.0.1.1", NODE), ready("10.0.1.2", "there")], of="shop"),
    endpoint_slice("shop-2", [ready("fd00:1::1", NODE)], of="shop", family=IPV6),
)

ELSEWHERE = replace(service("elsewhere"), internal_traffic_policy=TrafficPolicy.LOCAL)
ELSEWHERE_SLICE = endpoint_slice("elsewhere-1", [ready("10.0.2.1", "there")], of="elsewhere")

IGNORED: tuple[Service, ...] = (
    replace(service("alias"), type=ServiceType.EXTERNAL_NAME, ports=(), families=()),
    replace(service("db", ServicePortSpec("sql", TCP, 5432)), headless=True, families=(IPV4, IPV6)),
    replace(service("theirs"), service_proxy_name="other"),
    service("phone", ServicePortSpec("sig", SCTP, 36412)),
    replace(service("six"), families=(IPV6,)),
)
DB_SLICE = endpoint_slice(
    "db-1",
    ["10.0.3.1", ready("10.0.3.2")._replace(hostname="db-0"), unready("10.0.3.3")._replace(hostname="db-1")],
    of="db",
    ports=[SlicePort("sql", TCP, 5432)],
)


def scenario(addresses: AddressPlan | None = None) -> State:
    """All of the above, everything taken."""
    services = (WEB, SHOP, ELSEWHERE, *IGNORED)
    slices = (*WEB_SLICES, *SHOP_SLICES, ELSEWHERE_SLICE, DB_SLICE)
    one = state(*services, *slices, Node(NODE, "eu-a"), addresses=addresses)
    while one.take().more:
        pass
    return one
