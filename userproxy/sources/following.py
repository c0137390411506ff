"""One consumer's time with given files: looks, hints, what was asked for, and the threads behind them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from userproxy.model.events import Event, Mark, SourceProblems, Synced
from userproxy.model.names import ObjectRef
from userproxy.model.problems import Problem, Severity
from userproxy.sources.folder_watch import watch_folders
from userproxy.sources.follower import Follower, Step
from userproxy.sources.given import Given
from userproxy.sources.sights import Sight
from userproxy.sources.stability import RESTLESS_S
from userproxy.sources.streams import read_to_end
from userproxy.sources.threads import Stop, Threads

__all__ = ["Following", "Requests"]

_REST = 4.0
"""Pause after a look, in times of what it took: many or slow files cost a fifth of one core at most."""
_SHORTEST_REST_S = 0.01
_LONGEST_REST_S = 1.0
_WATCH = ObjectRef("watch", "", "of files")


@dataclass(slots=True)
class _Pending:
    event: Event
    deadline_s: float | None = None
    """When it comes out although something still changes; None until the look that it waits for begins."""


class Requests:
    """What is asked of a source, before and while it runs. For the loop's thread alone."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        """Set when it is time to look, whatever the clock says."""
        self._pending: deque[_Pending] = deque()
        self._afresh = False

    def begin(self) -> None:
        """A consumer starts: it gets `Synced` first, then what was asked for before it came."""
        marks = [_Pending(pending.event) for pending in self._pending if isinstance(pending.event, Mark)]
        self._pending = deque([_Pending(Synced()), *marks])

    def mark(self, token: object) -> None:
        self._pending.append(_Pending(Mark(token)))
        self.wake.set()

    def reload(self) -> None:
        self._afresh = True
        self.wake.set()

    def begin_look(self, now_s: float) -> bool:
        """The look that begins answers what was asked until now; returns whether it is to read afresh."""
        self.wake.clear()
        for pending in self._pending:
            if pending.deadline_s is None:
                pending.deadline_s = now_s + RESTLESS_S
        afresh, self._afresh = self._afresh, False
        return afresh

    def answered(self, now_s: float, *, settled: bool) -> Iterator[Event]:
        """Take out what the last look has answered, in the order in which it was asked."""
        while self._pending:
            deadline_s = self._pending[0].deadline_s
            if deadline_s is None or not (settled or now_s >= deadline_s):
                return
            yield self._pending.popleft().event


class Following:
    """Owns the threads that look, read streams and wait for hints; `close` ends them all."""

    def __init__(
        self,
        follower: Follower,
        streams: Collection[Given],
        delivered: dict[ObjectRef, Sight],
        requests: Requests,
    ) -> None:
        """``delivered`` has what earlier consumers read of ``streams``; what is read now is added to it."""
        self._follower = follower
        self._requests = requests
        self._delivered = delivered
        self._undelivered = dict(delivered)
        # One for looks, one for hints, one for each stream: none has to wait for another.
        self._threads = Threads(2 + len(streams))
        self._stop = Stop()
        self._streams = {
            given.ref: self._threads.start(read_to_end, given, self._stop)
            for given in streams
            if given.ref not in delivered
        }
        for stream in self._streams.values():
            stream.add_done_callback(lambda _: requests.wake.set())
        self._watch: asyncio.Future[str] | None = None
        self._watch_stop: Stop | None = None
        self._watched: frozenset[tuple[str, int, int]] = frozenset()
        self._unwatched = ""
        """Why there are no hints; "" when there are."""
        self._due_s: float | None = None
        self._rest_s = 0.0
        requests.begin()

    async def look(self, *, watching: bool) -> list[Event]:
        """Look at everything once: the events of what counts now, and behind them what was asked for."""
        loop = asyncio.get_running_loop()
        afresh = self._requests.begin_look(loop.time())
        self._collect_streams()
        delivered, self._undelivered = self._undelivered, {}
        events, step = await self._threads.start(self._step, delivered, afresh)
        self._due_s = step.due_s
        self._rest_s = min(max(step.look_s * _REST, _SHORTEST_REST_S), _LONGEST_REST_S)
        if watching:
            events += await self._follow_folders(step)
        if not self._streams:
            events += self._requests.answered(loop.time(), settled=step.settled)
        return events

    async def rest(self, poll_interval_s: float | None) -> None:
        """Return when it is time to look again: asked, hinted, due, or after ``poll_interval_s``."""
        await asyncio.sleep(self._rest_s)
        waits = [wait_s for wait_s in (self._due_s, poll_interval_s) if wait_s is not None]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(waits, default=None)):
                await self._requests.wake.wait()

    async def close(self) -> None:
        """Return when every thread has ended. Call it once."""
        self._stop.set()
        if self._watch_stop is not None:
            self._watch_stop.set()
        await self._threads.close()
        self._stop.close()
        if self._watch_stop is not None:
            self._watch_stop.close()

    def _step(self, delivered: dict[ObjectRef, Sight], afresh: bool) -> tuple[list[Event], Step]:
        """Everything that blocks."""
        events = [event for ref in sorted(delivered) for event in self._follower.take(ref, delivered[ref])]
        step = self._follower.step(afresh=afresh)
        return [*events, *step.events], step

    def _collect_streams(self) -> None:
        for ref, stream in tuple(self._streams.items()):
            if stream.done() and (sight := stream.result()) is not None:
                self._delivered[ref] = self._undelivered[ref] = sight
                del self._streams[ref]

    async def _follow_folders(self, step: Step) -> list[Event]:
        """Watch the folders that there are now; what is wrong with that, when it changed."""
        if self._watch is not None and self._watch.done() and not self._watch.result():
            self._watched = frozenset()
        if step.folders != self._watched:
            await self._watch_anew(step.folders)
        unwatched = self._watch.result() if self._watch is not None and self._watch.done() else ""
        if unwatched == self._unwatched:
            return []
        self._unwatched = unwatched
        message = f"{unwatched}; changes are seen later" if unwatched else ""
        problem = Problem(_WATCH, "", "", "", message, Severity.WARNING)
        return [SourceProblems(_WATCH, (problem,) if unwatched else ())]

    async def _watch_anew(self, folders: frozenset[tuple[str, int, int]]) -> None:
        if self._watch is not None and self._watch_stop is not None:
            self._watch_stop.set()
            await self._watch
            self._watch_stop.close()
        loop, wake = asyncio.get_running_loop(), self._requests.wake.set

        def changed() -> None:
            loop.call_soon_threadsafe(wake)

        paths = {path for path, *_ in folders}
        self._watched, self._watch_stop = folders, Stop()
        self._watch = self._threads.start(watch_folders, paths, changed, self._watch_stop)
        self._watch.add_done_callback(lambda _: wake())
