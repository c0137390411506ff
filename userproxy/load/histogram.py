"""Counts of durations in log-linear buckets: any number of values in little memory, added up exactly.

The buckets are those of HdrHistogram with a unit of 1 ns: exact below 2**bits, then 2**(bits - 1) equal
buckets for each doubling, so a bucket is narrower than 1/2**(bits - 1) of its values. Our own, as the package
hdrhistogram needs pbr and setuptools at run time for what is a page of arithmetic here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, sqrt

__all__ = ["COARSE_BITS", "FINE_BITS", "Histogram"]

FINE_BITS = 11
"""Three significant digits: 2,048 buckets, then 1,024 for each doubling."""
COARSE_BITS = 7
"""Within 1.6 %: for the many small histograms of a time line."""


class Histogram:
    """Durations in nanoseconds, none below 0."""

    __slots__ = ("_bits", "counts")

    def __init__(self, bits: int = FINE_BITS) -> None:
        self._bits = bits
        self.counts: dict[int, int] = {}
        """By index of the bucket."""

    @property
    def bits(self) -> int:
        return self._bits

    def record(self, value_ns: int, count: int = 1) -> None:
        """A clock that went backwards counts as 0."""
        shift = value_ns.bit_length() - self._bits
        if shift <= 0:
            index = value_ns if value_ns > 0 else 0
        else:
            index = (shift << (self._bits - 1)) + (value_ns >> shift)
        counts = self.counts
        counts[index] = counts.get(index, 0) + count

    def add(self, other: Histogram) -> None:
        """Add all values of ``other``: exactly where both have the same bits or this one is the coarser.

        Raises ValueError when this one is finer: digits that were not kept cannot be made up.
        """
        if other.bits < self._bits:
            raise ValueError(f"{other.bits} bits cannot be added to {self._bits}")
        if other.bits == self._bits:
            for index, count in other.counts.items():
                self.counts[index] = self.counts.get(index, 0) + count
        else:
            for index, count in other.counts.items():
                self.record(other.lowest(index), count)

    def lowest(self, index: int) -> int:
        """The lowest value of a bucket, in nanoseconds."""
        shift = self._shift(index)
        return (index - (shift << (self._bits - 1))) << shift

    def highest(self, index: int) -> int:
        """The highest value of a bucket, in nanoseconds: what percentiles are stated as, never too low."""
        return self.lowest(index) + (1 << self._shift(index)) - 1

    def _shift(self, index: int) -> int:
        return max(0, (index >> (self._bits - 1)) - 1)

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def buckets(self) -> Iterator[tuple[int, int]]:
        """(index, count) of the buckets that hold something, from low to high."""
        return iter(sorted(self.counts.items()))

    def percentile(self, percent: float) -> int | None:
        """The value that ``percent`` of all values do not exceed, in nanoseconds; None without values."""
        return self.percentiles((percent,))[0] if self.counts else None

    def percentiles(self, percents: Sequence[float]) -> tuple[int, ...]:
        """Those of ``percents``, in their order (rising), in one walk; () without values."""
        if not self.counts:
            return ()
        total = self.count
        wanted = [max(1, ceil(round(percent * total / 100, 6))) for percent in percents]
        found: list[int] = []
        seen = 0
        for index, count in self.buckets():
            seen += count
            while len(found) < len(wanted) and seen >= wanted[len(found)]:
                found.append(self.highest(index))
        return tuple(found)

    @property
    def least(self) -> int | None:
        return self.lowest(min(self.counts)) if self.counts else None

    @property
    def greatest(self) -> int | None:
        return self.highest(max(self.counts)) if self.counts else None

    def mean_and_deviation(self) -> tuple[float, float]:
        """In nanoseconds, by the middles of the buckets; zeros without values."""
        total = self.count
        if not total:
            return 0.0, 0.0
        middles = [(self._middle(index), count) for index, count in self.buckets()]
        mean = sum(middle * count for middle, count in middles) / total
        variance = sum((middle - mean) ** 2 * count for middle, count in middles) / total
        return mean, sqrt(variance)

    def _middle(self, index: int) -> int:
        return self.lowest(index) + (1 << self._shift(index) >> 1)

    def pairs(self) -> list[list[int]]:
        """[lowest value in nanoseconds, count] of each bucket, rising: the form of the JSON files."""
        return [[self.lowest(index), count] for index, count in self.buckets()]

    @classmethod
    def of_pairs(cls, pairs: Iterable[Sequence[int]], bits: int = FINE_BITS) -> Histogram:
        """The histogram that gave ``pairs``."""
        made = cls(bits)
        for value_ns, count in pairs:
            made.record(value_ns, count)
        return made

    @classmethod
    def sum(cls, histograms: Iterable[Histogram], bits: int = FINE_BITS) -> Histogram:
        made = cls(bits)
        for histogram in histograms:
            made.add(histogram)
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        return self._bits == other._bits and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Histogram({self.count} values, p50 {self.percentile(50)} ns)"
