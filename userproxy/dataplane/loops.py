"""Endpoints that are addresses of our own (rule L8): a connection there would come back for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from userproxy.model.names import Protocol
from userproxy.model.routes import Endpoint, Route, RouteKey

__all__ = ["OwnAddresses"]


class OwnAddresses:
    """Which addresses the proxy is bound to, and which service ports name one that it may be bound to."""

    __slots__ = ("_bound", "_naming", "_range")

    def __init__(self, loopback_range: IPv4Network | None = None) -> None:
        self._range = loopback_range if loopback_range and not loopback_range.is_loopback else None
        """A range of rule L1 outside of 127.0.0.0/8."""
        self._bound: dict[tuple[Protocol, str], int] = {}
        self._naming: dict[tuple[Protocol, str], set[RouteKey]] = {}

    def bound(self, protocol: Protocol, host: str, port: int) -> set[RouteKey]:
        """An address is ours now; returns the service ports whose routes must be looked at again."""
        own = (protocol, Endpoint.of(host, port).name)
        self._bound[own] = self._bound.get(own, 0) + 1
        return self._naming.get(own, set())

    def unbound(self, protocol: Protocol, host: str, port: int) -> set[RouteKey]:
        """An address is ours no more; returns the service ports whose routes must be looked at again."""
        own = (protocol, Endpoint.of(host, port).name)
        self._bound[own] -= 1
        if not self._bound[own]:
            del self._bound[own]
        return self._naming.get(own, set())

    def route_changed(self, old: Route | None, new: Route | None) -> None:
        """Remember which service ports name which local addresses."""
        if old is not None:
            for own in self._local_names(old):
                keys = self._naming[own]
                keys.discard(old.key)
                if not keys:
                    del self._naming[own]
        if new is not None:
            for own in self._local_names(new):
                self._naming.setdefault(own, set()).add(new.key)

    def naming_own(self) -> set[RouteKey]:
        """The service ports that name an address of ours now."""
        return {key for own in self._naming.keys() & self._bound.keys() for key in self._naming[own]}

    def loops(self, route: Route) -> tuple[Endpoint, ...]:
        """The endpoints of ``route`` that are our own listeners."""
        protocol = route.name.protocol
        every = dict.fromkeys((*(route.cluster or ()), *(route.local or ()), *route.serving))
        return tuple(endpoint for endpoint in every if (protocol, endpoint.name) in self._bound)

    def without_loops(self, route: Route) -> Route:
        """``route``, less the endpoints that are our own listeners."""
        loops = set(self.loops(route))
        if not loops:
            return route
        return replace(
            route,
            cluster=_less(route.cluster, loops),
            local=_less(route.local, loops),
            serving=tuple(endpoint for endpoint in route.serving if endpoint not in loops),
        )

    def outdated(
        self,
        keys: Iterable[RouteKey],
        routes: Mapping[RouteKey, Route],
        in_force: Callable[[RouteKey], Route | None],
    ) -> list[Route]:
        """The ``routes`` of ``keys`` that lead to other endpoints than what is ``in_force`` does, since some
        address became ours, or ours no more; in order. None is in force where nothing is served."""
        return [
            routes[key]
            for key in sorted(keys)
            if (served := in_force(key)) is not None
            and self.without_loops(routes[key]).internal != served.internal
        ]

    def _local_names(self, route: Route) -> Iterable[tuple[Protocol, str]]:
        """Only addresses that can be this host's by L1: 127.0.0.0/8, a stated range, and any IPv6 one."""
        every = {*(route.cluster or ()), *(route.local or ()), *route.serving}
        return {(route.name.protocol, endpoint.name) for endpoint in every if self._may_be_ours(endpoint.ip)}

    def _may_be_ours(self, ip: str) -> bool:
        if ip.startswith("127.") or ":" in ip:
            return True
        return self._range is not None and IPv4Address(ip) in self._range


def _less(endpoints: tuple[Endpoint, ...] | None, loops: set[Endpoint]) -> tuple[Endpoint, ...] | None:
    return None if endpoints is None else tuple(e for e in endpoints if e not in loops)
