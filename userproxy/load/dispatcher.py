"""Who sends when. Open loop: what is due goes to the connection that has been free longest. Closed loop: a
connection that is free sends again. No socket and no clock: time comes with each call.

What is due and finds no free connection waits in the schedule itself, which costs no memory: a connection
that gets free asks it. What is overdue by more than the time-out is given up and counts as not sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Protocol

from userproxy.load.tally import Tally

__all__ = ["REST_NS", "Dispatcher", "Slot"]

REST_NS = 100_000_000
"""In closed loop a connection that could not be made is tried again after 0.1 s."""


class Slot(Protocol):
    """A connection, or a place for a datagram in flight: one request at a time."""

    def start(self, intended_ns: int, now_ns: int) -> None:
        """Send. `Dispatcher.free` is told of the end, good or bad."""
        ...


class Dispatcher:
    """Of one run. ``starts``: see `intended_starts`; None in closed loop."""

    __slots__ = ("_end", "_idle", "_in_flight", "_next", "_resting", "_start", "_starts", "_tally",
                 "_timeout")  # fmt: skip

    def __init__(self, tally: Tally, starts: Iterator[int] | None, *, timeout_ns: int) -> None:
        self._tally = tally
        self._starts = starts
        self._timeout = timeout_ns
        self._start = self._end = self._next = 0
        self._idle: deque[Slot] = deque()
        self._resting: deque[tuple[int, Slot]] = deque()
        self._in_flight = 0

    def begin(self, start_ns: int, end_ns: int) -> None:
        """Requests begin from ``start_ns`` on, and before ``end_ns``."""
        self._start = start_ns
        self._end = end_ns
        if self._starts is not None:
            self._advance()

    @property
    def in_flight(self) -> int:
        return self._in_flight

    def add(self, slot: Slot) -> None:
        """One more slot, before the start."""
        self._idle.append(slot)

    def wait_ns(self, now_ns: int) -> int | None:
        """Until something is due that can be done; None: until a slot is free."""
        if now_ns >= self._end:
            return None
        if self._starts is None:
            if self._idle:
                return 0
            return max(0, self._resting[0][0] - now_ns) if self._resting else None
        return max(0, self._next - now_ns) if self._idle else None

    def run_due(self, now_ns: int) -> None:
        """Start what is due, as far as slots are free."""
        idle = self._idle
        if self._starts is None:
            while self._resting and self._resting[0][0] <= now_ns:
                idle.append(self._resting.popleft()[1])
            while idle and now_ns < self._end:
                self._begin_unasked(idle.popleft(), now_ns)
            return
        while idle and self._overdue(now_ns):
            self._begin_next(idle.popleft(), now_ns, waited=False)

    def free(self, slot: Slot, now_ns: int, *, rest: bool = False) -> None:
        """``slot`` has its answer, or failed; with ``rest``: at once, as a connection that is refused."""
        self._in_flight -= 1
        if self._starts is None:
            if rest:
                self._resting.append((now_ns + REST_NS, slot))
            elif now_ns < self._end:
                self._begin_unasked(slot, now_ns)
        elif self._idle or rest or not self._overdue(now_ns):
            self._idle.append(slot)
        else:
            self._begin_next(slot, now_ns, waited=True)

    def end(self, now_ns: int) -> None:
        """No request begins from now on; what was due before and did not begin was not sent."""
        self._end = min(self._end, now_ns)
        if self._starts is not None:
            while self._next < self._end:
                self._tally.not_sent(self._next)
                self._advance()

    def _overdue(self, now_ns: int) -> bool:
        """Something is due that has not begun; what waited too long is given up."""
        while self._next <= now_ns and self._next < self._end:
            if now_ns - self._next <= self._timeout:
                return True
            self._tally.not_sent(self._next)
            self._advance()
        return False

    def _advance(self) -> None:
        assert self._starts is not None
        self._next = self._start + next(self._starts)

    def _begin_next(self, slot: Slot, now_ns: int, *, waited: bool) -> None:
        intended_ns = self._next
        self._advance()
        self._in_flight += 1
        self._tally.begun(intended_ns, now_ns, waited=waited)
        slot.start(intended_ns, now_ns)

    def _begin_unasked(self, slot: Slot, now_ns: int) -> None:
        self._in_flight += 1
        self._tally.begun_unasked(now_ns)
        slot.start(now_ns, now_ns)
