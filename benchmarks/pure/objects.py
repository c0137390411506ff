"""Objects as an API server gives them: complete, with what a proxy does not read."""

from __future__ import annotations

import orjson

from userproxy.testing.objects import endpoint_slice, service

__all__ = ["ENDPOINTS", "service_bytes", "slice_bytes"]

ENDPOINTS = 10
"""Of each Service, where nothing else is said."""


def service_bytes(name: str, number: int = 0) -> bytes:
    """One Service with a port and labels; ``number`` makes its cluster address, which no two share."""
    cluster_ip = f"10.{96 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
    return orjson.dumps(
        service(
            name,
            {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080},
            labels={"app": name, "app.kubernetes.io/managed-by": "Helm"},
            type="ClusterIP",
            clusterIP=cluster_ip,
            clusterIPs=[cluster_ip],
            ipFamilies=["IPv4"],
            ipFamilyPolicy="SingleStack",
            internalTrafficPolicy="Cluster",
            sessionAffinity="None",
            selector={"app": name},
        )
    )


def slice_bytes(name: str, size: int = ENDPOINTS, *, first: int = 0) -> bytes:
    """One slice of ``size`` endpoints, numbered from ``first`` on."""
    numbers = range(first, first + size)
    return orjson.dumps(
        endpoint_slice(
            name,
            [f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}:8080" for n in numbers],
            port_name="http",
            labels={"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"},
            ready=True,
            serving=True,
            terminating=False,
            nodeName="worker-1",
            targetRef={"kind": "Pod", "name": f"{name}-5d4f8c7b9-abcde", "namespace": "default"},
        )
    )
