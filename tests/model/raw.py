"""Raw objects as the API server sends them, with one thing changed; and words for what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from userproxy.model.decode import decode_endpoint_slice, decode_node, decode_service
from userproxy.model.endpoints import EndpointSlice
from userproxy.model.events import Rejected, Upsert
from userproxy.model.node import Node
from userproxy.model.problems import Problem
from userproxy.model.service import Service

__all__ = [
    "decoded_node",
    "decoded_service",
    "decoded_slice",
    "endpoint",
    "endpoint_slice",
    "node",
    "place",
    "places",
    "port",
    "refusal",
    "service",
]

Raw = dict[str, object]


def port(number: object = 80, name: object = "http", protocol: object = "TCP", **more: object) -> Raw:
    """One entry of a Service's or a slice's ports."""
    return {"name": name, "port": number, "protocol": protocol, **more}


def service(
    spec: Mapping[str, object] | None = None,
    *,
    metadata: Mapping[str, object] | None = None,
    status: object = None,
    **more: object,
) -> Raw:
    """Service default/web with one port; ``spec`` and ``more`` replace fields of its spec."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "default", "name": "web", **(metadata or {})},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.1", "ports": [port()], **(spec or {}), **more},
        "status": {"loadBalancer": {}} if status is None else status,
    }


def endpoint(address: object = "10.0.0.1", **more: object) -> Raw:
    """One ready endpoint."""
    conditions = {"ready": True, "serving": True, "terminating": False}
    return {"addresses": [address], "conditions": conditions, "nodeName": "node-1", **more}


def endpoint_slice(
    endpoints: object = (), *, metadata: Mapping[str, object] | None = None, **more: object
) -> Raw:
    """Slice default/web-abc of Service web, IPv4, port http 8080."""
    labels = {"kubernetes.io/service-name": "web"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"namespace": "default", "name": "web-abc", "labels": labels, **(metadata or {})},
        "addressType": "IPv4",
        "ports": [port(8080)],
        "endpoints": list(endpoints) if isinstance(endpoints, tuple) else endpoints,
        **more,
    }


def node(*, metadata: Mapping[str, object] | None = None, status: object = None, spec: object = None) -> Raw:
    """Node node-1."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "node-1", **(metadata or {})},
        "spec": {} if spec is None else spec,
        "status": {} if status is None else status,
    }


def decoded_service(raw: object) -> tuple[Service, tuple[Problem, ...]]:
    event = decode_service(raw)
    assert isinstance(event, Upsert), event
    assert isinstance(event.object, Service)
    return event.object, event.problems


def decoded_slice(raw: object) -> tuple[EndpointSlice, tuple[Problem, ...]]:
    event = decode_endpoint_slice(raw)
    assert isinstance(event, Upsert), event
    assert isinstance(event.object, EndpointSlice)
    return event.object, event.problems


def decoded_node(raw: object) -> tuple[Node, tuple[Problem, ...]]:
    event = decode_node(raw)
    assert isinstance(event, Upsert), event
    assert isinstance(event.object, Node)
    return event.object, event.problems


def refusal(event: Upsert | Rejected | None) -> tuple[Problem, ...]:
    """The problems of an object that was refused whole."""
    assert isinstance(event, Rejected), event
    assert event.problems
    assert all(problem.object == event.ref for problem in event.problems)
    return event.problems


def place(problem: Problem) -> tuple[str, str, str]:
    """Where a problem is, what was found there, and which rule it breaks."""
    return problem.field, problem.value, problem.rule


def places(problems: Sequence[Problem]) -> list[tuple[str, str, str]]:
    return [place(problem) for problem in problems]
