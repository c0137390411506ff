"""Service ports as plain values: what the objects say, and what was counted (docs/status.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import EndpointSnapshot, PortSnapshot
from userproxy.explain import ExplainEndpoint, ExplainRow
from userproxy.model.names import ServicePortName
from userproxy.model.routes import RouteKey

__all__ = ["key_form", "status_rows"]

IGNORED = "ignored"
STARTING = "starting"
GONE = "left its Service"
_UNSEEN = EndpointSnapshot(
    "", usable=False, open=0, connections=0, dial_failures=0, bytes_to_endpoint=0, bytes_to_client=0
)


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


def key_form(key: RouteKey) -> dict[str, Any]:
    """How every answer begins that is about a service port in one family."""
    return {
        "namespace": key.name.namespace,
        "service": key.name.name,
        "port_name": key.name.port_name,
        "protocol": key.name.protocol,
        "family": key.family,
    }


def _key(row: ExplainRow) -> RouteKey | None:
    if row.protocol is None or row.family is None:
        return None
    return RouteKey(ServicePortName(row.namespace, row.service, row.port_name, row.protocol), row.family)


def _row(row: ExplainRow, port: PortSnapshot | None) -> dict[str, Any]:
    counted = {endpoint.endpoint: endpoint for endpoint in port.endpoints} if port is not None else {}
    return {
        "namespace": row.namespace,
        "service": row.service,
        "port_name": row.port_name,
        "protocol": row.protocol,
        "family": row.family,
        "service_port": row.service_port,
        **(_listener(port) if port is not None else _no_listener(row)),
        **_counters(port),
        "endpoints": list(_endpoints(row.endpoints, counted)),
    }


def _without_objects(port: PortSnapshot) -> dict[str, Any]:
    """The Service is gone, or its port; what is open lives on."""
    return {
        **key_form(port.key),
        "service_port": port.service_port,
        **_listener(port),
        **_counters(port),
        "endpoints": list(_endpoints((), {one.endpoint: one for one in port.endpoints})),
    }


def _listener(port: PortSnapshot) -> dict[str, Any]:
    return {
        "listen_address": port.listen_host,
        "listen_port": port.listen_port,
        "state": port.state,
        "reason": port.reason,
    }


def _no_listener(row: ExplainRow) -> dict[str, Any]:
    return {
        "listen_address": row.listen_address,
        "listen_port": None,
        "state": IGNORED if row.ignored is not None else STARTING,
        "reason": row.ignored or "",
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
            **_traffic(counted.get(one.endpoint, _UNSEEN)),
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


def _traffic(seen: EndpointSnapshot) -> dict[str, Any]:
    return {
        "usable": seen.usable,
        "open": seen.open,
        "connections": seen.connections,
        "dial_failures": seen.dial_failures,
        "dials": seen.dials,
        "dial_ms": round(seen.dial_s * 1000, 3) if seen.dials else None,
        "bytes_to_endpoint": seen.bytes_to_endpoint,
        "bytes_to_client": seen.bytes_to_client,
    }
