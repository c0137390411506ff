"""Exponential back-off with jitter (rule R6). Pure: the time and the random number are passed in."""

from __future__ import annotations

__all__ = ["Backoff"]


class Backoff:
    """How long to wait after an error: 0.8 s doubling to 30 s, each lengthened by up to 100 %.

    While the API server is away, one watch settles at one request each 30 to 60 s: 0.022 requests a second,
    0.067 for the three watches of a proxy, 67 for a thousand nodes, spread evenly by the jitter. After
    two minutes without an error the next one starts at 0.8 s again; that is longer than the longest
    wait, so one outage is never taken for two. The figures are client-go's.
    """

    __slots__ = ("_calm_since_s", "_first_s", "_forget_after_s", "_jitter", "_longest_s", "_next_s")

    def __init__(
        self,
        *,
        first_s: float = 0.8,
        longest_s: float = 30.0,
        jitter: float = 1.0,
        forget_after_s: float = 120.0,
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._jitter = jitter
        self._forget_after_s = forget_after_s
        self._next_s = first_s
        self._calm_since_s = float("-inf")

    def wait_s(self, now_s: float, random: float, *, at_least_s: float = 0.0) -> float:
        """Seconds to wait after an error at ``now_s``; ``random`` in [0, 1), ``at_least_s`` a Retry-After."""
        if now_s - self._calm_since_s >= self._forget_after_s:
            self._next_s = self._first_s
        wait_s = max(self._next_s * (1 + self._jitter * random), at_least_s)
        self._next_s = min(2 * self._next_s, self._longest_s)
        # The wait itself is no time without error: nothing was tried.
        self._calm_since_s = now_s + wait_s
        return wait_s
