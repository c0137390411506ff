"""Time limits by the thousand on one timer of the loop.

Limits of one length expire in the order in which they were set, so each length has a queue and only
the heads are looked at: setting and cancelling cost one append and one assignment. Of several lengths,
those that are due together are called in the order of their ends, however late the loop is.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from operator import attrgetter

__all__ = ["LEAST_SWEEP", "Deadline", "Deadlines"]

logger = logging.getLogger(__name__)

_WHEN = attrgetter("when")


LEAST_SWEEP = 1024
"""Fewer cancelled limits are not worth a look."""


class Deadline:
    """One pending limit; `cancel` any number of times, also after it fired."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Deadlines:
    """Owns one timer handle; `close` cancels it and all limits."""

    __slots__ = ("_due", "_fires_at", "_loop", "_queues", "_size", "_sweep_at", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queues: dict[float, deque[Deadline]] = {}
        self._size = 0
        """Limits in all queues, with those that were cancelled."""
        self._sweep_at = LEAST_SWEEP
        self._due: deque[Deadline] = deque()
        """Out of their queues, and called one after the other right now."""
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = 0.0

    def after(self, delay_s: float, callback: Callable[[], None]) -> Deadline:
        """Call ``callback`` once, ``delay_s`` from now, unless it is cancelled."""
        when = self._loop.time() + delay_s
        deadline = Deadline(when, callback)
        queue = self._queues.get(delay_s)
        if queue is None:
            queue = self._queues[delay_s] = deque()
        queue.append(deadline)
        self._size += 1
        if self._size >= self._sweep_at:
            self._sweep()
        self._arm(when)
        return deadline

    def __len__(self) -> int:
        """Limits that take memory: pending ones, and cancelled ones that were not swept out yet."""
        return self._size

    def close(self) -> None:
        self._queues.clear()
        self._size = 0
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        """Forget what was cancelled."""
        for delay_s, queue in list(self._queues.items()):
            live = deque(deadline for deadline in queue if deadline.callback is not None)
            self._size += len(live) - len(queue)
            if live:
                self._queues[delay_s] = live
            else:
                del self._queues[delay_s]
        self._sweep_at = max(LEAST_SWEEP, 2 * self._size)

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
                self._arm(queue[0].when)

    def _expire(self) -> None:
        self._timer = None
        # The loop may fire a timer a clock tick early.
        now = self._loop.time() + 0.001
        due: list[Deadline] = []
        for delay_s, queue in list(self._queues.items()):
            while queue and (queue[0].callback is None or queue[0].when <= now):
                due.append(queue.popleft())
                self._size -= 1
            if not queue:
                del self._queues[delay_s]
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
