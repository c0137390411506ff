"""Headless Services: each endpoint with a host name is served like a Service of its own.

A headless Service has no address of its own; its clients ask for one of its pods by name, ``db-0.db``. So
each name gets an address, with the ports of the Service, that leads to this one pod. Two endpoints of one
name, as while a pod is replaced, are one Service with two endpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from userproxy.model.endpoints import EndpointSlice, SliceEndpoint
from userproxy.model.service import Service, ServiceType, TrafficPolicy

__all__ = ["EndpointService", "endpoint_services", "serves_endpoints"]


class EndpointService(NamedTuple):
    """What is served for one host name of a headless Service."""

    service: Service
    """Named ``db-0.db``, which no Service can be: theirs are DNS labels."""
    slices: tuple[EndpointSlice, ...]
    """Those of the Service, with the endpoints of this name alone."""


def serves_endpoints(service: Service) -> bool:
    """Whether the endpoints of ``service`` are served one by one: it is headless, and ours (rule S1)."""
    return (
        service.headless
        and service.type is not ServiceType.EXTERNAL_NAME
        and service.service_proxy_name is None
    )


def endpoint_services(service: Service, slices: Sequence[EndpointSlice]) -> list[EndpointService]:
    """One for each host name in ``slices``, in order; in the families in which it has an endpoint."""
    if not serves_endpoints(service):
        return []
    named: dict[str, list[EndpointSlice]] = {}
    for one in slices:
        if one.address_type not in service.families:
            continue
        endpoints: dict[str, list[SliceEndpoint]] = {}
        for endpoint in one.endpoints:
            if endpoint.hostname:
                endpoints.setdefault(endpoint.hostname, []).append(endpoint)
        for hostname, own in endpoints.items():
            part = replace(one, endpoints=tuple(own), invalid=())
            named.setdefault(hostname, []).append(part)
    return [_endpoint_service(service, hostname, tuple(named[hostname])) for hostname in sorted(named)]


def _endpoint_service(service: Service, hostname: str, slices: tuple[EndpointSlice, ...]) -> EndpointService:
    """Policies and affinity choose among the pods of a Service; here the client has chosen."""
    types = {one.address_type for one in slices}
    own = replace(
        service,
        name=f"{hostname}.{service.name}",
        headless=False,
        families=tuple(family for family in service.families if family in types),
        session_affinity_s=None,
        internal_traffic_policy=TrafficPolicy.CLUSTER,
        external_traffic_policy=TrafficPolicy.CLUSTER,
        external_ips=(),
        load_balancer_ips=(),
    )
    return EndpointService(own, slices)
