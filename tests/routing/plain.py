"""Section T read once more, as plainly as it can be written: slow, no sharing, no types of its own.

Independent of ``userproxy.routing``: it takes the model's values and answers with sets of "ip:port".
"""

from __future__ import annotations

from dataclasses import dataclass

from userproxy.model.endpoints import EndpointSlice, SliceEndpoint
from userproxy.model.names import Family
from userproxy.model.service import Service, ServicePortSpec


@dataclass
class PlainSets:
    cluster: set[str] | None
    local: set[str] | None
    serving: set[str]
    usable_anywhere: bool


def plain_endpoints(
    slices: list[EndpointSlice], port: ServicePortSpec, family: Family
) -> dict[str, SliceEndpoint]:
    """Rules E2, E4, E7: what each "ip:port" is."""
    everything: list[tuple[str, str, SliceEndpoint]] = []
    for one in slices:
        for number in one.ports:
            for entry in one.endpoints:
                if one.address_type == family and (number.name, number.protocol) == (
                    port.name,
                    port.protocol,
                ):
                    host = f"[{entry.address}]" if family == "IPv6" else entry.address
                    everything.append((f"{host}:{number.port}", one.name, entry))
    result: dict[str, SliceEndpoint] = {}
    for where in {each[0] for each in everything}:
        same = [each for each in everything if each[0] == where]
        alive = [each for each in same if not each[2].terminating]
        contenders = alive if alive else same
        first = min(each[1] for each in contenders)
        of_first = [each[2] for each in contenders if each[1] == first]
        assert len(of_first) == 1, "the clusters of these tests name an address once a slice"
        result[where] = of_first[0]
    return result


def plain_sets(
    service: Service, port: ServicePortSpec, family: Family, slices: list[EndpointSlice], node: str, zone: str
) -> PlainSets:
    """Rules T1, T2, T3, T8."""
    found = plain_endpoints(slices, port, family)
    ready = {where for where, entry in found.items() if entry.ready}
    fallback = {where for where, entry in found.items() if entry.serving and entry.terminating}
    here = {where for where, entry in found.items() if entry.node_name == node}

    colon = family == "IPv6"
    external_addresses = [
        ip for ip in service.external_ips + service.load_balancer_ips if (":" in ip) == colon
    ]
    reachable = False
    if port.node_port or external_addresses or service.type == "NodePort":
        reachable = True
    if service.type == "LoadBalancer" and service.allocate_node_ports:
        reachable = True

    allowed = ready
    by_node = {where for where in ready if node in found[where].node_hints}
    by_zone = {where for where in ready if zone in found[where].zone_hints and zone != ""}
    if by_zone and not [where for where in ready if len(found[where].zone_hints) == 0]:
        allowed = by_zone
    if by_node and not [where for where in ready if len(found[where].node_hints) == 0]:
        allowed = by_node

    cluster = local = None
    if service.internal_traffic_policy == "Cluster" or reachable:
        cluster = allowed if allowed else fallback
    if service.internal_traffic_policy == "Local" or (
        service.external_traffic_policy == "Local" and reachable
    ):
        local = ready & here if ready & here else fallback & here
    serving = {where for where, entry in found.items() if entry.serving}
    return PlainSets(cluster, local, serving, len(ready) + len(fallback) > 0)


def plain_reason(
    where: str, found: dict[str, SliceEndpoint], sets: PlainSets, node: str, zone: str
) -> str | None:
    """Rule T5: the reasons that may be given, most telling first."""
    entry = found[where]
    if where in (sets.cluster or set()) | (sets.local or set()):
        return None
    if not entry.ready and not entry.terminating:
        return "not ready"
    if not entry.ready and not entry.serving:
        return "terminating and not serving"
    if sets.cluster is None and entry.node_name != node:
        return "not on this node (policy Local)"
    if not entry.ready:
        return "terminating while others are ready"
    by_node = all(one.node_hints for one in found.values() if one.ready) and any(
        node in one.node_hints for one in found.values() if one.ready
    )
    if by_node:
        return f"hinted for node(s) {', '.join(entry.node_hints)}"
    return f"hinted for zone(s) {', '.join(entry.zone_hints)}, this node is in {zone}"
