"""Time limits by the thousand on one timer of the loop.

Limits of one length expire in the order in which they were set, so each length has a queue and only
the heads are looked at. A queue is a dict, which keeps that order: setting a limit is one insertion,
and a cancelled one is gone at once. Of several lengths, those that are due together are called in the
order of their ends, however late the loop is.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from itertools import takewhile
from operator import attrgetter

__all__ = ["Deadline", "Deadlines"]

logger = logging.getLogger(__name__)

_WHEN = attrgetter("when")


class Deadline:
    """One pending limit; `cancel` any number of times, also after it fired."""

    __slots__ = ("_queue", "callback", "when")

    def __init__(self, when: float, callback: Callable[[], None], queue: dict[Deadline, None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback
        self._queue = queue
        queue[self] = None

    def cancel(self) -> None:
        self.callback = None
        self._queue.pop(self, None)


class Deadlines:
    """Owns one timer handle; `close` cancels it and all limits."""

    __slots__ = ("_due", "_fires_at", "_loop", "_queues", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queues: dict[float, dict[Deadline, None]] = {}
        self._due: deque[Deadline] = deque()
        """Out of their queues, and called one after the other right now."""
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = 0.0

    def after(self, delay_s: float, callback: Callable[[], None]) -> Deadline:
        """Call ``callback`` once, ``delay_s`` from now, unless it is cancelled."""
        when = self._loop.time() + delay_s
        queue = self._queues.get(delay_s)
        if queue is None:
            queue = self._new_queue(delay_s)
        if self._timer is None or when < self._fires_at:
            self._arm(when)
        return Deadline(when, callback, queue)

    def __len__(self) -> int:
        """Limits that take memory: the pending ones."""
        return sum(map(len, self._queues.values()))

    def close(self) -> None:
        for queue in self._queues.values():
            queue.clear()
        self._queues.clear()
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _new_queue(self, delay_s: float) -> dict[Deadline, None]:
        """Few lengths are in use at a time: those that are not make room."""
        self._forget_empty()
        queue = self._queues[delay_s] = {}
        return queue

    def _forget_empty(self) -> None:
        for delay_s in [delay_s for delay_s, queue in self._queues.items() if not queue]:
            del self._queues[delay_s]

    def _arm(self, when: float) -> None:
        """See that the timer fires at ``when`` at the latest."""
        if self._timer is not None:
            if self._fires_at <= when:
                return
            self._timer.cancel()
        self._fires_at = when
        self._timer = self._loop.call_at(when, self._expire)

    def _arm_for_heads(self) -> None:
        for queue in self._queues.values():
            if queue:
                self._arm(next(iter(queue)).when)

    def _expire(self) -> None:
        self._timer = None
        # The loop may fire a timer a clock tick early.
        now = self._loop.time() + 0.001
        due: list[Deadline] = []
        for queue in self._queues.values():
            expired = list(takewhile(lambda deadline: deadline.when <= now, queue))
            for deadline in expired:
                del queue[deadline]
            due += expired
        self._forget_empty()
        self._due.extend(sorted(due, key=_WHEN))
        while self._due:
            callback = self._due.popleft().callback
            if callback is not None:
                _run(callback)
        self._arm_for_heads()


def _run(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:  # one limit's fault must not lose the others
        logger.exception("what a time limit called failed")
