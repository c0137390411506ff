"""Medians, spreads and ratios."""

from __future__ import annotations

import pytest

from benchmarks.measuring.spread import Spread, ratios


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        pytest.param([4.0], Spread(4.0, 4.0, 4.0), id="one value"),
        pytest.param([3.0, 9.0, 1.0], Spread(3.0, 1.0, 9.0), id="odd number, any order"),
        pytest.param(
            [4.0, 1.0, 2.0, 100.0], Spread(3.0, 1.0, 100.0), id="even number: between the middle two"
        ),
    ],
)
def test_spread(values: list[float], spread: Spread) -> None:
    assert Spread.of(values) == spread


def test_no_value_has_no_spread() -> None:
    with pytest.raises(ValueError, match="needs a value"):
        Spread.of([])


def test_ratios_pair_the_values_of_one_round() -> None:
    assert ratios([2.0, 3.0], [1.0, 6.0]) == (2.0, 0.5)


def test_ratios_of_different_numbers_of_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0, 2.0], [1.0])
