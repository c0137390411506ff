"""A Service gets its cluster addresses, families and node ports (rules D1, D4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from userproxy.manifest.allocation import ClusterIPAllocator, NodePortAllocator
from userproxy.manifest.families import settle_families
from userproxy.manifest.field_errors import FieldError
from userproxy.manifest.service_claims import Claims
from userproxy.model.fields import is_list, is_object
from userproxy.model.names import Family, NamespacedName

__all__ = ["Allocated", "ServiceAllocator"]

_HEALTH_CHECK = "health check"

Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class Allocated:
    """What came of it. With ``errors`` the Service is unchanged and nothing was allocated."""

    service: dict[str, object]
    errors: tuple[FieldError, ...] = ()


class ServiceAllocator:
    """Owns what Services hold: cluster addresses and node ports, until `release`."""

    def __init__(self, cluster_ips: ClusterIPAllocator, node_ports: NodePortAllocator) -> None:
        self._cluster_ips = cluster_ips
        self._node_ports = node_ports

    @property
    def default_family(self) -> Family:
        """What `complete` needs to know of the cluster."""
        return self._cluster_ips.families[0]

    def allocate(
        self,
        service: Mapping[str, object],
        previous: Mapping[str, object] | None = None,
        *,
        dry_run: bool = False,
    ) -> Allocated:
        """``service``, complete, with all that an API server allocates; what it no longer uses is free.

        What it states is claimed: an address or port that another Service holds is an error, and so is one
        outside of the range. ``previous`` is the stored version that this one updates (after
        `carry_over`). With ``dry_run`` nothing is held or freed. Never raises.
        """
        owner, spec = _owner(service), service.get("spec")
        if owner is None or not is_object(spec):
            return Allocated(dict(service))
        old = previous.get("spec") if previous is not None else None
        claims = Claims(self._cluster_ips, self._node_ports, owner)
        new, errors = settle_families(spec, old if is_object(old) else None, self._cluster_ips.families)
        if not errors:
            _allocate_cluster_ips(new, claims)
            _claim_stated_ports(new, claims)
            _allocate_ports(new, claims, shared=previous is None)
            errors = claims.errors
        if errors or dry_run:
            claims.undo()
        else:
            claims.keep()
        return Allocated(dict(service), tuple(errors)) if errors else Allocated({**service, "spec": new})

    def release(self, name: NamespacedName) -> None:
        """The Service is gone: all that it held is free, and kept for its name while other things are."""
        for address in self._cluster_ips.held(name):
            self._cluster_ips.release(name, address)
        for port in self._node_ports.held(name):
            self._node_ports.release(name, port)


def _allocate_cluster_ips(spec: Fields, claims: Claims) -> None:
    families, stated = spec.get("ipFamilies"), spec.get("clusterIPs")
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not is_list(families):
        return
    addresses = list(stated) if is_list(stated) else []
    for address in addresses:
        claims.claim_address(str(address))
    addresses += [claims.new_address(Family(str(family))) for family in families[len(addresses) :]]
    spec["clusterIPs"] = addresses
    spec["clusterIP"] = addresses[0]


def _claim_stated_ports(spec: Fields, claims: Claims) -> None:
    """Before any other is allocated, so that none gets a number that the Service states further down."""
    if _uses_node_ports(spec):
        for index, port in enumerate(_ports(spec)):
            if is_object(port) and _number(port, "nodePort"):
                claims.claim_port(f"spec.ports[{index}].nodePort", _slot(port), _number(port, "nodePort"))
    if _uses_health_check(spec) and _number(spec, "healthCheckNodePort"):
        claims.claim_port(
            "spec.healthCheckNodePort", _HEALTH_CHECK, _number(spec, "healthCheckNodePort"), alone=True
        )


def _allocate_ports(spec: Fields, claims: Claims, *, shared: bool) -> None:
    """``shared``: TCP and UDP of one port number get the same node port, as they do on creation."""
    if _uses_node_ports(spec) and spec.get("allocateLoadBalancerNodePorts") is not False:
        by_number: dict[int, int] = {}
        for port in _ports(spec):
            if shared and is_object(port) and _number(port, "nodePort"):
                by_number.setdefault(_number(port, "port"), _number(port, "nodePort"))
        allocated: list[object] = []
        for index, port in enumerate(_ports(spec)):
            number = _number(port, "port") if is_object(port) else 0
            if is_object(port) and number and not port.get("nodePort"):
                node_port = by_number.get(number) or claims.new_port(
                    f"spec.ports[{index}].nodePort", _slot(port)
                )
                if shared:
                    by_number.setdefault(number, node_port)
                allocated.append({**port, "nodePort": node_port})
            else:
                allocated.append(port)
        spec["ports"] = allocated
    if _uses_health_check(spec) and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = claims.new_port("spec.healthCheckNodePort", _HEALTH_CHECK)


def _uses_node_ports(spec: Fields) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer") and is_list(spec.get("ports"))


def _uses_health_check(spec: Fields) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _ports(spec: Fields) -> Sequence[object]:
    ports = spec.get("ports")
    return ports if is_list(ports) else ()


def _number(fields: Mapping[str, object], name: str) -> int:
    """The integer at ``name``, 0 when there is none."""
    number = fields.get(name)
    return number if type(number) is int else 0


def _slot(port: Mapping[str, object]) -> str:
    protocol = port.get("protocol")
    return f"{_number(port, 'port')}/{protocol if isinstance(protocol, str) else 'TCP'}"


def _owner(service: Mapping[str, object]) -> NamespacedName | None:
    metadata = service.get("metadata")
    if not is_object(metadata):
        return None
    namespace, name = metadata.get("namespace"), metadata.get("name")
    if not (isinstance(namespace, str) and isinstance(name, str) and name):
        return None
    return NamespacedName(namespace, name)
