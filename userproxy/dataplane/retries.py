"""Addresses that could not be bound or listened on: retried with back-off, one by one (rule L4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from userproxy.dataplane.deadlines import Deadline, Deadlines
from userproxy.model.routes import RouteKey

__all__ = ["BindRetries"]

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""At most one attempt a second for each address, two a minute in the long run."""


class _Failed:
    __slots__ = ("deadline", "reason", "times")

    def __init__(self) -> None:
        self.times = 0
        self.reason = ""
        self.deadline: Deadline | None = None


class BindRetries:
    """Who is waiting for an address, and why."""

    __slots__ = ("_deadlines", "_failed", "_try_again")

    def __init__(self, deadlines: Deadlines, try_again: Callable[[Iterable[RouteKey]], None]) -> None:
        self._deadlines = deadlines
        self._try_again = try_again
        self._failed: dict[RouteKey, _Failed] = {}

    def failed(self, key: RouteKey, error: OSError | None) -> None:
        """``key`` has no address now; None: it was taken while the service port refused."""
        entry = self._failed.setdefault(key, _Failed())
        entry.reason = str(error.strerror) if error is not None else "Address already in use"
        if entry.deadline is None:
            pause_s = PAUSES_S[min(entry.times, len(PAUSES_S) - 1)]
            entry.times += 1
            entry.deadline = self._deadlines.after(pause_s, lambda: self._expired(key, entry))

    def succeeded(self, key: RouteKey) -> None:
        """``key`` has its address, or needs none any more."""
        entry = self._failed.pop(key, None)
        if entry is not None and entry.deadline is not None:
            entry.deadline.cancel()

    def reason(self, key: RouteKey) -> str:
        entry = self._failed.get(key)
        return entry.reason if entry is not None else ""

    def reasons(self) -> dict[RouteKey, str]:
        """Of all that wait, in order."""
        return {key: self._failed[key].reason for key in sorted(self._failed)}

    def close(self) -> None:
        for key in tuple(self._failed):
            self.succeeded(key)

    def _expired(self, key: RouteKey, entry: _Failed) -> None:
        entry.deadline = None
        self._try_again([key])
