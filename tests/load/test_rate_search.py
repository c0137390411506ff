"""The search of the highest rate, against targets that hold up to a known one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userproxy.load.rate_search import NEAR, RateSearch


def search(first: float, limit: float, *, highest: float = 1e7) -> tuple[float | None, list[float]]:
    """(what was found, the rates that were tried) with a target that holds up to ``limit``."""
    seeking = RateSearch(first, highest=highest)
    tried = []
    while seeking.rate is not None:
        tried.append(seeking.rate)
        seeking.tell(seeking.rate <= limit)
    return seeking.good, tried


@given(first=st.floats(1, 1e5), limit=st.floats(1, 1e6))
def test_it_finds_the_limit_from_any_first_rate(first: float, limit: float) -> None:
    found, tried = search(first, limit)
    if found is None:  # halved to below 1 a second, while the limit is between
        assert limit < 2
    else:
        assert limit / NEAR <= found <= limit
    assert len(tried) < 80


def test_each_failing_rate_gets_a_second_chance() -> None:
    seeking = RateSearch(100, highest=1e7)
    seeking.tell(False)
    assert seeking.rate == 100
    seeking.tell(True)
    assert (seeking.rate, seeking.good) == (200, 100)


def test_one_failure_of_the_rate_before_does_not_count_for_the_next() -> None:
    seeking = RateSearch(100, highest=1e7)
    seeking.tell(False)
    seeking.tell(True)
    seeking.tell(False)
    assert seeking.rate == 200


@pytest.mark.parametrize(
    ("limit", "found"), [pytest.param(0, None, id="nothing holds"), pytest.param(1e9, 5000, id="all holds")]
)
def test_it_ends_at_the_bounds(limit: float, found: float | None) -> None:
    assert search(100, limit, highest=5000)[0] == found
