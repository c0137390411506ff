"""Defaults: an object as a user writes it becomes the object that an API server stores (rules D1-D3).

A value of the wrong type is left as it is: the decoder reports it. Null counts as absent, and so do ""
and 0 wherever the API cannot tell them from absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from userproxy.manifest.kinds import ENDPOINT_SLICE, ENDPOINTS, NAMESPACE, SERVICE, Kind, kind_of
from userproxy.model.addresses import parse_ip
from userproxy.model.fields import is_list
from userproxy.model.names import Family

__all__ = ["complete"]

_AFFINITY_TIMEOUT_S = 10800
_OTHER_FAMILY: Mapping[str, str] = {"IPv4": "IPv6", "IPv6": "IPv4"}

Fields = dict[str, object]


def complete(raw: Mapping[str, object], *, default_family: Family = Family.IPV4) -> Fields:
    """A copy of ``raw`` with the defaults of its kind. Never raises; a second time changes nothing.

    Objects of kinds or versions that are not read come back unchanged. ``default_family`` is that of
    the cluster, for headless Services. A Service without any cluster address gets none, and so neither
    ``ipFamilies`` nor ``ipFamilyPolicy``: those are allocated (rule D4).
    """
    completed = dict(raw)
    kind = kind_of(raw.get("apiVersion"), raw.get("kind"))
    if kind is None:
        return completed
    if kind.namespaced:
        _within(completed, "metadata", lambda metadata: _fill(metadata, "namespace", "default"))
    if kind == SERVICE:
        _within(completed, "spec", lambda spec: _complete_service(spec, default_family))
        _complete_ingress(completed)
    elif kind in _COMPLETE:
        _COMPLETE[kind](completed)
    return completed


def _complete_service(spec: Fields, default_family: Family) -> None:
    _fill(spec, "type", "ClusterIP")
    _complete_affinity(spec)
    _each(spec, "ports", _complete_service_port)
    external = spec["type"] in ("NodePort", "LoadBalancer") or (
        spec["type"] == "ClusterIP" and bool(spec.get("externalIPs"))
    )
    if external:
        _fill(spec, "externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is None:
        spec["allocateLoadBalancerNodePorts"] = True
    if spec["type"] in ("ClusterIP", "NodePort", "LoadBalancer"):
        # A pointer in the API: "" is not absent but a bad value.
        if spec.get("internalTrafficPolicy") is None:
            spec["internalTrafficPolicy"] = "Cluster"
        _complete_cluster_ips(spec)
        _complete_families(spec, default_family)


def _complete_affinity(spec: Fields) -> None:
    _fill(spec, "sessionAffinity", "None")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        _within(
            spec,
            "sessionAffinityConfig",
            lambda config: _within(config, "clientIP", _complete_client_ip),
        )


def _complete_client_ip(client: Fields) -> None:
    if client.get("timeoutSeconds") is None:
        client["timeoutSeconds"] = _AFFINITY_TIMEOUT_S


def _complete_service_port(port: Fields) -> None:
    _fill(port, "protocol", "TCP")
    target = port.get("targetPort")
    if (_unset(target) or (type(target) is int and target == 0)) and type(port.get("port")) is int:
        port["targetPort"] = port["port"]


def _complete_ingress(service: Fields) -> None:
    """``ipMode`` of the load balancer's addresses; a status that is absent stays so."""
    spec, status = service.get("spec"), service.get("status")
    if not isinstance(spec, Mapping) or spec.get("type") != "LoadBalancer" or not isinstance(status, Mapping):
        return
    if isinstance(status.get("loadBalancer"), Mapping):
        _within(
            service,
            "status",
            lambda status: _within(
                status, "loadBalancer", lambda lb: _each(lb, "ingress", _complete_ip_mode)
            ),
        )


def _complete_ip_mode(ingress: Fields) -> None:
    if not _unset(ingress.get("ip")) and ingress.get("ipMode") is None:
        ingress["ipMode"] = "VIP"


def _complete_cluster_ips(spec: Fields) -> None:
    """``clusterIP`` and ``clusterIPs[0]`` complete each other."""
    one, many = spec.get("clusterIP"), spec.get("clusterIPs")
    if isinstance(one, str) and one and (many is None or (is_list(many) and not many)):
        spec["clusterIPs"] = [one]
    elif _unset(one) and is_list(many) and many and isinstance(many[0], str) and many[0]:
        spec["clusterIP"] = many[0]


def _complete_families(spec: Fields, default_family: Family) -> None:
    """``ipFamilies`` and ``ipFamilyPolicy`` follow from the families of ``clusterIPs``."""
    addresses, stated = spec.get("clusterIPs"), spec.get("ipFamilies")
    families = [] if stated is None else stated
    if not is_list(addresses) or not addresses or not is_list(families):
        return
    if addresses[0] == "None":
        _complete_headless_families(spec, list(families), default_family)
        return
    inferred = [_family(address) for address in addresses[len(families) :]]
    if None not in inferred:
        spec["ipFamilies"] = both = [*families, *inferred]
        _fill(spec, "ipFamilyPolicy", "SingleStack" if len(both) == 1 else "RequireDualStack")


def _complete_headless_families(spec: Fields, families: list[object], default_family: Family) -> None:
    """A headless Service without a selector is dual-stack, whatever the cluster is, unless it says no."""
    families = families or [str(default_family)]
    single = bool(spec.get("selector")) and len(families) == 1
    _fill(spec, "ipFamilyPolicy", "SingleStack" if single else "RequireDualStack")
    other = _OTHER_FAMILY.get(families[0]) if isinstance(families[0], str) else None
    wants_both = not spec.get("selector") and spec["ipFamilyPolicy"] != "SingleStack"
    spec["ipFamilies"] = [*families, other] if wants_both and len(families) == 1 and other else families


def _family(address: object) -> str | None:
    try:
        return str(parse_ip(address)[0]) if isinstance(address, str) else None
    except ValueError:
        return None


def _complete_slice(endpoint_slice: Fields) -> None:
    _each(endpoint_slice, "ports", _complete_slice_port)


def _complete_slice_port(port: Fields) -> None:
    # Pointers in the API: only null is absent.
    for field, default in (("name", ""), ("protocol", "TCP")):
        if port.get(field) is None:
            port[field] = default


def _complete_endpoints(endpoints: Fields) -> None:
    _each(
        endpoints,
        "subsets",
        lambda subset: _each(subset, "ports", lambda port: _fill(port, "protocol", "TCP")),
    )


def _complete_namespace(namespace: Fields) -> None:
    metadata = namespace.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if isinstance(name, str) and name:
        _within(
            namespace,
            "metadata",
            lambda metadata: _within(
                metadata, "labels", lambda labels: labels.update({"kubernetes.io/metadata.name": name})
            ),
        )
    _within(namespace, "status", lambda status: _fill(status, "phase", "Active"))


_COMPLETE: Mapping[Kind, Callable[[Fields], None]] = {
    ENDPOINT_SLICE: _complete_slice,
    ENDPOINTS: _complete_endpoints,
    NAMESPACE: _complete_namespace,
}


def _unset(value: object) -> bool:
    return value is None or value == ""


def _fill(fields: Fields, name: str, default: object) -> None:
    if _unset(fields.get(name)):
        fields[name] = default


def _within(parent: Fields, name: str, change: Callable[[Fields], None]) -> None:
    """Replace the object at ``name`` by a changed copy; absent is an empty one, no object stays."""
    value = parent.get(name)
    if value is None or isinstance(value, Mapping):
        changed = dict(value or {})
        change(changed)
        parent[name] = changed


def _each(parent: Fields, name: str, change: Callable[[Fields], None]) -> None:
    """Replace the list at ``name`` by one of changed copies; what is no object in it stays."""
    items = parent.get(name)
    if is_list(items):
        changed: list[object] = []
        for item in items:
            if isinstance(item, Mapping):
                copied = dict(item)
                change(copied)
                changed.append(copied)
            else:
                changed.append(item)
        parent[name] = changed
