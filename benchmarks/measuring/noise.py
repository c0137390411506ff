"""Whether two series of values differ by more than they scatter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, inf
from random import Random
from statistics import median

__all__ = ["FLOOR", "LEAST", "LEVEL", "Change", "by_chance", "change"]

RESAMPLES = 4000
LEAST = 3
"""With fewer values the interval is without bounds."""
LEVEL = 0.99
"""Part of the resampled ratios that lie within the interval."""
FLOOR = 0.03
"""A smaller difference is none: processes that were started anew differ by as much."""


@dataclass(frozen=True, slots=True)
class Change:
    """Ratio of the medians, after to before, with its bootstrap interval."""

    ratio: float
    low: float
    high: float

    @property
    def exceeds_noise(self) -> bool:
        """The interval leaves out 1, and the medians differ by more than `FLOOR`."""
        return not self.low <= 1.0 <= self.high and abs(self.ratio - 1.0) > FLOOR


def change(before: Sequence[float], after: Sequence[float]) -> Change:
    """Percentile bootstrap: both series are drawn anew with replacement, always in the same way.

    Raises ValueError for no value, and ZeroDivisionError when the median of ``before`` is 0.
    """
    if not before or not after:
        raise ValueError("a change needs values before and after")
    ratio = median(after) / median(before)
    if min(len(before), len(after)) < LEAST:
        return Change(ratio, 0.0, inf)
    random = Random(0)
    drawn = sorted(
        median(random.choices(after, k=len(after))) / median(random.choices(before, k=len(before)))
        for _ in range(RESAMPLES)
    )
    edge = round((1 - LEVEL) / 2 * RESAMPLES)
    return Change(ratio, drawn[edge], drawn[-1 - edge])


def by_chance(rounds: int) -> float:
    """How probable it is that two series of so many values from one source do not overlap at all."""
    return 2 / comb(2 * rounds, rounds)
