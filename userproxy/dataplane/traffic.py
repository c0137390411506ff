"""What is open now, one by one, as frozen values: connections and UDP flows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from userproxy.dataplane.service_port import ServicePort
from userproxy.model.routes import RouteKey

__all__ = ["TrafficSnapshot", "traffic_of"]


class TrafficSnapshot(NamedTuple):
    """One connection or flow."""

    key: RouteKey
    client: str
    """``127.0.0.1:40000``; the address alone where the client is gone already."""
    endpoint: str
    """"": it has none yet."""
    pod: str
    """The Pod by which the endpoint is reached, through the API server; "": it is reached directly."""
    bytes_to_endpoint: int
    bytes_to_client: int
    age_s: float
    state: str
    """Of a connection: holding, dialling, transferring or half-closed. Of a flow: unreplied, replied, or
    moved, when its client has gone on to another endpoint."""


def traffic_of(service_port: ServicePort) -> Iterator[TrafficSnapshot]:
    """All that is open of one service port; what ends before it is its turn is left out."""
    now = service_port.runtime.loop.time()
    pods = service_port.pods
    for one in [one for intake in service_port.intakes() for one in intake.open_traffic()]:
        if one.is_over:
            continue
        endpoint = one.endpoint.name if one.endpoint is not None else ""
        pod = pods.get(endpoint)
        yield TrafficSnapshot(
            service_port.key,
            one.client_name,
            endpoint,
            pod.name if pod is not None else "",
            one.bytes_to_endpoint,
            one.bytes_to_client,
            now - one.started,
            one.state_name,
        )
