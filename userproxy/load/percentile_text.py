"""A histogram as HdrHistogram's percentile distribution, which its plotters and wrk2's users read.

The form is that of outputPercentileDistribution in HdrHistogram: value, percentile, count up to there,
1/(1 - percentile), with five steps for each halving of the distance to 100 %, then mean, deviation, maximum
and bucket counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, log2

from userproxy.load.histogram import Histogram

__all__ = ["percentile_text"]

STEPS_PER_HALVING = 5
NS_PER_UNIT = 1_000_000
"""Values are stated in milliseconds."""


def percentile_text(histogram: Histogram) -> str:
    lines = [f"{'Value':>12s} {'Percentile':>14s} {'TotalCount':>10s} {'1/(1-Percentile)':>14s}", ""]
    for value_ns, fraction, count in _levels(histogram):
        line = f"{value_ns / NS_PER_UNIT:12.3f} {fraction:2.12f} {count:10d}"
        lines.append(line if fraction >= 1 else f"{line} {1 / (1 - fraction):14.2f}")
    mean, deviation = histogram.mean_and_deviation()
    greatest = histogram.greatest or 0
    # As many doublings as the greatest value needs, each with so many parts.
    buckets = max(1, greatest.bit_length() - histogram.bits + 1)
    lines += [
        f"#[Mean    = {mean / NS_PER_UNIT:12.3f}, StdDeviation   = {deviation / NS_PER_UNIT:12.3f}]",
        f"#[Max     = {greatest / NS_PER_UNIT:12.3f}, Total count    = {histogram.count:12d}]",
        f"#[Buckets = {buckets:12d}, SubBuckets     = {1 << histogram.bits:12d}]",
    ]
    return "\n".join(lines) + "\n"


def _levels(histogram: Histogram) -> Iterator[tuple[int, float, int]]:
    """(value in nanoseconds, fraction, values up to there); the last one is (maximum, 1.0, all)."""
    total = histogram.count
    seen = 0
    level = 0.0
    for index, count in histogram.buckets():
        seen += count
        # A bucket that spans several levels is told once for each of them.
        while level <= 100 * seen / total and level < 100:
            yield histogram.highest(index), level / 100, seen
            halvings = floor(log2(100 / (100 - level))) + 1
            level += 100 / (STEPS_PER_HALVING * 2**halvings)
            if seen == total:
                break
    if total:
        yield histogram.greatest or 0, 1.0, total
