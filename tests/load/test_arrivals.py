"""Arrivals: equal distances, or those of chance."""

from __future__ import annotations

import random
from itertools import islice, pairwise
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userproxy.load.arrivals import ARRIVALS, constant, intended_starts, poisson

S = 1_000_000_000


def test_constant_arrivals_do_not_drift() -> None:
    """3 a second do not divide a second: after a million of them the time is still exact."""
    starts = list(islice(constant(3), 1_000_000))
    assert starts[:4] == [0, 333_333_333, 666_666_667, S]
    assert starts[999_999] == 333_333 * S


@given(rate=st.floats(0.5, 1e6), shares=st.integers(1, 8))
def test_shares_of_a_constant_rate_take_turns(rate: float, shares: int) -> None:
    """Together they are the whole, to the nanosecond that rounding may cost."""
    parts = [
        islice(intended_starts("constant", rate / shares, random.random, share=share, shares=shares), 20)
        for share in range(shares)
    ]
    together = sorted(start for part in parts for start in part)
    whole = list(islice(constant(rate), 20 * shares))
    assert all(abs(one - other) <= 1 for one, other in zip(together, whole, strict=True))


def test_poisson_arrivals_have_the_mean_and_the_spread_of_chance() -> None:
    """Exponential distances: mean and deviation are both 1 / rate."""
    starts = list(islice(poisson(1000, random.Random(7).random), 50_000))
    distances = [later - earlier for earlier, later in pairwise(starts)]
    assert fmean(distances) == pytest.approx(S / 1000, rel=0.02)
    assert pstdev(distances) == pytest.approx(S / 1000, rel=0.02)


@pytest.mark.parametrize("kind", ARRIVALS)
def test_they_never_fall(kind: str) -> None:
    starts = list(islice(intended_starts(kind, 1e6, random.Random(1).random), 10_000))
    assert starts == sorted(starts)
    assert starts[0] >= 0
