"""What a worker says of its service ports, and what it is told at the start, as JSON values. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import EndpointSnapshot, PortSnapshot
from userproxy.dataplane.traffic import TrafficSnapshot
from userproxy.settings import DialSettings, Limits, Settings, UdpSettings
from userproxy.workers.route_codec import Wire, key_from, key_to

__all__ = ["port_from", "port_to", "settings_from", "settings_to", "traffic_from", "traffic_to"]


def port_to(port: PortSnapshot) -> Wire:
    return [
        key_to(port.key),
        port.service_port,
        port.listen_host,
        port.listen_port,
        port.state,
        port.reason,
        [
            (e.endpoint, e.usable, e.open, e.connections, e.dial_failures, e.bytes_to_endpoint,
             e.bytes_to_client, e.dials, e.dial_s)
            for e in port.endpoints
        ],
        port.open,
        port.held,
        port.accepted,
        port.ends,
        port.dropped,
    ]  # fmt: skip


def port_from(wire: Wire) -> PortSnapshot:
    key, service_port, host, port, state, reason, endpoints, opened, held, accepted, ends, dropped = wire
    return PortSnapshot(
        key_from(key),
        service_port,
        host,
        port,
        ListenerState(state),
        reason,
        tuple(EndpointSnapshot(*row) for row in endpoints),
        opened,
        held,
        accepted,
        tuple((name, count) for name, count in ends),
        tuple((name, count) for name, count in dropped),
    )


def traffic_to(traffic: TrafficSnapshot) -> Wire:
    return [key_to(traffic.key), *traffic[1:]]


def traffic_from(wire: Wire) -> TrafficSnapshot:
    return TrafficSnapshot(key_from(wire[0]), *wire[1:])


def settings_to(settings: Settings) -> dict[str, object]:
    """Those that a data plane reads."""
    network = settings.loopback_range
    return {
        "loopback_range": str(network) if network is not None else None,
        "dial": settings.dial,
        "udp": settings.udp,
        "limits": settings.limits,
    }


def settings_from(wire: dict[str, Any]) -> Settings:
    network, dial = wire["loopback_range"], wire["dial"]
    return Settings(
        loopback_range=IPv4Network(network) if network is not None else None,
        dial=DialSettings(**{**dial, "timeouts_s": tuple(dial["timeouts_s"])}),
        udp=UdpSettings(**wire["udp"]),
        limits=Limits(**wire["limits"]),
    )
