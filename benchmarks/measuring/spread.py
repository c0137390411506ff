"""Several values of one thing: their median and how far they lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Spread", "ratios"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of at least one value."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Raises ValueError for no value."""
        if not values:
            raise ValueError("a spread needs a value")
        return cls(median(values), min(values), max(values))


def ratios(values: Sequence[float], others: Sequence[float]) -> tuple[float, ...]:
    """Each value to the other one of its round. Raises ValueError when rounds are missing."""
    return tuple(value / other for value, other in zip(values, others, strict=True))
