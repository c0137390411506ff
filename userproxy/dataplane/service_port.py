"""One service port at run time: the current route, who is picked, what was counted.

A swap is one assignment of the route; pickers are built before it. What an endpoint has learned is kept
by its "ip:port", and the balancer's cursor is handed from picker to picker. Two service ports share
nothing (rule B7).
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from userproxy.balancing.affinity import AffinityTable
from userproxy.balancing.picker import Picker
from userproxy.dataplane.closing import Who
from userproxy.dataplane.counters import EndpointCounters, PortCounters
from userproxy.dataplane.events import port_fields
from userproxy.dataplane.intake import Intake
from userproxy.dataplane.runtime import Runtime
from userproxy.log import log_event
from userproxy.model.names import NamespacedName
from userproxy.model.routes import Endpoint, Route, RouteKey

__all__ = ["ServicePort"]

logger = logging.getLogger(__name__)

MAX_AFFINE_CLIENTS = 65_536
"""Clients that one service port remembers (rule B2: bounded, oldest go first); about 10 MB at most."""


class ServicePort:
    """What `DataPlane` keeps for one `RouteKey`. Owns its intakes; the newest takes in, older ones drain."""

    __slots__ = (
        "affinity", "counters", "endpoints", "intake", "is_limited", "key", "picker", "pods", "retired",
        "route", "runtime", "serving", "usable",
    )  # fmt: skip

    def __init__(self, runtime: Runtime, route: Route, picker: Picker) -> None:
        self.runtime = runtime
        self.key: RouteKey = route.key
        self.counters = PortCounters()
        self.endpoints: dict[Endpoint, EndpointCounters] = {}
        self.affinity: AffinityTable | None = None
        self.intake: Intake | None = None
        """None until its address could be bound."""
        self.retired: list[Intake] = []
        """Intakes of earlier addresses whose connections live on."""
        self.publish(route, picker)

    def publish(self, route: Route, picker: Picker) -> None:
        """Make ``route`` the current one. ``picker`` chooses among ``route.internal``."""
        self.route = route
        self.picker = picker
        self.is_limited = self._most() is not None or self.runtime.settings.limits.max_connections is not None
        """There is a limit that a new connection may meet."""
        self.usable = frozenset(route.internal)
        namespace = route.name.namespace
        self.pods = {endpoint: NamespacedName(namespace, pod) for endpoint, pod in route.pods}
        """By endpoint, the pods that are reached through the API server; all other endpoints directly."""
        self.serving = self.usable if route.serving == route.internal else frozenset(route.serving)
        if route.session_affinity_s is None:
            self.affinity = None
        elif self.affinity is None:
            self.affinity = AffinityTable(route.session_affinity_s, MAX_AFFINE_CLIENTS)
        else:
            self.affinity.timeout_s = route.session_affinity_s
        for endpoint in [e for e, seen in self.endpoints.items() if not self._still_counts(e, seen)]:
            del self.endpoints[endpoint]

    def choose(self, client: str, tried: Collection[Endpoint]) -> Endpoint | None:
        """An endpoint for a new connection from ``client`` that is not in ``tried``; None: there is none.

        Affinity comes first, and follows the choice (rules B2, B3).
        """
        affinity = self.affinity
        if affinity is None:
            return self.picker.pick(client, tried)
        now = self.runtime.loop.time()
        endpoint = affinity.get(client, now)
        if endpoint is None or endpoint in tried or endpoint not in self.usable:
            endpoint = self.picker.pick(client, tried)
        if endpoint is not None:
            affinity.put(client, endpoint, now)
        return endpoint

    def spread_over(self, group_size: int) -> int:
        """Over how many sockets of one address clients are spread, each to one: affinity wants it (rule B2).

        0: it does not matter which socket a connection or flow comes to.
        """
        return group_size if self.affinity is not None and group_size > 1 else 0

    def counters_of(self, endpoint: Endpoint) -> EndpointCounters:
        counters = self.endpoints.get(endpoint)
        if counters is None:
            counters = self.endpoints[endpoint] = EndpointCounters()
        return counters

    def open_connections(self, endpoint: Endpoint) -> int:
        """For least connections."""
        counters = self.endpoints.get(endpoint)
        return counters.connections - counters.ended if counters is not None else 0

    def first_held(self) -> None:
        """The first client waits for an endpoint: say so, that somebody may start one (rule L9)."""
        log_event(logger, logging.INFO, "hold_started", **port_fields(self.key))
        # In a turn of its own: what the callback does, or raises, is no part of accepting.
        self.runtime.loop.call_soon(self._tell_of_hold)

    def _tell_of_hold(self) -> None:
        try:
            if self.runtime.on_hold is not None:
                self.runtime.on_hold(self.key.name)
        except Exception as error:
            self.runtime.failed(error)

    def intakes(self) -> list[Intake]:
        """The current one and those that drain."""
        return [*self.retired, *([self.intake] if self.intake is not None else [])]

    def replace_intake(self, intake: Intake | None) -> None:
        """``intake`` is open already; the old one stops, and drains (rule S12). None: there is no address."""
        old, self.intake = self.intake, intake
        if old is not None:
            old.stop()
            self.retired.append(old)
        self.forget_drained()

    def stop(self) -> None:
        """Take in nothing more; what is open lives on (rule L6)."""
        for intake in self.intakes():
            intake.stop()
            intake.cut_waiting(Who.STOP)

    def limit_drain(self) -> None:
        """The Service is gone: its drain limit counts for all that is open (rule L6)."""
        for intake in self.intakes():
            intake.limit_drain()

    def forget_drained(self) -> None:
        self.retired = [intake for intake in self.retired if len(intake)]

    def activity(self) -> tuple[int, ...]:
        """See `DataPlane.activity`."""
        counters = self.counters
        return (
            self.open_count(),
            counters.held,
            counters.accepted,
            sum(counters.ends.values()),
            counters.dropped.total(),
        )

    def open_count(self) -> int:
        """Connections or flows that are open now."""
        return sum(len(intake) for intake in self.intakes())

    def is_full(self) -> bool:
        """One connection more would be one too many, for this service port or for the process."""
        most, most_of_all = self._most(), self.runtime.settings.limits.max_connections
        return (most is not None and self.open_count() >= most) or (
            most_of_all is not None and self.runtime.connections >= most_of_all
        )

    def _most(self) -> int | None:
        return self.route.options.max_connections or self.runtime.settings.limits.max_connections_per_service

    def _still_counts(self, endpoint: Endpoint, seen: EndpointCounters) -> bool:
        return bool(seen.open) or endpoint in self.serving or endpoint in self.usable
