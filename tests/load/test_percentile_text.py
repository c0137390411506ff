"""HdrHistogram's percentile text: its form, and that it says what the histogram holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from userproxy.load.histogram import Histogram
from userproxy.load.percentile_text import percentile_text

KNOWN = """\
       Value     Percentile TotalCount 1/(1-Percentile)

       1.000 0.000000000000          1           1.00
       1.000 0.100000000000          1           1.11
       1.000 0.200000000000          1           1.25
       1.000 0.300000000000          1           1.43
       1.000 0.400000000000          1           1.67
       1.000 0.500000000000          1           2.00
       2.001 0.550000000000          2           2.22
       2.001 1.000000000000          2
#[Mean    =        1.500, StdDeviation   =        0.500]
#[Max     =        2.001, Total count    =            2]
#[Buckets =           11, SubBuckets     =         2048]
"""
"""Two values, 1 and 2 ms; the levels 10, 20, ... 50 %, then 55 % are those of HdrHistogram."""


def test_the_form() -> None:
    histogram = Histogram()
    histogram.record(1_000_000)
    histogram.record(2_000_000)
    assert percentile_text(histogram) == KNOWN


@given(st.lists(st.integers(0, 10**11), min_size=1, max_size=300))
def test_every_line_is_true(values: list[int]) -> None:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    lines = [line.split() for line in percentile_text(histogram).splitlines()[2:] if not line.startswith("#")]
    assert lines[-1][1:] == ["1.000000000000", str(len(values))]
    previous = -1.0
    for value_ms, fraction, count, *_ in lines:
        assert any(
            abs(histogram.highest(index) / 1e6 - float(value_ms)) < 0.001 for index in histogram.counts
        )
        assert int(count) >= float(fraction) * len(values) - 1e-6
        assert float(fraction) > previous
        previous = float(fraction)


def test_nothing_measured_is_a_text_without_levels() -> None:
    lines = percentile_text(Histogram()).splitlines()
    assert len(lines) == 5
    assert "Total count    =            0]" in lines[3]
