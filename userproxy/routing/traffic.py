"""Which endpoints serve traffic, by where it arrives and from whom (rules S3, S5, S8, T1, T2, T6, T7)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from ipaddress import ip_address, ip_network

from userproxy.model.names import Family
from userproxy.model.routes import Endpoint, Route
from userproxy.model.service import Service, ServicePortSpec, ServiceType, TrafficPolicy
from userproxy.routing.node import NodeFacts, family_of
from userproxy.routing.selection import Wanted

__all__ = [
    "Arrival",
    "endpoints_for",
    "external_policy",
    "of_family",
    "source_allowed",
    "source_ranges",
    "wanted_sets",
]


class Arrival(StrEnum):
    """The kind of address that traffic came to. All but the first are external traffic."""

    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    EXTERNAL_IP = "ExternalIP"
    LOAD_BALANCER_IP = "LoadBalancerIP"


def of_family(addresses: Iterable[str], family: Family) -> tuple[str, ...]:
    """Those of ``family``: each family is served on its own (rule S3)."""
    return tuple([address for address in addresses if family_of(address) is family])


def external_policy(service: Service, port: ServicePortSpec, family: Family) -> TrafficPolicy | None:
    """The policy for external traffic to ``port``; None where none can arrive (rule S8)."""
    reachable = (
        port.node_port is not None
        or service.type is ServiceType.NODE_PORT
        or (service.type is ServiceType.LOAD_BALANCER and service.allocate_node_ports)
        or of_family((*service.external_ips, *service.load_balancer_ips), family)
    )
    return service.external_traffic_policy if reachable else None


def wanted_sets(service: Service, port: ServicePortSpec, family: Family) -> Wanted:
    """Which sets of endpoints ``port`` needs: the first sentences of rules T1 and T2."""
    internal, external = service.internal_traffic_policy, external_policy(service, port, family)
    return Wanted(
        cluster=internal is not TrafficPolicy.LOCAL or external is not None,
        local=TrafficPolicy.LOCAL in (internal, external),
    )


def endpoints_for(
    route: Route, arrival: Arrival, client: str, node: NodeFacts, pod_cidrs: Iterable[str] = ()
) -> tuple[Endpoint, ...]:
    """The endpoints that a connection of ``client`` may go to (rules T6, T7).

    With external policy Local, a client on this node uses the Cluster set, as if the packet had gone out
    to the load balancer and back. ``pod_cidrs``: the sources that are pods of this node (rule N4).
    """
    if arrival is Arrival.CLUSTER_IP:
        return route.internal
    if route.external_traffic_policy is TrafficPolicy.LOCAL and not node.holds(client, pod_cidrs):
        return route.local or ()
    return route.cluster or ()


def source_ranges(service: Service, family: Family) -> tuple[str, ...] | None:
    """The source ranges that limit ``family``; None: unlimited (rule S5)."""
    ranges = of_family(service.source_ranges, family)
    return None if not ranges or any(text.endswith("/0") for text in ranges) else ranges


def source_allowed(service: Service, arrival: Arrival, client: str, vip: str, node: NodeFacts) -> bool:
    """Whether ``client`` may use ``service`` by the address ``vip``, before rule T7 counts (rule S5).

    Source ranges concern load-balancer addresses alone.
    """
    if arrival is not Arrival.LOAD_BALANCER_IP:
        return True
    family = family_of(client)
    ranges = source_ranges(service, family)
    if ranges is None:
        return True
    networks = [ip_network(text) for text in ranges]
    if any(ip_address(client) in network for network in networks):
        return True
    # A node that may come in may also be the one that sends, by way of the VIP it owns.
    node_ip = ip_address(node.ips().of(family))
    return client == vip and any(node_ip in network for network in networks)
