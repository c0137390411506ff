"""Is memory flat? Two windows of samples are compared; the slope says where it is going."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, median

__all__ = ["Flatness", "Sample", "judge"]

WINDOW_S = 60.0
"""Of a run that is long enough; of shorter ones a quarter each."""
WARM_UP_S = 30.0
"""Dropped at the start, or a third of a shorter run: buffers, tables and the allocator's arenas come into
being, and the collector has not yet gone through its first rounds."""
GROWTH_ALLOWED = 0.02
GROWTH_ALLOWED_BYTES = 1 << 20
CRITERION = (
    "flat when the median of the last minute is at most 2 % or 1 MiB, whichever is more, above the median of"
    " the first minute after 30 s of warm-up (runs under four minutes: of quarters; of 90 s: after a third)"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """The proxy at one moment of the run."""

    at_s: float
    resident_bytes: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Flatness:
    """Medians of the first and the last window, and the slope of all that follows the warm-up."""

    first_bytes: float
    last_bytes: float
    slope_bytes_per_minute: float

    @property
    def flat(self) -> bool:
        allowed = max(self.first_bytes * GROWTH_ALLOWED, GROWTH_ALLOWED_BYTES)
        return self.last_bytes - self.first_bytes <= allowed


def judge(samples: Sequence[Sample], seconds: float) -> Flatness:
    """Raises ValueError when there are fewer than two samples after the warm-up."""
    window_s = min(WINDOW_S, seconds / 4)
    warm = [sample for sample in samples if sample.at_s >= min(WARM_UP_S, seconds / 3)]
    if len(warm) < 2:
        raise ValueError("too few samples to tell whether memory is flat")
    begins_s, ends_s = warm[0].at_s, warm[-1].at_s
    slope = linear_regression([s.at_s for s in warm], [s.resident_bytes for s in warm]).slope
    return Flatness(
        first_bytes=median(s.resident_bytes for s in warm if s.at_s <= begins_s + window_s),
        last_bytes=median(s.resident_bytes for s in warm if s.at_s >= ends_s - window_s),
        slope_bytes_per_minute=slope * 60,
    )
