"""Service ports without sockets: routes of any size, and the pickers that the data plane makes for them."""

from __future__ import annotations

from userproxy.balancing.picker import Picker
from userproxy.dataplane.publication import Publisher
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import ServicePort
from userproxy.model.names import Family, Protocol, ServicePortName
from userproxy.model.routes import Endpoint, Route, RouteKey
from userproxy.model.service import Balancer, PortOptions

__all__ = ["BALANCERS", "SIZES", "endpoints", "route", "serve"]

SIZES = (1, 10, 100, 1_000)
"""Endpoints of one Service."""
BALANCERS = (Balancer.ROUND_ROBIN, Balancer.CONSISTENT_HASH, Balancer.LEAST_CONNECTIONS)


def endpoints(count: int, *, first: int = 0) -> tuple[Endpoint, ...]:
    """So many different ones, sorted as routing sorts them (rule E11)."""
    numbers = range(first, first + count)
    return tuple(sorted(Endpoint.of(f"10.0.{number >> 8}.{number & 255}", 8080) for number in numbers))


def route(balancer: Balancer, chosen: tuple[Endpoint, ...], *, affinity_s: int | None = None) -> Route:
    """A route to ``chosen``, as a Service of type ClusterIP gives."""
    return Route(
        name=ServicePortName("default", "web", "", Protocol.TCP),
        family=Family.IPV4,
        service_port=80,
        listen_host="127.1.0.1",
        listen_port=80,
        stated_ports=((Protocol.TCP, 80),),
        cluster=chosen,
        local=None,
        serving=chosen,
        usable_anywhere=bool(chosen),
        session_affinity_s=affinity_s,
        options=PortOptions(balancer=balancer),
    )


async def serve(runtime: Runtime, first: Route) -> ServicePort:
    """A service port with ``first`` in force, its picker made by the data plane's own publisher."""
    ports: dict[RouteKey, ServicePort] = {}

    def install(batch: list[tuple[Route, Picker]]) -> None:
        for ready, picker in batch:
            ports[ready.key] = ServicePort(runtime, ready, picker)

    publisher = Publisher(runtime, ports.get, install)
    picker = publisher.picker_now(first)
    if picker is not None:
        install([(first, picker)])
    await publisher.finished()
    return ports[first.key]
