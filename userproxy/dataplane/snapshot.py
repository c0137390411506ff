"""What the data plane looks like now, as frozen values: for the table, status and tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.service_port import ServicePort
from userproxy.model.routes import RouteKey
from userproxy.model.service import TrafficPolicy

__all__ = ["EndpointSnapshot", "PortSnapshot", "snapshot_of"]


class EndpointSnapshot(NamedTuple):
    """One endpoint of one service port. Bytes include those of open connections."""

    endpoint: str
    usable: bool
    """New connections may go there now."""
    open: int
    connections: int
    dial_failures: int
    bytes_to_endpoint: int
    bytes_to_client: int
    dials: int = 0
    """Dials that found a way to it."""
    dial_s: float = 0.0
    """How long they took, smoothed; through the API server, until there was a way to the pod."""


@dataclass(frozen=True, slots=True)
class PortSnapshot:
    """One service port in one family."""

    key: RouteKey
    service_port: int
    listen_host: str
    listen_port: int | None
    """None: no address could be bound yet."""
    state: ListenerState
    reason: str
    """Why it does not listen at the stated number, or not at all; "" when there is nothing to say."""
    endpoints: tuple[EndpointSnapshot, ...]
    """Those that are usable, then those that only have open connections."""
    open: int
    held: int
    accepted: int
    ends: tuple[tuple[str, int], ...]
    """Ended connections and flows by their two letters, sorted."""
    dropped: tuple[tuple[str, int], ...]
    """UDP datagrams that were not forwarded, by reason."""


def snapshot_of(service_port: ServicePort, *, draining: bool, reason: str) -> PortSnapshot:
    """Read one service port; ``reason`` says why it is not bound, if it is not."""
    intake = service_port.intake
    route = service_port.route
    if draining:
        state = ListenerState.DRAINING
    else:
        state = intake.state if intake is not None else ListenerState.TAKEN
    return PortSnapshot(
        key=service_port.key,
        service_port=route.service_port,
        listen_host=route.listen_host,
        listen_port=intake.port if intake is not None else None,
        state=state,
        reason="; ".join(_reasons(service_port, state, reason)),
        endpoints=_endpoints(service_port),
        open=service_port.open_count(),
        held=service_port.counters.held,
        accepted=service_port.counters.accepted,
        ends=tuple(sorted(service_port.counters.ends.items())),
        dropped=tuple(sorted(service_port.counters.dropped.items())),
    )


def _reasons(service_port: ServicePort, state: ListenerState, binding: str) -> Iterator[str]:
    """What is unusual: the number, a failed bind, and why there is nothing to send to (rule T8)."""
    if service_port.intake is not None and service_port.intake.reason:
        yield service_port.intake.reason
    if binding:
        yield binding
    if state in (ListenerState.REFUSING, ListenerState.HOLDING):
        route = service_port.route
        if route.unreachable:
            yield route.unreachable
            return
        elsewhere = route.usable_anywhere and route.internal_traffic_policy is TrafficPolicy.LOCAL
        yield "no usable endpoint on this node (policy Local)" if elsewhere else "no usable endpoint"


def _endpoints(service_port: ServicePort) -> tuple[EndpointSnapshot, ...]:
    live: dict[str, tuple[int, int]] = {}
    for intake in service_port.intakes():
        for traffic in intake.open_traffic():
            if traffic.endpoint is not None:
                to_endpoint, to_client = live.get(traffic.endpoint.name, (0, 0))
                live[traffic.endpoint.name] = (
                    to_endpoint + traffic.bytes_to_endpoint,
                    to_client + traffic.bytes_to_client,
                )
    usable = service_port.route.internal
    others = sorted(e for e, seen in service_port.endpoints.items() if seen.open and e not in usable)
    rows = []
    for endpoint in (*usable, *others):
        seen = service_port.endpoints.get(endpoint)
        to_endpoint, to_client = live.get(endpoint.name, (0, 0))
        rows.append(
            EndpointSnapshot(
                endpoint=endpoint.name,
                usable=endpoint in service_port.usable,
                open=seen.open if seen else 0,
                connections=seen.connections if seen else 0,
                dial_failures=seen.dial_failures if seen else 0,
                bytes_to_endpoint=to_endpoint + (seen.bytes_to_endpoint if seen else 0),
                bytes_to_client=to_client + (seen.bytes_to_client if seen else 0),
                dials=seen.dials if seen else 0,
                dial_s=seen.dial_s if seen else 0.0,
            )
        )
    return tuple(rows)
