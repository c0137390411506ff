"""Service ports as plain values: what the objects say, and what was counted (docs/status.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import EndpointSnapshot, PortSnapshot
from userproxy.explain import ExplainEndpoint, ExplainRow
from userproxy.model.names import ServicePortName
from userproxy.model.routes import RouteKey

__all__ = ["status_rows"]

IGNORED = "ignored"
STARTING = "starting"
GONE = "left its Service"


def status_rows(rows: Iterable[ExplainRow], ports: Iterable[PortSnapshot]) -> Iterator[dict[str, Any]]:
    """A value for each service port and family of one Service, served or not, then for those that drain."""
    live: dict[RouteKey, PortSnapshot] = {}
    draining = []
    for port in ports:
        if port.state is ListenerState.DRAINING:
            draining.append(port)
        else:
            live[port.key] = port
    for row in rows:
        key = _key(row)
        yield _row(row, live.pop(key, None) if key is not None else None)
    for port in (*live.values(), *draining):
        yield _without_objects(port)


def _key(row: ExplainRow) -> RouteKey | None:
    if row.protocol is None or row.family is None:
        return None
    return RouteKey(ServicePortName(row.namespace, row.service, row.port_name, row.protocol), row.family)


def _row(row: ExplainRow, port: PortSnapshot | None) -> dict[str, Any]:
    state = IGNORED if row.ignored is not None else STARTING
    reason = row.ignored or ""
    counted = {endpoint.endpoint: endpoint for endpoint in port.endpoints} if port is not None else {}
    return {
        "namespace": row.namespace,
        "service": row.service,
        "port_name": row.port_name,
        "protocol": row.protocol,
        "family": row.family,
        "service_port": row.service_port,
        "listen_address": port.listen_host if port is not None else row.listen_address,
        "listen_port": port.listen_port if port is not None else None,
        "state": port.state if port is not None else state,
        "reason": port.reason if port is not None else reason,
        **_counters(port),
        "endpoints": list(_endpoints(row.endpoints, counted)),
    }


def _without_objects(port: PortSnapshot) -> dict[str, Any]:
    """The Service is gone, or its port; what is open lives on."""
    name = port.key.name
    return {
        "namespace": name.namespace,
        "service": name.name,
        "port_name": name.port_name,
        "protocol": name.protocol,
        "family": port.key.family,
        "service_port": port.service_port,
        "listen_address": port.listen_host,
        "listen_port": port.listen_port,
        "state": port.state,
        "reason": port.reason,
        **_counters(port),
        "endpoints": list(_endpoints((), {one.endpoint: one for one in port.endpoints})),
    }


def _counters(port: PortSnapshot | None) -> dict[str, Any]:
    endpoints: Sequence[EndpointSnapshot] = port.endpoints if port is not None else ()
    return {
        "open": port.open if port is not None else 0,
        "held": port.held if port is not None else 0,
        "accepted": port.accepted if port is not None else 0,
        "bytes_to_endpoint": sum(one.bytes_to_endpoint for one in endpoints),
        "bytes_to_client": sum(one.bytes_to_client for one in endpoints),
        "ends": dict(port.ends) if port is not None else {},
        "dropped": dict(port.dropped) if port is not None else {},
    }


def _endpoints(
    said: Iterable[ExplainEndpoint], counted: Mapping[str, EndpointSnapshot]
) -> Iterator[dict[str, Any]]:
    """Those that slices name, then those that only have open connections."""
    told = set()
    for one in said:
        told.add(one.endpoint)
        yield {
            "endpoint": one.endpoint,
            "state": _state(one),
            "reason": one.reason or "",
            "reached": one.reached,
            "local": one.local,
            **_traffic(counted.get(one.endpoint)),
        }
    for name, seen in counted.items():
        if name not in told:
            yield {
                "endpoint": name,
                "state": "gone",
                "reason": GONE,
                "reached": None,
                "local": False,
                **_traffic(seen),
            }


def _state(one: ExplainEndpoint) -> str:
    """Its conditions in one word."""
    if one.terminating:
        return "terminating"
    return "ready" if one.ready else "not ready"


def _traffic(seen: EndpointSnapshot | None) -> dict[str, Any]:
    return {
        "usable": seen.usable if seen is not None else False,
        "open": seen.open if seen is not None else 0,
        "connections": seen.connections if seen is not None else 0,
        "dial_failures": seen.dial_failures if seen is not None else 0,
        "dials": seen.dials if seen is not None else 0,
        "dial_ms": round(seen.dial_s * 1000, 3) if seen is not None and seen.dials else None,
        "bytes_to_endpoint": seen.bytes_to_endpoint if seen is not None else 0,
        "bytes_to_client": seen.bytes_to_client if seen is not None else 0,
    }
