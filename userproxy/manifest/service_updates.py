"""What an update of a Service keeps of the stored one, and what goes when its type changes.

An update may leave out what was allocated (a PUT of the file that created it does), and it may bring along
what the new type has no use for (every patch does). In both cases the API server does what was meant, and
leaves the rest to validation. Reworded from the behaviour of kube-apiserver 1.32.
"""

from __future__ import annotations

from collections.abc import Mapping

from userproxy.model.fields import is_list, is_object

__all__ = ["carry_over"]

Fields = dict[str, object]


def carry_over(service: Mapping[str, object], previous: Mapping[str, object]) -> dict[str, object]:
    """``service``, not completed yet, as an update of the stored ``previous``. Never raises.

    Complete it afterwards: completing first would hide what was left out.
    """
    spec, old = service.get("spec"), previous.get("spec")
    if not is_object(old) or not (spec is None or is_object(spec)):
        return dict(service)
    new = dict(spec or {})
    if _type(old) != "ExternalName" and _type(new) != "ExternalName":
        _keep_cluster_ips(new, old)
        _keep(new, old, "ipFamilyPolicy")
    if _uses_node_ports(old) and _uses_node_ports(new):
        _keep_node_ports(new, old)
    if _uses_health_check(old) and _uses_health_check(new):
        _keep(new, old, "healthCheckNodePort")
    _drop_unused(new, old)
    carried = {**service, "spec": new}
    status = service.get("status")
    if _type(new) != "LoadBalancer" and is_object(status) and status.get("loadBalancer"):
        carried["status"] = {**status, "loadBalancer": {}}
    return carried


def _keep_cluster_ips(new: Fields, old: Mapping[str, object]) -> None:
    """Absent ones are the old ones; of two that disagree the one that changed is meant."""
    _keep(new, old, "clusterIP")
    _keep(new, old, "clusterIPs")
    if new.get("clusterIP") != old.get("clusterIP") and new.get("clusterIPs") == old.get("clusterIPs"):
        new["clusterIPs"] = [new["clusterIP"]]


def _keep_node_ports(new: Fields, old: Mapping[str, object]) -> None:
    """A port of the same name keeps its node port, unless another one states it now."""
    ports, old_ports = new.get("ports"), old.get("ports")
    if not is_list(ports) or not is_list(old_ports):
        return
    stated = {_node_port(port) for port in ports} - {None}
    by_name = {_name(port): _node_port(port) for port in old_ports}
    kept: list[object] = []
    for port in ports:
        number = by_name.get(_name(port))
        if is_object(port) and not port.get("nodePort") and number is not None and number not in stated:
            kept.append({**port, "nodePort": number})
            stated.add(number)
        else:
            kept.append(port)
    new["ports"] = kept


def _drop_unused(new: Fields, old: Mapping[str, object]) -> None:
    """What the old type used, the new one does not, and the update did not change."""
    if _type(old) != "ExternalName" and _type(new) == "ExternalName":
        if new.get("clusterIP") == old.get("clusterIP") and new.get("clusterIPs") == old.get("clusterIPs"):
            new.pop("clusterIP", None)
            new.pop("clusterIPs", None)
        _drop_same(new, old, "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")
    if _uses_node_ports(old) and not _uses_node_ports(new):
        _drop_node_ports(new, old)
    if _uses_health_check(old) and not _uses_health_check(new):
        _drop_same(new, old, "healthCheckNodePort")
    if _type(old) == "LoadBalancer" and _type(new) != "LoadBalancer":
        _drop_same(new, old, "allocateLoadBalancerNodePorts", "loadBalancerClass")
    if _is_external(old) and not _is_external(new):
        _drop_same(new, old, "externalTrafficPolicy")


def _drop_node_ports(new: Fields, old: Mapping[str, object]) -> None:
    ports, old_ports = new.get("ports"), old.get("ports")
    if not is_list(ports) or not is_list(old_ports):
        return
    # A node port that is new with this update is an error of its own.
    if {_node_port(port) for port in ports} <= {None, *map(_node_port, old_ports)}:
        new["ports"] = [
            {key: value for key, value in port.items() if key != "nodePort"} if is_object(port) else port
            for port in ports
        ]


def _keep(new: Fields, old: Mapping[str, object], field: str) -> None:
    if not new.get(field) and old.get(field):
        new[field] = old[field]


def _drop_same(new: Fields, old: Mapping[str, object], *fields: str) -> None:
    for field in fields:
        if field in new and new[field] == old.get(field):
            del new[field]


def _type(spec: Mapping[str, object]) -> object:
    return spec.get("type") or "ClusterIP"


def _uses_node_ports(spec: Mapping[str, object]) -> bool:
    return _type(spec) in ("NodePort", "LoadBalancer")


def _uses_health_check(spec: Mapping[str, object]) -> bool:
    return _type(spec) == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _is_external(spec: Mapping[str, object]) -> bool:
    return _uses_node_ports(spec) or (_type(spec) == "ClusterIP" and bool(spec.get("externalIPs")))


def _name(port: object) -> str:
    name = port.get("name") if is_object(port) else None
    return name if isinstance(name, str) else ""


def _node_port(port: object) -> int | None:
    number = port.get("nodePort") if is_object(port) else None
    return number if type(number) is int and number else None
