"""Histograms: how exact they are, and that they add up exactly."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userproxy.load.histogram import COARSE_BITS, FINE_BITS, Histogram

VALUES = st.lists(st.integers(0, 10**12), min_size=1, max_size=200)
PERCENTS = st.floats(0, 100, allow_nan=False)


def histogram(values: list[int], bits: int = FINE_BITS) -> Histogram:
    made = Histogram(bits)
    for value in values:
        made.record(value)
    return made


@pytest.mark.parametrize("bits", [FINE_BITS, COARSE_BITS])
@given(value=st.integers(0, 10**15))
def test_a_bucket_holds_its_value_and_is_narrow(bits: int, value: int) -> None:
    [index] = histogram([value], bits).counts
    lowest, highest = Histogram(bits).lowest(index), Histogram(bits).highest(index)
    assert lowest <= value <= highest
    assert (highest - lowest) <= value / 2 ** (bits - 1)


@given(value=st.integers(0, 10**15))
def test_buckets_leave_no_gap(value: int) -> None:
    empty = Histogram()
    [index] = histogram([value]).counts
    [following] = histogram([empty.highest(index) + 1]).counts
    assert following == index + 1
    assert empty.lowest(following) == empty.highest(index) + 1


@given(values=VALUES, percent=PERCENTS)
def test_a_percentile_is_that_of_the_sorted_values_within_a_bucket(values: list[int], percent: float) -> None:
    exact = sorted(values)[max(1, ceil(round(percent * len(values) / 100, 6))) - 1]
    found = histogram(values).percentile(percent)
    assert found is not None
    assert exact <= found <= exact * (1 + 1 / 1024)


@given(parts=st.lists(VALUES, min_size=1, max_size=4))
def test_a_sum_is_the_histogram_of_all_values(parts: list[list[int]]) -> None:
    whole = histogram([value for part in parts for value in part])
    assert Histogram.sum(map(histogram, parts)) == whole


@given(values=VALUES)
def test_pairs_bring_it_back(values: list[int]) -> None:
    made = histogram(values)
    assert Histogram.of_pairs(made.pairs()) == made


@given(values=VALUES)
def test_a_finer_one_may_be_added_to_a_coarser_one(values: list[int]) -> None:
    coarse = Histogram(COARSE_BITS)
    coarse.add(histogram(values))
    assert coarse == histogram(values, COARSE_BITS)


def test_a_coarser_one_cannot_be_added_to_a_finer_one() -> None:
    with pytest.raises(ValueError, match="7 bits cannot be added to 11"):
        Histogram().add(Histogram(COARSE_BITS))


def test_an_empty_one_has_no_percentile() -> None:
    empty = Histogram()
    assert empty.percentile(50) is None
    assert empty.percentiles((50, 99)) == ()
    assert (empty.least, empty.greatest, empty.count) == (None, None, 0)
    assert empty.mean_and_deviation() == (0.0, 0.0)


def test_a_clock_that_went_backwards_counts_as_zero() -> None:
    assert histogram([-5]).greatest == 0


def test_mean_and_deviation() -> None:
    assert histogram([100, 300]).mean_and_deviation() == (200.0, 100.0)
