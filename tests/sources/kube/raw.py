"""Raw objects as an API server writes them, as short as tests want them."""

from __future__ import annotations

import orjson

__all__ = ["event_line", "list_body", "node", "service", "slice_", "status"]

RawObject = dict[str, object]


def service(
    name: str, version: str = "1", *, namespace: str = "default", port: int = 80, kind: bool = True
) -> RawObject:
    """A ClusterIP Service of one port."""
    raw: RawObject = {
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": version},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "10.96.0.10",
            "clusterIPs": ["10.96.0.10"],
            "ports": [{"name": "", "protocol": "TCP", "port": port, "targetPort": port}],
        },
    }
    return {"kind": "Service", "apiVersion": "v1", **raw} if kind else raw


def slice_(
    name: str, version: str = "1", *, namespace: str = "default", address: str = "10.0.0.1"
) -> RawObject:
    """An EndpointSlice of one endpoint."""
    return {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "resourceVersion": version,
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "", "protocol": "TCP", "port": 80}],
        "endpoints": [{"addresses": [address], "conditions": {}}],
    }


def node(name: str, version: str = "1", *, zone: str = "a") -> RawObject:
    """A Node in a zone."""
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "resourceVersion": version,
            "labels": {"topology.kubernetes.io/zone": zone},
        },
    }


def list_body(
    *items: object, kind: str = "ServiceList", version: str = "1", token: str = "", api_version: str = "v1"
) -> bytes:
    """A page of a list."""
    metadata = {"resourceVersion": version, **({"continue": token} if token else {})}
    return orjson.dumps({"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": list(items)})


def status(
    code: int, reason: str = "", message: str = "", *, cause: str = "", retry_after_s: int = 0
) -> RawObject:
    """A ``Status`` of a failure."""
    details: RawObject = {}
    if cause:
        details["causes"] = [{"reason": cause, "message": "as the cause says"}]
    if retry_after_s:
        details["retryAfterSeconds"] = retry_after_s
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": details,
    }


def event_line(type_: str, raw: object) -> bytes:
    """A line of a watch."""
    return orjson.dumps({"type": type_, "object": raw}) + b"\n"


def bookmark(version: str, kind: str = "Service") -> bytes:
    """A bookmark's line: it has no name."""
    api_version = "discovery.k8s.io/v1" if kind == "EndpointSlice" else "v1"
    raw = {"kind": kind, "apiVersion": api_version, "metadata": {"resourceVersion": version}}
    return event_line("BOOKMARK", raw)
