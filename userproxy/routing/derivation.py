"""From one Service and its slices to its routes; the rules of what is not served (rules S1, S2, S7)."""

from __future__ import annotations

from collections.abc import Sequence

from userproxy.model.endpoints import EndpointSlice
from userproxy.model.names import Family, Protocol, ServicePortName
from userproxy.model.routes import Route
from userproxy.model.service import Service, ServicePortSpec, ServiceType, TrafficPolicy
from userproxy.routing.candidates import Candidates, candidates
from userproxy.routing.node import NodeFacts
from userproxy.routing.reach import Reach, reachable
from userproxy.routing.selection import Selection, select
from userproxy.routing.traffic import external_policy, wanted_sets

__all__ = ["port_selection", "route_of", "why_ignored", "why_port_ignored", "why_unreachable"]

_EMPTY = '""'


def why_ignored(service: Service, *, cluster_ip_required: bool) -> str | None:
    """Why ``service`` is none that a proxy serves (rule S1); None when it is."""
    if service.type is ServiceType.EXTERNAL_NAME:
        return "type ExternalName"
    if service.service_proxy_name is not None:
        return f"label service.kubernetes.io/service-proxy-name = {service.service_proxy_name or _EMPTY}"
    if service.headless:
        return "headless (clusterIP: None)"
    if cluster_ip_required and not service.cluster_ips:
        return "clusterIP is empty"
    return None


def why_port_ignored(port: ServicePortSpec) -> str | None:
    """Why ``port`` is not served while the Service's other ports are (rule S7)."""
    return "SCTP is not supported" if port.protocol is Protocol.SCTP else None


def port_selection(
    service: Service,
    port: ServicePortSpec,
    family: Family,
    slices: Sequence[EndpointSlice],
    node: NodeFacts,
    reach: Reach | None = None,
) -> tuple[Candidates, Selection]:
    """What ``slices`` say of ``port``, and which of it is usable: for routes and ``explain`` alike.

    ``reach`` None: every endpoint is dialled directly.
    """
    found = candidates(slices, port, family, node.name)
    wanted = wanted_sets(service, port, family)
    selection = select(found.unique, wanted, node_name=node.name, zone=node.zone)
    if reach is not None:
        selection = reachable(selection, found.unique, port.protocol, reach)
    return found, selection


def route_of(
    service: Service,
    port: ServicePortSpec,
    family: Family,
    selection: Selection,
    listen_host: str,
    listen_port: int,
) -> Route:
    """The route of ``port``. What cannot matter is not in it, so that equal serving is an equal route."""
    return Route(
        name=ServicePortName(service.namespace, service.name, port.name, port.protocol),
        family=family,
        service_port=port.port,
        listen_host=listen_host,
        listen_port=listen_port,
        stated_ports=tuple(sorted([(other.protocol, other.port) for other in service.ports])),
        cluster=selection.cluster,
        local=selection.local,
        serving=selection.serving,
        usable_anywhere=selection.usable_anywhere,
        internal_traffic_policy=service.internal_traffic_policy,
        external_traffic_policy=external_policy(service, port, family) or TrafficPolicy.CLUSTER,
        session_affinity_s=service.session_affinity_s,
        options=port.options,
        pods=selection.pods,
        unreachable=why_unreachable(service, selection),
    )


def why_unreachable(service: Service, selection: Selection) -> str:
    """Why nothing is left of the set that the cluster address uses (rule T6); "" when something is."""
    if not selection.unreachable:
        return ""
    local = service.internal_traffic_policy is TrafficPolicy.LOCAL
    if selection.local if local else selection.cluster:
        return ""
    return "; ".join(sorted(set(selection.unreachable.values())))
