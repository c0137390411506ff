"""The parent's end to one worker: starts it, keeps it alive, and sends it what has changed.

What waits for the worker is a set of keys, not a list of changes: a slow worker gets the newest route of
each, and what waits is bounded by the table.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from _socket import socket as Socket
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.metadata import version
from itertools import islice
from typing import Any, Protocol

from userproxy.errors import WorkerError
from userproxy.log import log_event
from userproxy.model.routes import RouteKey
from userproxy.settings import Settings
from userproxy.workers.assignment import Assignment
from userproxy.workers.channel import HUNG_UP, Channel, Message
from userproxy.workers.log_forwarding import levels_now, tell
from userproxy.workers.process import WorkerProcess
from userproxy.workers.report_codec import settings_to
from userproxy.workers.route_codec import Wire, key_from, key_to
from userproxy.workers.worker import PROTOCOL

__all__ = ["Link", "Mark", "Table"]

logger = logging.getLogger(__name__)

ROUTES_PER_MESSAGE = 64
BEAT_S = 1.0
BEATS_UNTIL_STUCK = 5
BEATS_UNTIL_STARTED = 30
"""Counted, not timed: a parent that was stopped itself kills nobody."""
PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Before a worker is replaced that has died so many times in a row, each time young."""
YOUNG_S = 10.0
MOST_FALSE_STARTS = 3
"""Of a worker that never once came up: then it is no accident."""
REAP_S = 0.01
REAPS = 100
"""Looks until a worker that has hung up, and goes on, is killed."""
SEND_AGAIN_S = 1.0


class Table(Protocol):
    """What a fleet tells its links, and what they tell it."""

    dormant: bool
    """Workers shall take nothing in until they are told to wake."""

    def assignment(self, key: RouteKey, worker: int) -> tuple[Assignment, Socket | None] | None:
        """What ``worker`` serves for ``key`` now, and its socket, if it could be bound; None: nothing."""
        ...

    def keys_of(self, worker: int) -> Iterable[RouteKey]: ...

    def ports_reported(self, worker: int, ports: list[Wire]) -> None: ...

    def held(self, worker: int, name: Wire) -> None: ...

    def drained(self, worker: int, drained: int, cut: int) -> None: ...

    def told(self, worker: int, kind: str, body: list[Any]) -> None:
        """How it gets on with a takeover, or its answer to a question."""
        ...

    def lost(self, worker: int) -> None:
        """It is dead, and everything that it had open."""
        ...

    def failed(self, error: BaseException) -> None:
        """There will never be a worker."""
        ...


class Mark:
    """Comes back once all that was sent before it is in force in every worker that lives."""

    def __init__(self, done: Callable[[], None], *, report: bool) -> None:
        """``report``: and once all counters have been told."""
        self._done = done
        self.report = report
        self._missing: set[Link] = set()

    def expect(self, links: Iterable[Link]) -> None:
        self._missing.update(links)
        if not self._missing:
            self._done()

    def back(self, link: Link) -> None:
        if link in self._missing:
            self._missing.discard(link)
            if not self._missing:
                self._done()


class Link:
    """Owns one worker process at a time, from `start` to `close`."""

    def __init__(self, index: int, settings: Settings, table: Table, loop_kind: str) -> None:
        self.index = index
        self._settings = settings
        self._table = table
        self._loop_kind = loop_kind
        self._loop = asyncio.get_running_loop()
        self._process: WorkerProcess | None = None
        self._channel: Channel | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pending: dict[RouteKey | Mark, None] = {}
        self._gone: dict[RouteKey, None] = {}
        self._control: deque[tuple[Message, socket.socket | None]] = deque()
        self._under_way: socket.socket | None = None
        """Goes with the message that is being sent."""
        self._sent: dict[RouteKey, tuple[int, Socket | None]] = {}
        """What the worker has: which incarnation, and which socket."""
        self._marks: dict[int, Mark] = {}
        self._marks_sent = 0
        self._greeted = False
        self._beats = 0
        """Heartbeats since it last answered."""
        self._deaths = 0
        self._started_at = 0.0
        self._closing = False
        self._ever_greeted = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def serving(self) -> bool:
        """It is alive, and has come up."""
        return self._channel is not None and self._greeted

    @property
    def alive(self) -> bool:
        """It was started, and has not been found dead or stuck."""
        return self._channel is not None

    def start(self) -> None:
        """Start a worker and tell it everything. Raises OSError the first time."""
        self._process = process = WorkerProcess(self._loop_kind)
        self._started_at = self._loop.time()
        self._greeted = False
        self._beats = 0
        self._channel = Channel(
            process.sock, next_message=self._next_message, received=self._received, ended=self._lost
        )
        self._sent.clear()
        self._gone.clear()
        self._pending = dict.fromkeys(self._table.keys_of(self.index))
        config: Message = ["config", settings_to(self._settings), levels_now(), self._table.dormant]
        self._control.append((config, None))
        self._channel.wake()
        self._timer = self._loop.call_later(BEAT_S, self._beat)

    def touch(self, keys: Iterable[RouteKey]) -> None:
        """What ``keys`` stand for has changed."""
        if self._channel is not None and not self._closing:
            self._pending.update(dict.fromkeys(keys))
            self._channel.wake()

    def forget(self, key: RouteKey) -> None:
        """``key`` is gone. Told before anything else, as another service port may have its socket next."""
        if self._channel is not None:
            self._gone[key] = None
            self._channel.wake()

    def mark(self, mark: Mark) -> None:
        self._pending[mark] = None
        if self._channel is not None:
            self._channel.wake()

    def say(self, *message: object, sock: socket.socket | None = None) -> None:
        """Before all routes that wait; ``sock`` goes along, and is closed here."""
        if self._channel is not None:
            self._control.append((list(message), sock))
            self._channel.wake()
        elif sock is not None:
            sock.close()

    def release(self) -> None:
        """Another process serves: let go of what both have. `drain` is next; nobody is replaced."""
        self._stop_serving()
        self.say("release")

    def _stop_serving(self) -> None:
        self._closing = True
        self._gone.clear()
        self._pending = {mark: None for mark in self._pending if isinstance(mark, Mark)}

    def drain(self, timeout_s: float) -> None:
        """Take in nothing more; `Table.drained` is told how it went, or `Table.lost`. Nobody is replaced."""
        self._stop_serving()
        self.say("drain", timeout_s)

    def hang_up(self) -> None:
        """The worker shall cut what is open, and end; `close` waits for that."""
        self._closing = True
        if self._channel is not None:
            self._channel.hang_up()

    def close(self, timeout_s: float) -> None:
        """Wait for the end of the worker; kill it after ``timeout_s``."""
        self._closing = True
        self._stop_timer()
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.hear_out(timeout_s)
        self._forget_control()
        if self._process is not None:
            self._process.wait(timeout_s)
            self._process = None

    # What is sent.

    def _next_message(self) -> tuple[Message, list[int]] | None:
        self._close_sent()
        if self._control:
            message, self._under_way = self._control.popleft()
            return message, [] if self._under_way is None else [self._under_way.fileno()]
        if not self._greeted:
            return None
        while self._gone:
            if known := self._next_gone():
                return ["routes", known, []], []
        if not self._pending:
            return None
        batch = list(islice(self._pending, ROUTES_PER_MESSAGE))
        if isinstance(batch[0], Mark):
            del self._pending[batch[0]]
            self._marks_sent += 1
            self._marks[self._marks_sent] = batch[0]
            return ["mark", self._marks_sent, batch[0].report], []
        removed: list[Wire] = []
        rows: list[Wire] = []
        descriptors: list[int] = []
        for key in batch:
            if isinstance(key, Mark):
                break
            del self._pending[key]
            self._describe(key, removed, rows, descriptors)
        return ["routes", removed, rows], descriptors

    def _close_sent(self) -> None:
        """The message before is sent, or will never be."""
        if self._under_way is not None:
            self._under_way.close()
            self._under_way = None

    def _forget_control(self) -> None:
        self._close_sent()
        for _, sock in self._control:
            if sock is not None:
                sock.close()
        self._control.clear()

    def _next_gone(self) -> list[Wire]:
        """A batch of those that are gone; only such as the worker knows."""
        gone = list(islice(self._gone, ROUTES_PER_MESSAGE))
        for key in gone:
            del self._gone[key]
        return [key_to(key) for key in gone if self._sent.pop(key, None) is not None]

    def _describe(self, key: RouteKey, removed: list[Wire], rows: list[Wire], descriptors: list[int]) -> None:
        found = self._table.assignment(key, self.index)
        before = self._sent.get(key)
        if before is not None and (found is None or found[0].incarnation != before[0]):
            removed.append(key_to(key))
            del self._sent[key]
        if found is None:
            return
        assignment, sock = found
        if sock is not None and self._sent.get(key) != (assignment.incarnation, sock):
            assignment = replace(assignment, has_socket=True)
            descriptors.append(sock.fileno())
        self._sent[key] = (assignment.incarnation, sock)
        rows.append(assignment.to_wire())

    # What comes.

    def _received(self, message: Message, descriptors: list[int]) -> None:
        kind, *body = message
        if kind == "hello":
            self._greet(*body)
        elif kind == "pong":
            self._beats = 0
        elif kind == "ports":
            self._table.ports_reported(self.index, *body)
        elif kind == "marked":
            self._marks.pop(body[0]).back(self)
        elif kind == "logs":
            tell(self.index, *body)
        elif kind == "hold":
            self._table.held(self.index, *body)
        elif kind == "drained":
            self._table.drained(self.index, *body)
        elif kind == "unreceived":
            self._send_again(key_from(*body))
        elif kind in ("taken", "complete", "untaken", "traffic"):
            self._table.told(self.index, kind, body)

    def _greet(self, protocol: int, release: str) -> None:
        if (protocol, release) != (PROTOCOL, version("userproxy")):
            self._end(f"protocol {protocol} of userproxy {release}: installed anew while this one runs?")
            return
        self._greeted = self._ever_greeted = True
        self._beats = 0
        log_event(logger, logging.INFO, "worker_started", worker=self.index, pid=self.pid)
        if self._channel is not None:
            self._channel.wake()

    def _send_again(self, key: RouteKey) -> None:
        """The worker had no descriptor for its socket: later it may."""
        self._sent.pop(key, None)
        self._loop.call_later(SEND_AGAIN_S, self.touch, (key,))

    # Life and death.

    def _beat(self) -> None:
        limit = BEATS_UNTIL_STUCK if self._greeted else BEATS_UNTIL_STARTED
        if self._beats >= limit:
            self._end(f"no answer for {limit * BEAT_S:g} s")
            return
        if not self._beats and self._channel is not None:
            self.say("ping", levels_now())
        self._beats += 1
        self._timer = self._loop.call_later(BEAT_S, self._beat)

    def _end(self, reason: str) -> None:
        """It is of no use: stuck, or of another version."""
        if self._process is not None:
            self._process.kill()
        self._lost(reason)

    def _lost(self, reason: str) -> None:
        self._stop_timer()
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
        self._forget_control()
        waiting = [*self._marks.values(), *(mark for mark in self._pending if isinstance(mark, Mark))]
        self._marks.clear()
        self._pending.clear()
        self._gone.clear()
        self._table.lost(self.index)
        for mark in waiting:
            mark.back(self)
        self._reap(reason, REAPS)

    def _reap(self, reason: str, tries: int) -> None:
        if self._process is None:
            return
        ending = self._process.ended()
        if ending is None:
            if not tries:
                self._process.kill()
            self._timer = self._loop.call_later(REAP_S, self._reap, reason, tries - 1)
            return
        self._process = None
        if not self._closing:
            self._replace(ending if reason == HUNG_UP else reason)

    def _replace(self, reason: str) -> None:
        """At once; later when it is the rule that it dies."""
        old = self._loop.time() - self._started_at >= YOUNG_S
        self._deaths = 1 if old else self._deaths + 1
        if self._deaths >= MOST_FALSE_STARTS and not self._ever_greeted:
            self._table.failed(WorkerError(f"worker {self.index} does not start: {reason}"))
            return
        pause_s = PAUSES_S[min(self._deaths, len(PAUSES_S)) - 1]
        log_event(logger, logging.WARNING, "worker_lost", worker=self.index, message=reason, retry_s=pause_s)
        self._timer = self._loop.call_later(pause_s, self._start_again)

    def _start_again(self) -> None:
        try:
            self.start()
        except OSError as error:  # no process, or no descriptor, can be had now
            self._replace(str(error.strerror))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
