"""Choosing an endpoint, and publishing a route: what the data plane does with one Service in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle, islice

from benchmarks.pure.case import Case
from benchmarks.pure.routes import BALANCERS, SIZES, endpoints, route, serve
from userproxy.balancing.picker import make_picker
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import MAX_AFFINE_CLIENTS, ServicePort
from userproxy.model.routes import Route
from userproxy.model.service import Balancer

__all__ = ["affinity", "picks", "rings", "swaps"]

CLIENTS = 1_024
AFFINITY_S = 10_800


async def picks(runtime: Runtime) -> list[Case]:
    """A service port chooses for a new connection."""
    cases = []
    for balancer in BALANCERS:
        for size in SIZES:
            port = await serve(runtime, route(balancer, endpoints(size)))
            _give_load(port)
            cases.append(Case("picks", balancer.value, size, _choosing(port, _clients(CLIENTS))))
    return cases


async def affinity(runtime: Runtime) -> list[Case]:
    """The same under ClientIP affinity: for clients that are known, and for more than are remembered."""
    cases = []
    for size in SIZES:
        for name, clients in (
            ("known client", _clients(CLIENTS)),
            ("new client, table full", _clients(2 * MAX_AFFINE_CLIENTS)),
        ):
            chosen = route(Balancer.ROUND_ROBIN, endpoints(size), affinity_s=AFFINITY_S)
            port = await serve(runtime, chosen)
            repeat = _choosing(port, clients)
            repeat(len(clients))
            cases.append(Case("affinity", name, size, repeat))
    return cases


async def swaps(runtime: Runtime) -> list[Case]:
    """A route with one endpoint replaced is published, and its picker is made before that."""
    cases = []
    for balancer in BALANCERS:
        for size in SIZES:
            one, other = (route(balancer, endpoints(size, first=first)) for first in (0, 1))
            port = await serve(runtime, one)
            cases.append(Case("swaps", balancer.value, size, _swapping(port, (other, one))))
    return cases


async def rings(runtime: Runtime) -> list[Case]:
    """The first picker of a Service that hashes: nothing of an earlier ring can be used."""
    cases = []
    for size in SIZES:
        chosen = route(Balancer.CONSISTENT_HASH, endpoints(size))
        port = await serve(runtime, chosen)
        cases.append(Case("rings", "built from nothing", size, _building(port, chosen)))
    return cases


def _clients(count: int) -> list[str]:
    return [f"10.{128 + (n >> 16)}.{n >> 8 & 255}.{n & 255}" for n in range(count)]


def _give_load(port: ServicePort) -> None:
    """Open connections as least-connections finds them: known and uneven."""
    for number, endpoint in enumerate(port.route.internal):
        port.counters_of(endpoint).connections = number % 7


def _choosing(port: ServicePort, clients: Sequence[str]) -> Callable[[int], None]:
    endless = cycle(clients)

    def repeat(count: int) -> None:
        choose = port.choose
        for client in islice(endless, count):
            choose(client, ())

    return repeat


def _swapping(port: ServicePort, turns: Sequence[Route]) -> Callable[[int], None]:
    endless = cycle(turns)

    def repeat(count: int) -> None:
        for new in islice(endless, count):
            picker = make_picker(
                new.options.balancer,
                new.internal,
                previous=port.picker,
                open_connections=port.open_connections,
                random=port.runtime.random,
            )
            port.publish(new, picker)

    return repeat


def _building(port: ServicePort, chosen: Route) -> Callable[[int], None]:
    def repeat(count: int) -> None:
        for _ in range(count):
            make_picker(
                chosen.options.balancer,
                chosen.internal,
                previous=None,
                open_connections=port.open_connections,
                random=port.runtime.random,
            )

    return repeat
