"""EndpointSlices of a Service that selects Pods, as the EndpointSlice controller makes them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from userproxy.model.fields import is_object
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.paths import at, objects_at
from userproxy.testing.api_server.storage.store import metadata_of

__all__ = ["selects", "slices_of"]

_SIZE = 100
"""Endpoints of one slice: the controller's default."""
_OVER = ("Succeeded", "Failed")

_Ports = tuple[tuple[str, str, int], ...]
"""Name, protocol and number of each port."""


def selects(service: RawObject, pod: RawObject) -> bool:
    """The Service has a selector, and it fits the labels of the Pod."""
    selector, labels = at(service, "spec", "selector"), metadata_of(pod).get("labels") or {}
    if not (is_object(selector) and selector and is_object(labels)):
        return False
    return all(labels.get(key) == value for key, value in selector.items())


def slices_of(service: RawObject, pods: Iterable[RawObject]) -> tuple[dict[str, object], ...]:
    """The slices, named ``web-pods-1`` and so on; none where no Pod is selected.

    A Pod that is over or has no address is left out; one whose containers do not have a port that is named
    lacks that port. Pods with unlike ports are in unlike slices.
    """
    groups: dict[_Ports, list[RawObject]] = {}
    for pod in pods:
        if selects(service, pod) and _address(pod) and at(pod, "status", "phase") not in _OVER:
            groups.setdefault(_ports(service, pod), []).append(pod)
    parts = [
        (ports, group[start : start + _SIZE])
        for ports, group in sorted(groups.items())
        for start in range(0, len(group), _SIZE)
    ]
    return tuple(_slice(service, number, *part) for number, part in enumerate(parts, start=1))


def _slice(service: RawObject, number: int, ports: _Ports, pods: Sequence[RawObject]) -> dict[str, object]:
    metadata = metadata_of(service)
    name = str(metadata.get("name"))
    headless = {"service.kubernetes.io/headless": ""} if at(service, "spec", "clusterIP") == "None" else {}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-pods-{number}",
            "namespace": metadata.get("namespace"),
            "labels": {
                "kubernetes.io/service-name": name,
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                **headless,
            },
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(service, pod) for pod in pods],
        "ports": [{"name": name, "protocol": protocol, "port": port} for name, protocol, port in ports],
    }


def _endpoint(service: RawObject, pod: RawObject) -> dict[str, object]:
    metadata = metadata_of(pod)
    ready, leaving = _is_ready(pod), bool(metadata.get("deletionTimestamp"))
    public = at(service, "spec", "publishNotReadyAddresses") is True
    endpoint: dict[str, object] = {
        "addresses": [_address(pod)],
        "conditions": {"ready": public or (ready and not leaving), "serving": ready, "terminating": leaving},
        "targetRef": {"kind": "Pod", **{key: metadata.get(key) for key in ("namespace", "name", "uid")}},
    }
    if at(pod, "spec", "nodeName"):
        endpoint["nodeName"] = at(pod, "spec", "nodeName")
    hostname, subdomain = at(pod, "spec", "hostname"), at(pod, "spec", "subdomain")
    if hostname and subdomain == metadata_of(service).get("name"):
        endpoint["hostname"] = hostname
    return endpoint


def _ports(service: RawObject, pod: RawObject) -> _Ports:
    """The ports of the Service, as this Pod has them."""
    found = []
    for port in objects_at(service, "spec", "ports"):
        protocol = str(port.get("protocol") or "TCP")
        target = port.get("targetPort") or port.get("port")
        number = target if isinstance(target, int) else _named_port(pod, str(target), protocol)
        if number:
            found.append((str(port.get("name") or ""), protocol, number))
    return tuple(found)


def _named_port(pod: RawObject, name: str, protocol: str) -> int:
    """0 when no container has a port of this name."""
    for container in objects_at(pod, "spec", "containers"):
        for port in objects_at(container, "ports"):
            number = port.get("containerPort")
            named = port.get("name") == name and (port.get("protocol") or "TCP") == protocol
            if named and isinstance(number, int):
                return number
    return 0


def _is_ready(pod: RawObject) -> bool:
    return any(
        each.get("type") == "Ready" and each.get("status") == "True"
        for each in objects_at(pod, "status", "conditions")
    )


def _address(pod: RawObject) -> object:
    return at(pod, "status", "podIP")
