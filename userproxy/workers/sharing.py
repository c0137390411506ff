"""Who serves what, and how much of each limit: pure functions of the settings and the route.

A limit is split between the workers, the remainder to the first ones. One that is too small to split goes
to one worker whole, so that a limit of 1 means 1.
"""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

from userproxy.model.names import Protocol
from userproxy.model.routes import Route, RouteKey
from userproxy.settings import Settings

__all__ = ["LEAST_SHARE", "Sharing", "share"]

LEAST_SHARE = 4
"""Of a limit, for each worker: the kernel shares clients out by chance, and a share of 1 is soon used up."""


def share(limit: int, workers: int, index: int) -> int:
    """The part of ``limit`` that worker ``index`` of ``workers`` has; all parts make ``limit``."""
    return limit // workers + (index < limit % workers)


class Sharing:
    """The rules for one fleet."""

    def __init__(self, settings: Settings, *, can_spread: bool) -> None:
        """``can_spread``: the kernel gives each client to one socket of a group (rule B2)."""
        self._settings = settings
        self._workers = settings.workers
        self._can_spread = can_spread
        limits, udp = settings.limits, settings.udp
        self._all_on_one = self._too_small(limits.max_connections) or self._too_small(udp.max_flows)

    def owners(self, route: Route) -> tuple[int, ...]:
        """The workers that serve ``route``: all of them, or one."""
        if self._all_on_one:
            return (0,)
        too_small = self._too_small(self._limit(route)) or (
            route.options.hold_s > 0 and self._too_small(self._settings.limits.max_held_per_service)
        )
        if too_small or (route.session_affinity_s is not None and not self._can_spread):
            return (self._chosen(route.key),)
        return tuple(range(self._workers))

    def route_for(self, route: Route, index: int) -> Route:
        """``route`` with the limit of worker ``index``."""
        limit = self._limit(route)
        if limit is None:
            return route
        if len(self.owners(route)) > 1:
            limit = share(limit, self._workers, index)
        return replace(route, options=replace(route.options, max_connections=limit))

    def settings_for(self, index: int) -> Settings:
        """What worker ``index`` is told. The limit of a service port comes with its route."""
        limits, udp = self._settings.limits, self._settings.udp

        def part(limit: int) -> int:
            return limit if self._too_small(limit) else share(limit, self._workers, index)

        most = limits.max_connections
        return replace(
            self._settings,
            workers=1,
            limits=replace(
                limits,
                max_connections=most if most is None else part(most),
                max_held_per_service=part(limits.max_held_per_service),
                max_splice_pipes=share(limits.max_splice_pipes, self._workers, index),
            ),
            udp=replace(udp, max_flows=part(udp.max_flows)),
        )

    def _limit(self, route: Route) -> int | None:
        """Connections or flows of one service port."""
        if route.options.max_connections is not None:
            return route.options.max_connections
        if route.name.protocol is Protocol.UDP:
            return self._settings.udp.max_flows_per_service
        return self._settings.limits.max_connections_per_service

    def _too_small(self, limit: int | None) -> bool:
        return limit is not None and limit < LEAST_SHARE * self._workers

    def _chosen(self, key: RouteKey) -> int:
        return crc32(str(key).encode()) % self._workers
