"""A clock that is moved by hand, with as much of a loop as time limits need."""

from __future__ import annotations

from collections.abc import Callable


class Handle:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self._when = when
        self.callback: Callable[[], None] | None = callback

    def when(self) -> float:
        return self._when

    def cancel(self) -> None:
        self.callback = None


class Clock:
    """Stands in for the loop; only `turn` moves its time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.handles: list[Handle] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Handle:
        self.handles.append(Handle(when, callback))
        return self.handles[-1]

    def turn(self, now: float) -> None:
        """One turn of the loop at ``now``: run what is due, and nothing that this sets up."""
        self.now = now
        due, self.handles = (
            [handle for handle in self.handles if handle.when() <= now],
            [handle for handle in self.handles if handle.when() > now],
        )
        for handle in due:
            if handle.callback is not None:
                handle.callback()
