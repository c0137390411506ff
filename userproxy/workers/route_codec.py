"""Routes and their keys as JSON values, for the way to a worker. Pure."""

from __future__ import annotations

from typing import Any

from userproxy.model.names import Family, Protocol, ServicePortName
from userproxy.model.routes import Endpoint, Route, RouteKey
from userproxy.model.service import Balancer, PortOptions, TrafficPolicy

__all__ = ["Wire", "key_from", "key_to", "route_from", "route_to"]

Wire = list[Any]
"""As JSON is read: texts, numbers, None and lists, told apart by their places."""


def key_to(key: RouteKey) -> Wire:
    name = key.name
    return [name.namespace, name.name, name.port_name, name.protocol, key.family]


def key_from(wire: Wire) -> RouteKey:
    namespace, name, port_name, protocol, family = wire
    return RouteKey(
        ServicePortName(str(namespace), str(name), str(port_name), Protocol(protocol)), Family(family)
    )


def route_to(route: Route) -> Wire:
    options = route.options
    return [
        key_to(route.key),
        route.service_port,
        route.listen_host,
        route.listen_port,
        route.stated_ports,
        _endpoints_to(route.cluster),
        _endpoints_to(route.local),
        # Nearly always the same, and half of all that is sent.
        None if route.serving == route.cluster else _endpoints_to(route.serving),
        route.usable_anywhere,
        route.internal_traffic_policy,
        route.external_traffic_policy,
        route.session_affinity_s,
        [options.balancer, options.hold_s, options.drain_limit_s, options.idle_timeout_s,
         options.max_connections],
        route.pods,
        route.unreachable,
    ]  # fmt: skip


def route_from(wire: Wire) -> Route:
    key = key_from(wire[0])
    cluster = _endpoints_from(wire[5])
    serving = cluster if wire[7] is None else _endpoints_from(wire[7])
    balancer, *options = wire[12]
    return Route(
        name=key.name,
        family=key.family,
        service_port=wire[1],
        listen_host=wire[2],
        listen_port=wire[3],
        stated_ports=tuple((Protocol(protocol), port) for protocol, port in wire[4]),
        cluster=cluster,
        local=_endpoints_from(wire[6]),
        serving=serving or (),
        usable_anywhere=wire[8],
        internal_traffic_policy=TrafficPolicy(wire[9]),
        external_traffic_policy=TrafficPolicy(wire[10]),
        session_affinity_s=wire[11],
        options=PortOptions(Balancer(balancer), *options),
        pods=tuple((endpoint, pod) for endpoint, pod in wire[13]),
        unreachable=wire[14],
    )


def _endpoints_to(endpoints: tuple[Endpoint, ...] | None) -> list[tuple[str, int]] | None:
    return None if endpoints is None else [(endpoint.ip, endpoint.port) for endpoint in endpoints]


def _endpoints_from(wire: list[tuple[str, int]] | None) -> tuple[Endpoint, ...] | None:
    return None if wire is None else tuple(Endpoint.of(ip, port) for ip, port in wire)
