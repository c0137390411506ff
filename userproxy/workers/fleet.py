"""The data plane of `Proxy` in several processes: the same interface, with workers behind it.

The parent decides once for all of them: which endpoints lead back to ourselves, which number an address gets,
who serves it, and with which share of the limits. What workers report is added up when it is asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from _socket import socket as Socket
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from userproxy.dataplane.binding import Bindings, Move
from userproxy.dataplane.contract import NOT_LISTENING, DrainReport
from userproxy.dataplane.deadlines import Deadlines
from userproxy.dataplane.descriptors import Descriptors
from userproxy.dataplane.inheritance import SharedListener
from userproxy.dataplane.loops import OwnAddresses
from userproxy.dataplane.problems import looping, taken
from userproxy.dataplane.retries import BindRetries
from userproxy.dataplane.service_index import ServiceIndex
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.dataplane.spreading import can_spread
from userproxy.dataplane.traffic import TrafficSnapshot
from userproxy.errors import NotListening, WorkerError
from userproxy.model.names import NamespacedName, Protocol, ServicePortName
from userproxy.model.problems import Problem
from userproxy.model.routes import Route, RouteChanges, RouteKey
from userproxy.settings import Settings
from userproxy.workers.assignment import Assignment
from userproxy.workers.board import Board
from userproxy.workers.groups import Group, Groups
from userproxy.workers.handover import FleetHandover, FleetHeir
from userproxy.workers.link import Link, Mark
from userproxy.workers.questions import Questions
from userproxy.workers.report_codec import traffic_from
from userproxy.workers.route_codec import Wire, key_to
from userproxy.workers.sharing import Sharing

__all__ = ["Fleet"]

logger = logging.getLogger(__name__)

CLOSE_LIMIT_S = 5.0
DRAIN_MARGIN_S = 5.0
"""A worker that has not drained so long after the limit is stuck."""


@dataclass(slots=True)
class _Served:
    """One service port, as the parent decided it."""

    route: Route
    """Without endpoints that lead back to us."""
    incarnation: int
    group: Group | None
    reason: str
    """Why not at the stated number, or not at all."""


class Fleet:
    """Owns the workers and all listening sockets. Made inside a running loop; ``close`` gives all back."""

    def __init__(
        self,
        settings: Settings,
        *,
        on_hold: Callable[[ServicePortName], None] | None = None,
        changed: Callable[[], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
        dormant: bool = False,
    ) -> None:
        """As `DataPlane`. Raises WorkerError when a worker cannot be started."""
        loop = asyncio.get_running_loop()
        self._on_hold = on_hold
        self.dormant = dormant
        self._heir: FleetHeir | None = None
        self.failed = failed if failed is not None else _log_fault
        self._changed = changed if changed is not None else _nobody
        self._sharing = Sharing(settings, can_spread=can_spread())
        self._deadlines = Deadlines(loop)
        self._own = OwnAddresses(settings.loopback_range)
        self._groups = Groups(
            Descriptors(settings.limits.reserved_descriptors), self._sharing.owners, shared=dormant
        )
        self._bindings = Bindings(self._groups.open)
        self._retries = BindRetries(self._deadlines, self._try_again)
        self._routes: dict[RouteKey, Route] = {}
        self._served: dict[RouteKey, _Served] = {}
        self._by_service = ServiceIndex()
        self._incarnations = 0
        self._board = Board(self._changed)
        self._questions = Questions()
        self._holders: dict[ServicePortName, frozenset[int]] = {}
        """Who has said that clients wait: of several workers the first one is the news."""
        self._draining = False
        self._drains: dict[int, tuple[int, int]] = {}
        """What each worker had open at the stop: what ended by itself, and what was cut."""
        self._drained = asyncio.Event()
        kind = "uvloop" if type(loop).__module__.startswith("uvloop") else "asyncio"
        self._links = tuple(
            Link(index, self._sharing.settings_for(index), self, kind) for index in range(settings.workers)
        )
        try:
            for link in self._links:
                link.start()
        except OSError as error:
            self.close()
            raise WorkerError(f"workers cannot be started: {error.strerror}") from error

    # What `Proxy` asks.

    def apply(self, changes: RouteChanges) -> None:
        """Bind what is not bound yet, and send ``changes`` on; `published` tells when they are in force."""
        for key in changes.removed:
            self._remove(key)
        for route in changes.changed:
            self._own.route_changed(self._routes.get(route.key), route)
            self._routes[route.key] = route
        self._install(changes.changed)
        if left := self._groups.left():
            self._mark(lambda: self._groups.close_left(left), report=False)

    async def published(self) -> None:
        """Return once every route that was applied before is in force in all workers, and all is reported.

        A worker that dies meanwhile is not waited for: its successor begins with the newest routes.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._mark(lambda: None if done.done() else done.set_result(None), report=True)
        await done
        self._board.tell()

    def address(self, service: NamespacedName, port_name: str, family: str | None) -> tuple[str, int]:
        """As `DataPlane.address`."""
        chosen = self._by_service.only(service, port_name, family)
        port = self._board.live(chosen)
        if self._draining or port is None or port.listen_port is None or port.state in NOT_LISTENING:
            state = "draining" if self._draining else port.state if port is not None else "starting"
            raise NotListening(f"{chosen.name} does not listen: {state}")
        return port.listen_host, port.listen_port

    def snapshot(self, keys: Collection[RouteKey] | None = None) -> tuple[PortSnapshot, ...]:
        """As `DataPlane.snapshot`, of what workers have reported: counters are up to some seconds old."""
        return self._board.snapshot(keys)

    async def traffic(self, keys: Collection[RouteKey]) -> tuple[TrafficSnapshot, ...]:
        """As `DataPlane.traffic`, of all workers that live."""
        asked = [link for link in self._links if link.serving]
        rows = await self._questions.ask(asked, "traffic", [key_to(key) for key in keys])
        return tuple([traffic_from(row) for row in rows])

    def known(self) -> tuple[RouteKey, ...]:
        """As `DataPlane.known`."""
        return self._board.known()

    def take_touched(self) -> tuple[RouteKey, ...]:
        """As `DataPlane.take_touched`; a service port counts once all its workers have told of it."""
        return self._board.take_touched()

    def problems(self) -> tuple[Problem, ...]:
        """As `DataPlane.problems`."""
        reasons = {**self._board.taken(), **self._retries.reasons()}
        return (*taken(reasons, self._routes), *looping(self._own, self._routes))

    async def drain(self, timeout_s: float) -> DrainReport:
        """As `DataPlane.drain`, in all workers."""
        self._retries.close()
        self._draining = True
        for link in self._links:
            if link.serving:
                link.drain(timeout_s)
            else:
                link.close(0)
                self._drains[link.index] = (0, 0)
                self._groups.refuse(link.index)
        self._look_if_drained()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s + DRAIN_MARGIN_S):
                await self._drained.wait()
        return DrainReport(
            drained=sum(drained for drained, _ in self._drains.values()),
            cut=sum(cut for _, cut in self._drains.values()),
        )

    def close(self) -> None:
        """Cut what is open, end all workers, and give every descriptor back."""
        self._deadlines.close()
        if self._heir is not None:
            self._heir.close()
        for link in self._links:
            link.hang_up()
        for link in self._links:
            link.close(CLOSE_LIMIT_S)
        self._board.close()
        self._groups.close()

    # Between processes (see `workers.handover`): as `DataPlane`.

    def inherit(self, listeners: Iterable[SharedListener], moves: Iterable[Move]) -> None:
        """Whichever worker dies from here on ends the takeover: its successor may not have its table yet."""
        self._heir = FleetHeir(self._links)
        self._groups.inherit(listeners)
        self._bindings.keep_moves(moves)

    def heir(self) -> FleetHeir:
        """After `inherit`."""
        assert self._heir is not None
        self._groups.close_inherited()
        return self._heir

    def wake(self) -> None:
        self.dormant = self._groups.shared = False
        if self._heir is not None:
            self._heir.close()
        for link in self._links:
            link.say("wake")
        changed = [
            key
            for key, served in self._served.items()
            if served.group is not None and not served.group.fits(self._sharing.owners(served.route))
        ]
        for key in changed:
            served = self._served[key]
            self._resize(served)
            self._board.serve(key, served.incarnation, self._workers_of(served))
        self._touch(changed)

    def handover(self) -> FleetHandover:
        """Raises TakeoverError while a worker is missing."""
        served = [(key, served.group) for key, served in self._served.items() if served.group is not None]
        return FleetHandover(self._links, self._groups, served, self._bindings)

    def told(self, worker: int, kind: str, body: list[Any]) -> None:
        if kind == "traffic":
            self._questions.answered(worker, *body)
        elif self._heir is not None:
            self._heir.told(worker, kind, body)

    # What links ask, and tell (`link.Table`).

    def keys_of(self, worker: int) -> Iterable[RouteKey]:
        return self._served

    def assignment(self, key: RouteKey, worker: int) -> tuple[Assignment, Socket | None] | None:
        served = self._served.get(key)
        if served is None or worker not in self._workers_of(served):
            return None
        route = self._sharing.route_for(served.route, worker)
        group = served.group
        if group is None:
            return Assignment(route, served.incarnation, route.listen_host, 0, served.reason, 0, False), None
        if not self._groups.shared and (route.internal or route.options.hold_s):
            with contextlib.suppress(OSError):  # as it is, this worker gets none: the others do
                group.renew_refusing(worker)
        _, host, port = group.address
        size = len(group.sockets)
        assignment = Assignment(route, served.incarnation, host, port, served.reason, size, False)
        return assignment, group.sockets[worker]

    def ports_reported(self, worker: int, ports: list[Wire]) -> None:
        self._board.reported(worker, ports)

    def held(self, worker: int, name: Wire) -> None:
        namespace, service, port_name, protocol = name
        port = ServicePortName(namespace, service, port_name, Protocol(protocol))
        before = self._holders.get(port, frozenset()) - {worker}
        holders = frozenset(other for other in before if self._board.holds(port, other))
        self._holders[port] = holders | {worker}
        try:
            if self._on_hold is not None and not holders:
                self._on_hold(port)
        except Exception as error:
            self.failed(error)

    def drained(self, worker: int, drained: int, cut: int) -> None:
        self._drains[worker] = (drained, cut)
        self._look_if_drained()

    def lost(self, worker: int) -> None:
        cut = self._board.lost(worker)
        self._questions.lost(worker)
        self.told(worker, "lost", ["has ended"])
        if self._draining:
            self._drains.setdefault(worker, (0, cut))
            self._groups.refuse(worker)
            self._look_if_drained()

    # Publication.

    def _install(self, routes: Iterable[Route]) -> None:
        chosen = [self._own.without_loops(route) for route in routes]
        bound, errors = self._bindings.bind([route for route in chosen if self._needs_address(route)])
        again: set[RouteKey] = set()
        for route in chosen:
            key = route.key
            served = self._served.get(key)
            if served is None:
                self._incarnations += 1
                served = self._served[key] = _Served(route, self._incarnations, None, "")
                self._by_service.add(key)
            served.route = route
            if key in bound:
                at = bound[key]
                old, served.group = served.group, self._groups.at(key.name.protocol, at.host, at.port)
                served.reason = at.reason
                self._retries.succeeded(key)
                again |= self._own.bound(*served.group.address)
                again |= self._leave(old, key)
            elif key in errors:
                old, served.group = served.group, None
                again |= self._leave(old, key)
                self._retries.failed(key, errors[key])
                served.reason = self._retries.reason(key)
            elif served.group is not None:
                self._resize(served)
            self._board.serve(key, served.incarnation, self._workers_of(served))
        self._touch(route.key for route in chosen)
        self._look_again(again)

    def _needs_address(self, route: Route) -> bool:
        served = self._served.get(route.key)
        if served is None or served.group is None:
            return True
        return served.route.wanted_address != route.wanted_address

    def _workers_of(self, served: _Served) -> tuple[int, ...]:
        """Those that have a socket; where there is none, those that shall say so."""
        if served.group is None:
            return self._sharing.owners(served.route)
        return tuple(sorted(served.group.sockets))

    def _resize(self, served: _Served) -> None:
        """Its limits may have changed, and with them who serves it."""
        if served.group is not None and not self._groups.shared:
            with contextlib.suppress(OSError):  # fewer workers serve it, and those that do go on
                served.group.serve(self._sharing.owners(served.route))

    def _leave(self, group: Group | None, moved: RouteKey | None = None) -> set[RouteKey]:
        if group is None:
            return set()
        self._groups.leave(group, moved)
        return self._own.unbound(*group.address)

    def _remove(self, key: RouteKey) -> None:
        self._retries.succeeded(key)
        self._own.route_changed(self._routes.pop(key), None)
        served = self._served.pop(key)
        self._holders.pop(key.name, None)
        self._by_service.remove(key)
        self._board.remove(key)
        for link in self._links:
            link.forget(key)
        self._look_again(self._leave(served.group))

    def _look_again(self, keys: Iterable[RouteKey]) -> None:
        """Addresses became ours or others': do these routes lead to ourselves now (rule L8)?"""
        if outdated := self._own.outdated(keys, self._routes, self._in_force):
            self._install(outdated)

    def _in_force(self, key: RouteKey) -> Route | None:
        served = self._served.get(key)
        return served.route if served is not None else None

    def _try_again(self, keys: Iterable[RouteKey]) -> None:
        self._install([self._routes[key] for key in keys if key in self._routes])
        self._changed()

    def _touch(self, keys: Iterable[RouteKey]) -> None:
        touched = tuple(keys)
        for link in self._links:
            link.touch(touched)

    def _mark(self, done: Callable[[], None], *, report: bool) -> None:
        alive = [link for link in self._links if link.alive]
        mark = Mark(done, report=report)
        for link in alive:
            link.mark(mark)
        mark.expect(alive)

    def _look_if_drained(self) -> None:
        if len(self._drains) == len(self._links):
            self._drained.set()


def _nobody() -> None:
    """No one asked to be told."""


def _log_fault(error: BaseException) -> None:
    logger.error("a fault in the fleet", exc_info=error)
