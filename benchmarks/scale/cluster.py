"""Objects as an API server lists them: compact JSON with all that a proxy never reads (uids, owners,
managedFields), in the order of fields that Go writes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

__all__ = [
    "ENDPOINTS",
    "PAGE_SIZE",
    "RESOURCES",
    "SERVICE_PORT",
    "VERSION",
    "endpoint_slice",
    "pages",
    "service",
]

SERVICE_PORT = 8080
"""Above 1024, so that anybody may listen there."""
ENDPOINTS = 10
"""Of each Service."""
PAGE_SIZE = 500
VERSION = "1000000"
"""resourceVersion of the lists."""
_CREATED = "2026-01-15T09:30:00Z"
_NAMESPACES, _NODES, _ZONES = 50, 300, ("zone-a", "zone-b", "zone-c")


@dataclass(frozen=True, slots=True)
class Listed:
    """One resource: where it is listed, and how its list calls itself."""

    path: str
    kind: str
    api_version: str


RESOURCES = {
    "services": Listed("/api/v1/services", "ServiceList", "v1"),
    "endpointslices": Listed(
        "/apis/discovery.k8s.io/v1/endpointslices", "EndpointSliceList", "discovery.k8s.io/v1"
    ),
}


def pages(resource: str, services: int, page_size: int = PAGE_SIZE) -> tuple[bytes, ...]:
    """The pages of one list, of ``page_size`` items."""
    make = {"services": service, "endpointslices": endpoint_slice}[resource]
    items = [make(number) for number in range(services)]
    return tuple(_bodies(RESOURCES[resource], items, page_size))


def service(number: int) -> dict[str, object]:
    """A Service with one port, and a cluster address of its own."""
    name = f"service-{number:05d}"
    address = f"10.{96 + number // 65536}.{number // 256 % 256}.{number % 256}"
    metadata = _metadata(
        name, number, labels={"app": name, "team": f"team-{number % _NAMESPACES:02d}"},
        managed={"f:spec": {"f:internalTrafficPolicy": {}, "f:ports": {}, "f:selector": {}, "f:type": {}}},
    )  # fmt: skip
    return {
        "metadata": metadata,
        "spec": {
            "ports": [{"name": "http", "protocol": "TCP", "port": SERVICE_PORT, "targetPort": "http"}],
            "selector": {"app": name},
            "clusterIP": address,
            "clusterIPs": [address],
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster",
        },
        "status": {"loadBalancer": {}},
    }


def endpoint_slice(number: int, *, first_port: int = 9000, version: str = "") -> dict[str, object]:
    """The only slice of `service` ``number``; ``first_port`` is the port of its endpoints."""
    name = f"service-{number:05d}"
    metadata = _metadata(
        f"{name}-{number * 7919 % 60466176:05x}",
        number,
        labels={
            "app": name,
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            "kubernetes.io/service-name": name,
        },
        managed={"f:addressType": {}, "f:endpoints": {}, "f:ports": {}},
        owner=name,
    )
    if version:
        metadata["resourceVersion"] = version
    return {
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": [_endpoint(number, index) for index in range(ENDPOINTS)],
        "ports": [{"name": "http", "protocol": "TCP", "port": first_port}],
    }


def _endpoint(number: int, index: int) -> dict[str, object]:
    pod = number * ENDPOINTS + index
    return {
        "addresses": [f"10.{128 + pod // 65536}.{pod // 256 % 256}.{pod % 256}"],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "targetRef": {
            "kind": "Pod",
            "namespace": f"team-{number % _NAMESPACES:02d}",
            "name": f"service-{number:05d}-6d4cf56db6-{pod:05x}",
            "uid": _uid(pod),
        },
        "nodeName": f"worker-{pod % _NODES:03d}.example.internal",
        "zone": _ZONES[pod % len(_ZONES)],
    }


def _metadata(
    name: str, number: int, *, labels: dict[str, str], managed: dict[str, object], owner: str = ""
) -> dict[str, object]:
    entry = {
        "manager": "kube-controller-manager" if owner else "kubectl-client-side-apply",
        "operation": "Update",
        "apiVersion": "discovery.k8s.io/v1" if owner else "v1",
        "time": _CREATED,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, **managed},
    }
    owned = {"apiVersion": "v1", "kind": "Service", "name": owner, "uid": _uid(number), "controller": True}
    return {
        "name": name,
        "namespace": f"team-{number % _NAMESPACES:02d}",
        "uid": _uid(number * 31 + len(name)),
        "resourceVersion": str(100_000 + number),
        "creationTimestamp": _CREATED,
        "labels": labels,
        **({"ownerReferences": [owned]} if owner else {}),
        "managedFields": [entry],
    }


def _uid(number: int) -> str:
    return str(uuid.UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128))


def _bodies(listed: Listed, items: Sequence[dict[str, object]], page_size: int) -> Iterator[bytes]:
    for start in range(0, len(items), page_size):
        end = start + page_size
        metadata: dict[str, object] = {"resourceVersion": VERSION}
        if end < len(items):
            metadata |= {"continue": str(end), "remainingItemCount": len(items) - end}
        yield orjson.dumps(
            {
                "kind": listed.kind,
                "apiVersion": listed.api_version,
                "metadata": metadata,
                "items": items[start:end],
            }
        )
