"""The data plane: applies differences of routes to service ports, and stops without a loss.

One publication is: build the picker (`publication`), bind what is not bound yet, stated numbers first
(`binding`), assign the route, let the intake listen, refuse or hold. Whoever lost its address stops last.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable

from userproxy.balancing.picker import Picker
from userproxy.dataplane.binding import Binder, Bindings, Bound, Move
from userproxy.dataplane.closing import Who
from userproxy.dataplane.contract import NOT_LISTENING, DrainReport
from userproxy.dataplane.dialling import Dialler
from userproxy.dataplane.handover import Handover
from userproxy.dataplane.heir import Heir
from userproxy.dataplane.inheritance import Inheritance, SharedListener
from userproxy.dataplane.intake import Intake, ListenerState
from userproxy.dataplane.loops import OwnAddresses
from userproxy.dataplane.pod_dialling import PodDialler
from userproxy.dataplane.problems import looping, taken
from userproxy.dataplane.publication import Publisher
from userproxy.dataplane.retries import BindRetries
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_index import ServiceIndex
from userproxy.dataplane.service_port import ServicePort
from userproxy.dataplane.snapshot import PortSnapshot, snapshot_of
from userproxy.dataplane.states import StateLog
from userproxy.dataplane.tcp import TcpIntake
from userproxy.dataplane.traffic import TrafficSnapshot, traffic_of
from userproxy.dataplane.udp_batching import Batching
from userproxy.dataplane.udp_intake import UdpIntake
from userproxy.errors import NotListening
from userproxy.model.names import NamespacedName, Protocol, ServicePortName
from userproxy.model.problems import Problem
from userproxy.model.routes import Route, RouteChanges, RouteKey
from userproxy.settings import Settings

__all__ = ["DataPlane", "DrainReport"]

TRAFFIC_PER_STEP = 512
"""Connections that are told of in one turn of the loop: about 3 ms."""


class DataPlane:
    """Owns every socket that carries traffic. Made inside a running loop; ``close`` gives all back."""

    def __init__(
        self,
        settings: Settings,
        *,
        binder: Binder | None = None,
        dialler: Dialler | None = None,
        pod_dialler: PodDialler | None = None,
        batching: Batching | None = None,
        descriptor_limit: int | None = None,
        on_hold: Callable[[ServicePortName], None] | None = None,
        changed: Callable[[], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
        dormant: bool = False,
    ) -> None:
        """``binder`` None: it binds its addresses itself. ``changed``: the snapshot differs without an
        `apply`. ``failed``: told of a fault of ours.

        ``dormant``: bind, but take nothing in until `wake`; another process may serve by the same sockets.
        """
        self._changed_outside = changed
        self._runtime = Runtime(
            settings,
            dialler=dialler,
            pod_dialler=pod_dialler,
            batching=batching,
            descriptor_limit=descriptor_limit,
            on_hold=on_hold,
            changed=self._changed,
            failed=failed,
            dormant=dormant,
        )
        self._routes: dict[RouteKey, Route] = {}
        self._ports: dict[RouteKey, ServicePort] = {}
        self._by_service = ServiceIndex()
        self._draining: list[ServicePort] = []
        self._own = OwnAddresses(settings.loopback_range)
        self._inheritance = Inheritance()
        self._own_bindings = Bindings(self._inheritance.open)
        self._bindings: Binder = binder if binder is not None else self._own_bindings
        self._publisher = Publisher(self._runtime, self._ports.get, self._install_later)
        self._retries = BindRetries(self._runtime.deadlines, self._try_again)
        self._states = StateLog()
        self._idle = asyncio.Event()
        self._touched: dict[RouteKey, None] = {}
        """Service ports whose snapshot may differ since `take_touched`."""
        self._with_retired: set[RouteKey] = set()
        """Service ports with intakes of earlier addresses."""

    def apply(self, changes: RouteChanges) -> None:
        """Bring ``changes`` into force; all at once, save rings that take long to build (`published`)."""
        for key in changes.removed:
            self._remove(key)
        for route in changes.changed:
            self._own.route_changed(self._routes.get(route.key), route)
            self._routes[route.key] = route
        self._publish(changes.changed)

    async def published(self) -> None:
        """Return once every route that was applied before is in force."""
        await self._publisher.finished()

    def address(self, service: NamespacedName, port_name: str, family: str | None) -> tuple[str, int]:
        """Host and port of one service port. ``port_name`` "" means the only port, whatever its name.

        Raises KeyError when there is no such service port, NotListening when it refuses now.
        """
        port = self._ports[self._by_service.only(service, port_name, family)]
        intake = port.intake
        if intake is None or intake.state in NOT_LISTENING:
            raise NotListening(f"{port.key.name} does not listen: {self._snapshot(port).state}")
        return intake.host, intake.port

    def snapshot(self, keys: Collection[RouteKey] | None = None) -> tuple[PortSnapshot, ...]:
        """Every service port, sorted, and those of Services that are gone but still have connections.

        With ``keys``, of these alone: costs in proportion to their number.
        """
        wanted = self._ports if keys is None else [key for key in keys if key in self._ports]
        live = [self._snapshot(self._ports[key]) for key in sorted(wanted)]
        draining = [
            snapshot_of(port, draining=True, reason="")
            for port in self._draining
            if keys is None or port.key in keys
        ]
        return (*live, *sorted(draining, key=lambda port: port.key))

    async def traffic(self, keys: Collection[RouteKey]) -> tuple[TrafficSnapshot, ...]:
        """All that is open of these service ports, one by one; gives the loop its turns."""
        found: list[TrafficSnapshot] = []
        for port in [port for port in self._every_port() if port.key in keys]:
            for one in traffic_of(port):
                found.append(one)
                if len(found) % TRAFFIC_PER_STEP == 0:
                    await asyncio.sleep(0)
        return tuple(found)

    def keys(self) -> tuple[RouteKey, ...]:
        """Every service port that is served."""
        return tuple(self._ports)

    def activity(self, key: RouteKey) -> tuple[int, ...]:
        """Numbers that differ when the counters of a service port do; the first is what is open now."""
        port = self._ports.get(key)
        return port.activity() if port is not None else (0,)

    def known(self) -> tuple[RouteKey, ...]:
        """What `snapshot` tells of, each once."""
        return tuple(dict.fromkeys((*self._ports, *(port.key for port in self._draining))))

    def take_touched(self) -> tuple[RouteKey, ...]:
        """The service ports whose state, address or endpoints may have changed since the last call."""
        touched = tuple(self._touched)
        self._touched.clear()
        return touched

    def problems(self) -> tuple[Problem, ...]:
        """Addresses that are taken (rule L4), and endpoints that lead back to us (rule L8)."""
        return (*taken(self._retries.reasons(), self._routes), *looping(self._own, self._routes))

    # Between processes (see `handover`).

    def inherit(self, listeners: Iterable[SharedListener], moves: Iterable[Move]) -> None:
        """Use these sockets where routes want their addresses; ours now. For a dormant plane."""
        self._inheritance.add(listeners)
        self._own_bindings.keep_moves(moves)

    def heir(self) -> Heir:
        """Whoever takes over from another process has these, once all routes are in force."""
        self._inheritance.close()  # of no use to the routes; the other process closes them as is due
        return Heir(port.intake for port in self._ports.values() if port.intake is not None)

    def wake(self) -> None:
        """No other process serves by our sockets any more: begin."""
        self._runtime.dormant = False
        self._runtime.udp.resume()
        for port in self._ports.values():
            for intake in port.intakes():
                intake.thaw()  # in the process that it comes from it was frozen
                intake.route_changed()
            self._judge(port)
            self._touched[port.key] = None
        self._runtime.engine.resume()
        self._changed()

    def handover(self) -> Handover:
        """What a successor needs. Nothing may be applied until it is over."""
        return Handover(self._runtime, self._own_bindings, self._ports.values())

    # Stopping.

    def stop(self) -> None:
        """Take in nothing more; what is queued is served first, what is open lives on (rule L6)."""
        self._publisher.cancel()
        self._retries.close()
        for key, port in self._ports.items():
            port.stop()
            self._touched[key] = None
        if self._runtime.pod_dialler is not None:
            self._runtime.pod_dialler.stopping()
        self._changed()

    async def drain(self, timeout_s: float) -> DrainReport:
        """`stop`, wait until everything has ended by itself or ``timeout_s`` is over, then cut the rest."""
        self._idle.clear()
        self.stop()
        before = self._runtime.connections + self._runtime.flows
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        cut = self._cut()
        return DrainReport(drained=before - cut, cut=cut)

    def close(self) -> None:
        """Stop, cut what is open, and give every descriptor back."""
        self._inheritance.close()
        self.stop()
        self._cut()
        self._runtime.close()

    def _cut(self) -> int:
        return sum(intake.cut(Who.STOP) for port in self._every_port() for intake in port.intakes())

    # Publication.

    def _publish(self, routes: Iterable[Route]) -> None:
        ready = []
        for route in routes:
            route = self._own.without_loops(route)
            picker = self._publisher.picker_now(route)
            if picker is not None:
                ready.append((route, picker))
        self._install(ready)

    def _install_later(self, batch: list[tuple[Route, Picker]]) -> None:
        """The rings of ``batch`` took their time: nobody waits for this publication.

        Meanwhile an endpoint may have become one of our own addresses: then a ring without it is due.
        """
        ready = [
            (route, picker)
            for route, picker in batch
            if self._own.without_loops(self._routes[route.key]).internal == route.internal
        ]
        self._publish([self._routes[route.key] for route, picker in batch if (route, picker) not in ready])
        self._install(ready)
        self._changed()

    def _install(self, batch: list[tuple[Route, Picker]]) -> None:
        """Bind, assign, listen. Each picker was made for its route; nothing here takes long."""
        bound, errors = self._bindings.bind([route for route, _ in batch if self._needs_address(route)])
        again: set[RouteKey] = set()
        for route, picker in batch:
            key = route.key
            port = self._ports.get(key)
            if port is None:
                port = self._ports[key] = ServicePort(self._runtime, route, picker)
                self._by_service.add(key)
            else:
                if port.intake is not None and not route.internal and not route.options.hold_s:
                    port.intake.take_queued()  # by the last route that has endpoints (rule L6)
                port.publish(route, picker)
            if key in bound:
                again |= self._take_over(port, bound[key])
            elif key in errors:
                again |= self._give_up(port)
                self._retries.failed(key, errors[key])
            for intake in port.intakes():
                intake.route_changed()
            if port.retired:
                self._with_retired.add(key)
            self._touched[key] = None
            if not self._runtime.dormant:
                self._judge(port)
        self._look_again(again)

    def _needs_address(self, route: Route) -> bool:
        port = self._ports.get(route.key)
        if port is None or port.intake is None or self._bindings.renewed(route.key):
            return True
        # The picker's own publication comes later, so this is still the previous route.
        return port.route.wanted_address != route.wanted_address

    def _take_over(self, port: ServicePort, bound: Bound) -> set[RouteKey]:
        """The new address opens first, then the old one stops (rules S12, L6)."""
        intake: Intake
        if port.key.name.protocol is Protocol.UDP:
            intake = UdpIntake(self._runtime, port, bound)
        else:
            intake = TcpIntake(self._runtime, port, bound)
        self._retries.succeeded(port.key)
        again = set(self._own.bound(port.key.name.protocol, intake.host, intake.port))
        intake.route_changed()
        return again | self._give_up(port, intake)

    def _give_up(self, port: ServicePort, successor: Intake | None = None) -> set[RouteKey]:
        """Stop the intake of an address that is no longer wanted."""
        old = port.intake
        port.replace_intake(successor)
        return self._own.unbound(port.key.name.protocol, old.host, old.port) if old is not None else set()

    def _remove(self, key: RouteKey) -> None:
        self._publisher.drop(key)
        self._retries.succeeded(key)
        self._own.route_changed(self._routes.pop(key), None)
        port = self._ports.pop(key, None)
        if port is None:  # its ring was still being built
            return
        self._by_service.remove(key)
        self._with_retired.discard(key)
        port.stop()
        port.limit_drain()
        self._touched[key] = None
        self._states.closed(key)
        if port.open_count():
            self._draining.append(port)
        if port.intake is not None:
            again = self._own.unbound(key.name.protocol, port.intake.host, port.intake.port)
            self._look_again(again)

    def _look_again(self, keys: Iterable[RouteKey]) -> None:
        """Addresses became ours or others': do these routes lead to ourselves now (rule L8)?"""
        if outdated := self._own.outdated(keys, self._routes, self._in_force):
            self._publish(outdated)

    def _in_force(self, key: RouteKey) -> Route | None:
        port = self._ports.get(key)
        return port.route if port is not None else None

    # Addresses that are taken.

    def _judge(self, port: ServicePort) -> None:
        """Retry listening where the address was lost while it was refused; log what changed."""
        intake = port.intake
        if intake is not None:
            if intake.state is ListenerState.TAKEN:
                self._retries.failed(port.key, None)
            else:
                self._retries.succeeded(port.key)
        route, reason = port.route, self._retries.reason(port.key)
        if intake is None:
            self._states.saw(port.key, ListenerState.TAKEN, route.listen_host, None, reason)
        else:
            self._states.saw(port.key, intake.state, intake.host, intake.port, reason or intake.reason)

    def _try_again(self, keys: Iterable[RouteKey]) -> None:
        for key in keys:
            port = self._ports.get(key)
            if port is not None:
                self._install([(port.route, port.picker)])
        self._changed()

    def _snapshot(self, port: ServicePort) -> PortSnapshot:
        return snapshot_of(port, draining=False, reason=self._retries.reason(port.key))

    def _changed(self) -> None:
        """A listener or a drain went on by itself."""
        self._touched.update((port.key, None) for port in self._draining if not port.open_count())
        self._draining = [port for port in self._draining if port.open_count()]
        for key in tuple(self._with_retired):
            self._ports[key].forget_drained()
            if not self._ports[key].retired:
                self._with_retired.discard(key)
        if not self._runtime.connections and not self._runtime.flows:
            self._idle.set()
        if self._changed_outside is not None:
            self._changed_outside()

    def _every_port(self) -> tuple[ServicePort, ...]:
        return (*self._ports.values(), *self._draining)
