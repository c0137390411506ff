"""A worker: one `DataPlane` in a process of its own, told by its parent what to serve."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from collections import deque
from collections.abc import Coroutine, Iterator
from importlib.metadata import version

from userproxy.dataplane.plane import DataPlane
from userproxy.errors import TakeoverError
from userproxy.model.names import ServicePortName
from userproxy.model.routes import RouteChanges
from userproxy.workers.assignment import Assignment
from userproxy.workers.channel import Channel, Message
from userproxy.workers.giver import Giver
from userproxy.workers.handed import HandedSockets
from userproxy.workers.log_forwarding import Forwarder, set_levels
from userproxy.workers.report_codec import settings_from, traffic_to
from userproxy.workers.reporting import Reports
from userproxy.workers.route_codec import Wire, key_from, key_to
from userproxy.workers.taker import Taker

__all__ = ["PROTOCOL", "Worker"]

PROTOCOL = 3
"""Grows with every change of a message; parent and worker are always of one installation."""
FLUSH_TIMEOUT_S = 1.0
TRAFFIC_PER_MESSAGE = 256
"""About a millisecond."""
_NO_DESCRIPTORS = "no descriptors are left in a worker"

logger = logging.getLogger(__name__)


class Worker:
    """Runs until its parent closes the socket, also by dying. Owns everything in the process."""

    def __init__(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[int] = self._loop.create_future()
        self._handed = HandedSockets()
        self._said: deque[Message] = deque([["hello", PROTOCOL, version("userproxy")]])
        """Short messages that go first."""
        self._answers: deque[Message] = deque()
        """Sent once all that was to report is sent."""
        self._settled = False
        self._generation = 0
        self._plane: DataPlane | None = None
        self._reports: Reports | None = None
        self._giver: Giver | None = None
        self._taker: Taker | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._logs = Forwarder(self._wake)
        logging.getLogger("userproxy").addHandler(self._logs)
        self._channel = Channel(
            sock, next_message=self._next_message, received=self._received, ended=self._parent_gone
        )
        self._channel.wake()

    async def run(self) -> int:
        """The exit code."""
        return await self._over

    def _wake(self) -> None:
        self._channel.wake()

    def _next_message(self) -> tuple[Message, list[int]] | None:
        if self._said:
            return self._said.popleft(), []
        message = self._logs.next_message()
        if message is None and self._reports is not None:
            message = self._reports.next_message()
        if message is None and self._answers:
            message = self._answers.popleft()
        return (message, []) if message is not None else None

    def _say(self, *message: object) -> None:
        self._said.append(list(message))
        self._wake()

    def _parent_gone(self, reason: str) -> None:
        """Cut what is open, as a proxy does that is not drained; the log of that is still heard out."""
        reports, self._reports = self._reports, None
        if self._plane is not None and reports is not None:
            reports.close()
            if self._giver is not None:  # the successor may have them already, and nobody will say
                self._release(self._plane)
            self._plane.close()
        if self._taker is not None:
            self._taker.close()
        self._handed.close()
        self._channel.finish(FLUSH_TIMEOUT_S)
        if not self._over.done():
            self._over.set_result(0)

    def _failed(self, error: BaseException) -> None:
        """A fault of ours: end at once, and leave the sockets to the next worker."""
        logger.error("a fault in a worker", exc_info=error)
        self._channel.finish(FLUSH_TIMEOUT_S)
        if not self._over.done():
            self._over.set_result(1)

    def _answer(self, *message: object) -> None:
        self._answers.append(list(message))
        self._wake()

    # What the parent says.

    def _received(self, message: Message, descriptors: list[int]) -> None:
        kind, *body = message
        try:
            if kind == "config":
                self._configure(*body)
            elif kind == "routes":
                removed, rows = body
                self._apply(removed, rows, descriptors)
            elif kind == "mark":
                self._start(self._mark(*body))
            elif kind == "ping":
                set_levels(body[0])
                self._say("pong")
            elif kind == "drain":
                self._start(self._drain(*body))
            elif kind == "traffic":
                self._start(self._tell_traffic(*body))
            else:
                self._take_part(kind, descriptors)
        except Exception as error:
            self._failed(error)

    def _configure(self, settings: dict[str, object], levels: dict[str, int], dormant: bool) -> None:
        set_levels(levels)
        self._plane = DataPlane(
            settings_from(settings),
            binder=self._handed,
            on_hold=self._on_hold,
            changed=self._changed,
            failed=self._failed,
            dormant=dormant,
        )
        self._reports = Reports(self._plane, self._wake)

    def _apply(self, removed: list[Wire], rows: list[Wire], descriptors: list[int]) -> None:
        assert self._plane is not None
        assert self._reports is not None
        gone = [key_from(key) for key in removed]
        for key in gone:
            self._handed.forget(key)
        handed = iter(descriptors)
        changed = []
        for row in rows:
            assignment = Assignment.from_wire(row)
            changed.append(assignment.route)
            self._reports.serve(assignment.route.key, assignment.incarnation)
            self._take_socket(assignment, handed)
        self._generation += 1
        self._plane.apply(RouteChanges(self._generation, changed=tuple(changed), removed=tuple(gone)))
        self._reports.take_changes()

    def _take_socket(self, assignment: Assignment, handed: Iterator[int]) -> None:
        key = assignment.route.key
        if not assignment.group_size:
            self._handed.fail(key, assignment.reason)
        elif assignment.has_socket:
            descriptor = next(handed, None)
            if descriptor is None:  # this process may not open more
                self._handed.fail(key, _NO_DESCRIPTORS)
                self._say("unreceived", key_to(key))
            else:
                self._handed.hand(assignment, descriptor)

    async def _mark(self, number: int, report: bool) -> None:
        """All that came before is in force, and told."""
        plane, reports = self._plane, self._reports
        assert plane is not None
        assert reports is not None
        await plane.published()
        if report:
            await reports.take_all()
            if not self._settled:
                self._settled = True
                gc.freeze()  # what exists at start lives long: the collector need not look at it again
        self._answer("marked", number)

    async def _drain(self, timeout_s: float) -> None:
        plane, reports = self._plane, self._reports
        assert plane is not None
        assert reports is not None
        report = await plane.drain(timeout_s)
        await reports.take_all()
        self._answer("drained", report.drained, report.cut)

    async def _tell_traffic(self, number: int, keys: list[Wire]) -> None:
        plane = self._plane
        assert plane is not None
        found = await plane.traffic(frozenset([key_from(key) for key in keys]))
        for start in range(0, len(found), TRAFFIC_PER_MESSAGE):
            part = found[start : start + TRAFFIC_PER_MESSAGE]
            self._answer("traffic", number, [traffic_to(one) for one in part], False)
            await asyncio.sleep(0)
        self._answer("traffic", number, [], True)

    # A takeover: of this worker by another, or the other way round.

    def _take_part(self, kind: str, descriptors: list[int]) -> None:
        assert self._plane is not None
        if kind == "give":
            if descriptors:  # else the other worker finds the line closed
                self._giver = Giver(self._plane, descriptors[0])
        elif kind == "resume":
            giver, self._giver = self._giver, None
            if giver is not None:
                giver.resume()
        elif kind == "release":
            self._release(self._plane)
        elif kind == "take":
            self._start(self._take(self._plane, descriptors))
        elif kind == "complete":
            self._start(self._complete())
        elif kind == "wake":
            self._plane.wake()
            if self._taker is not None:
                self._taker.close()
                self._taker = None

    def _release(self, plane: DataPlane) -> None:
        giver, self._giver = self._giver, None
        if giver is not None:
            giver.release()
        else:  # begun since the other worker took over from the one before
            handover = plane.handover()
            handover.freeze(())
            handover.release()
        if self._reports is not None:
            self._reports.take_states()

    async def _take(self, plane: DataPlane, descriptors: list[int]) -> None:
        try:
            if not descriptors:
                raise TakeoverError(_NO_DESCRIPTORS)
            self._taker = Taker(plane, descriptors[0])
            await self._taker.take()
            self._say("taken")
        except TakeoverError as error:
            self._say("untaken", str(error))

    async def _complete(self) -> None:
        assert self._taker is not None
        try:
            self._say("complete", *await self._taker.complete())
        except TakeoverError as error:
            self._say("untaken", str(error))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failed(error)

    # What the data plane says.

    def _changed(self) -> None:
        if self._reports is not None:
            self._reports.take_changes()

    def _on_hold(self, name: ServicePortName) -> None:
        """Told behind the numbers: whoever is asked to start an endpoint sees who waits."""
        if self._reports is not None:
            self._reports.touch(name)
        self._answer("hold", [name.namespace, name.name, name.port_name, name.protocol])
