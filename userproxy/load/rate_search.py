"""The highest rate at which a condition holds: doubled until it fails, then sought in between. No clock."""

from __future__ import annotations

from math import sqrt

__all__ = ["RateSearch"]

NEAR = 1.05
"""Good enough when the lowest bad rate is at most so many times the highest good one."""
LOWEST_RATE = 1.0
CHANCES = 2
"""A rate is bad when it failed so often: one bad moment of a shared machine shall not decide."""


class RateSearch:
    """``rate`` is the next one to try, None at the end; `tell` how it went."""

    __slots__ = ("_bad", "_failed", "_highest", "good", "rate")

    def __init__(self, first: float, *, highest: float) -> None:
        self.rate: float | None = min(first, highest)
        self.good: float | None = None
        """The highest rate that held."""
        self._bad: float | None = None
        self._highest = highest
        self._failed = 0

    def tell(self, held: bool) -> None:
        """How `rate` went."""
        assert self.rate is not None
        if held:
            self.good = self.rate
        else:
            self._failed += 1
            if self._failed < CHANCES:
                return
            self._bad = self.rate
        self._failed = 0
        self.rate = self._next()

    def _next(self) -> float | None:
        if self.good is None:
            assert self._bad is not None
            return self._bad / 2 if self._bad / 2 >= LOWEST_RATE else None
        if self._bad is None:
            return min(2 * self.good, self._highest) if self.good < self._highest else None
        return None if self._bad <= NEAR * self.good else sqrt(self.good * self._bad)
