"""`Proxy`: a source, the routing and the data plane joined. The one class that embedders meet.

Events flow from the source into the routing's state; what they change is derived once per loop turn and
applied to the data plane. Everything runs on the loop that enters the context manager; nothing touches
signals, resource limits or the set-up of logging.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from userproxy.dataplane.contract import DrainReport, Plane
from userproxy.dataplane.dialling import Dialler
from userproxy.dataplane.feeds import Feed
from userproxy.dataplane.plane import DataPlane
from userproxy.dataplane.pod_dialling import PodDialler
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.dataplane.table_events import log_changes, log_problems
from userproxy.dataplane.traffic import TrafficSnapshot
from userproxy.model.events import Event, Mark
from userproxy.model.names import NamespacedName, ServicePortName
from userproxy.model.problems import Problem
from userproxy.model.routes import RouteKey
from userproxy.model.service import Service
from userproxy.proxy.node import address_plan, node_name_of, reach_policy
from userproxy.proxy.snapshot import Address, Snapshot
from userproxy.routing import State
from userproxy.settings import Settings
from userproxy.sources.base import Source

if TYPE_CHECKING:
    from userproxy.workers.fleet import Fleet

__all__ = ["Proxy"]

logger = logging.getLogger(__name__)

SERVICES_PER_STEP = 32
"""Derived and bound in one loop turn: about 2.5 ms. With the steps of the source, and a fold, that stays
below 10 ms a turn."""
FOLD_STEP_S = 0.002
"""Events are folded for at most so long before the loop gets a turn."""
_STOPPED = "the proxy has stopped"


class Proxy:
    """Serves the Services of ``source`` while its ``async with`` block runs.

    When the block ends, what is open is cut; await `drain` first to let it end by itself. A failure in the
    background cancels the block, and leaves it as itself.
    """

    def __init__(
        self,
        source: Source,
        *,
        settings: Settings | None = None,
        on_hold: Callable[[ServicePortName], None] | None = None,
        dialler: Dialler | None = None,
        pod_dialler: PodDialler | None = None,
        dormant: bool = False,
    ) -> None:
        """``on_hold`` is told the name when the first client of a service port has to wait (rule L9).

        ``pod_dialler`` reaches the endpoints that are reached through their pods, as the settings and the
        source say; without it every endpoint is dialled directly.
        ``dormant``: open nothing until `resume`, and take nothing in until ``plane`` wakes; see `takeover`.
        Raises ValueError when a range of ``settings`` is too small, there is no worker, or several shall use
        a ``dialler``.
        """
        self._source = source
        self._settings = settings if settings is not None else Settings()
        if self._settings.workers < 1:
            raise ValueError(f"settings.workers is {self._settings.workers}: at least 1 carries the traffic")
        if self._settings.workers > 1 and (dialler is not None or pod_dialler is not None):
            raise ValueError("a dialler is for one process: settings.workers must be 1")
        self._on_hold = on_hold
        self._dialler = dialler
        self._pod_dialler = pod_dialler
        self._dormant = dormant
        self._paused = dormant
        self._synced = asyncio.Event()
        self._state = State(
            node_name=node_name_of(self._settings),
            addresses=address_plan(self._settings),
            cluster_ip_required=source.cluster_ip_required,
            # Nobody else could reach a Pod.
            reach=reach_policy(self._settings, remote=source.remote) if pod_dialler is not None else None,
        )
        self._plane: DataPlane | Fleet | None = None
        self._tasks = asyncio.TaskGroup()
        self._background: tuple[asyncio.Task[None], ...] = ()
        self._fault: asyncio.Future[None] | None = None
        self._publication: asyncio.Handle | None = None
        self._published_at = float("-inf")
        self._marks: list[asyncio.Future[None]] = []
        """Come out of the source, to be told once everything before them is in force."""
        self._asked: set[asyncio.Future[None]] = set()
        """All that somebody waits for."""
        self._stopping = False
        self._plane_problems: frozenset[Problem] = frozenset()
        self._feeds: set[Feed] = set()

    async def __aenter__(self) -> Self:
        self._fault = asyncio.get_running_loop().create_future()
        self._plane = self._make_plane()
        await self._tasks.__aenter__()
        self._background = (
            self._tasks.create_task(self._follow(), name="userproxy: follow the source"),
            self._tasks.create_task(_raise_from(self._fault), name="userproxy: watch for faults"),
        )
        return self

    def _make_plane(self) -> DataPlane | Fleet:
        if self._settings.workers > 1:
            from userproxy.workers.fleet import Fleet

            return Fleet(
                self._settings,
                on_hold=self._on_hold,
                changed=self._plane_changed,
                failed=self._failed,
                dormant=self._dormant,
            )
        return DataPlane(
            self._settings,
            dialler=self._dialler,
            pod_dialler=self._pod_dialler,
            on_hold=self._on_hold,
            changed=self._plane_changed,
            failed=self._failed,
            dormant=self._dormant,
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        failure: BaseException | None = None
        self._stop_following()
        try:
            await self._tasks.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            failure = group.exceptions[0]
        finally:
            self._close()
        if failure is None and self._fault is not None and self._fault.done() and not self._fault.cancelled():
            failure = self._fault.exception()  # of the last turn: nobody has looked at it yet
        if failure is not None and failure is not error:
            raise failure

    # What embedders ask.

    @property
    def source(self) -> Source:
        """The source that it serves."""
        return self._source

    def address(self, service: str, port_name: str = "", *, family: str | None = None) -> Address:
        """Where ``service`` ("namespace/name", or "name" in namespace default) is reached.

        ``port_name`` may be left out where the Service has one port; ``family`` is "IPv4" or "IPv6". Raises
        KeyError when there is no such service port, NotListening when it refuses now (rule T8).
        """
        namespace, _, name = service.rpartition("/")
        return Address(
            *self._running.address(NamespacedName(namespace or "default", name), port_name, family)
        )

    async def settled(self, timeout_s: float | None = 10.0) -> None:
        """Return when all that the source holds now is in force, or is reported as a problem.

        Raises TimeoutError after ``timeout_s`` seconds (None waits for ever), RuntimeError when the proxy
        does not run, or stops meanwhile.
        """
        plane = self._running
        if self._stopping:
            raise RuntimeError(_STOPPED)
        mark: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.add(mark)
        try:
            async with asyncio.timeout(timeout_s):
                self._source.mark(mark)
                await mark
                await plane.published()
        finally:
            self._asked.discard(mark)

    @property
    def services(self) -> Mapping[NamespacedName, Service]:
        """Every Service that the source told of, also those that are not served: a live view."""
        return self._state.services

    @property
    def external_names(self) -> Mapping[NamespacedName, str]:
        """What each Service of type ExternalName stands for: a live view."""
        return self._state.external_names

    def snapshot(self) -> Snapshot:
        """What is served now; costs in proportion to what is open."""
        return Snapshot(
            generation=self._state.generation,
            synced=self._state.synced,
            ports=self._running.snapshot(),
            problems=(*self._state.problems, *sorted(self._plane_problems, key=str)),
            stale=self._state.stale,
        )

    async def traffic(self, keys: Collection[RouteKey]) -> tuple[TrafficSnapshot, ...]:
        """What is open of these service ports, one by one; workers are asked for theirs."""
        return await self._running.traffic(keys)

    @property
    def state(self) -> State:
        """What the objects say, for `explain`: a live view, to be read only."""
        return self._state

    async def changes(self) -> AsyncGenerator[Mapping[RouteKey, tuple[PortSnapshot, ...]]]:
        """What is served now, then whatever changes, by service port; () says that it is gone.

        What changes while the consumer is busy is folded. A service port that is gone and still has
        connections is there as ``draining``, beside its successor if there is one. Nothing at all is yielded
        when an external name is all that changed in `services`.
        """
        plane = self._running
        feed = Feed(plane.known())
        self._feeds.add(feed)
        try:
            while True:
                found = await feed.take(plane)
                if self._plane is None:
                    return
                yield found
                await feed.wait()
        finally:
            self._feeds.discard(feed)

    def reload(self) -> None:
        """Read files and credentials again."""
        self._source.reload()

    async def drain(self, timeout_s: float | None = None) -> DrainReport:
        """Take in nothing more, let what is open end by itself for ``timeout_s``, then cut the rest.

        ``timeout_s`` None: as the settings say.
        """
        if timeout_s is None:
            timeout_s = self._settings.drain_timeout_s
        self._stop_following()
        return await self._running.drain(timeout_s)

    # When one process takes over from another.

    @property
    def plane(self) -> DataPlane:
        """The sockets. Raises RuntimeError when the proxy does not run, or workers have them."""
        plane = self._running
        if not isinstance(plane, DataPlane):
            raise RuntimeError("the sockets are those of workers: settings.workers must be 1")
        return plane

    @property
    def sockets(self) -> DataPlane | Fleet:
        """Whatever has them. Raises RuntimeError when the proxy does not run."""
        return self._running

    @property
    def pod_dialler(self) -> PodDialler | None:
        return self._pod_dialler

    @property
    def workers(self) -> int:
        """How many processes carry the traffic."""
        return self._settings.workers

    @property
    def _running(self) -> DataPlane | Fleet:
        if self._plane is None:
            raise RuntimeError("the proxy is not running: use it inside 'async with'")
        return self._plane

    async def synced(self) -> None:
        """Return when the source has said all that existed at the start (rule R2)."""
        await self._synced.wait()

    async def pause(self) -> None:
        """Let what is served stay as it is until `resume`; the source is followed meanwhile."""
        self._paused = True
        self._unschedule()
        await self._running.published()

    def resume(self) -> None:
        self._paused = False
        self._publish_soon()

    # How events become routes.

    async def _follow(self) -> None:
        """Fold events for ever; publication follows in the next loop turn."""
        loop = asyncio.get_running_loop()
        async with contextlib.aclosing(self._source.events()) as events:
            step_ends = loop.time() + FOLD_STEP_S
            async for event in events:
                if self._publication is None:  # the loop had a turn since the last event
                    step_ends = loop.time() + FOLD_STEP_S
                self._fold(event)
                if loop.time() >= step_ends:
                    await asyncio.sleep(0)
                    step_ends = loop.time() + FOLD_STEP_S

    def _fold(self, event: Event) -> None:
        if isinstance(event, Mark):
            if isinstance(event.token, asyncio.Future):
                self._marks.append(event.token)
        else:
            self._state.fold(event)
            if self._state.synced:
                self._synced.set()
        self._publish_soon()

    def _publish_soon(self) -> None:
        """Once per loop turn, and no more often than the settings say (rule R10)."""
        if self._publication is None and not self._paused:
            loop = asyncio.get_running_loop()
            due = self._published_at + self._settings.min_sync_period_s
            if due > loop.time():
                self._publication = loop.call_at(due, self._publish)
            else:
                self._publication = loop.call_soon(self._publish)

    def _unschedule(self) -> None:
        if self._publication is not None:
            self._publication.cancel()
            self._publication = None

    def _publish(self) -> None:
        self._publication = None
        try:
            self._take_and_apply(self._running)
        except Exception as error:
            self._failed(error)

    def _take_and_apply(self, plane: Plane) -> None:
        self._published_at = asyncio.get_running_loop().time()
        changes = self._state.take(SERVICES_PER_STEP)
        plane.apply(changes)
        log_changes(logger, changes)
        for feed in self._feeds if changes.external_names else ():
            feed.wake()
        if changes.more:
            self._publication = asyncio.get_running_loop().call_soon(self._publish)
        elif self._state.synced:
            for mark in self._marks:
                if not mark.done():
                    mark.set_result(None)
            self._marks.clear()
        if changes:
            self._plane_changed()

    def _plane_changed(self) -> None:
        """The table or a listener changed: tell problems once, wake whoever waits for changes."""
        if self._plane is None:
            return
        problems = frozenset(self._plane.problems())
        log_problems(logger, problems - self._plane_problems, self._plane_problems - problems)
        self._plane_problems = problems
        touched = self._plane.take_touched()
        for feed in self._feeds if touched else ():
            feed.touch(touched)

    def _failed(self, error: BaseException) -> None:
        """A fault of ours on the loop: `__aexit__` raises it."""
        if self._fault is not None and not self._fault.done():
            self._fault.set_exception(error)

    def _stop_following(self) -> None:
        """The table stays as it is; whoever waits for it to settle is told."""
        self._stopping = True
        for task in self._background:
            task.cancel()
        self._unschedule()
        for mark in self._asked:
            if not mark.done():
                mark.set_exception(RuntimeError(_STOPPED))

    def _close(self) -> None:
        plane, self._plane = self._plane, None
        if plane is not None:
            plane.close()
        for feed in self._feeds:
            feed.wake()


async def _raise_from(fault: asyncio.Future[None]) -> None:
    await fault
