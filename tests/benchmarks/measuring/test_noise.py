"""Differences that exceed the noise, and those that do not."""

from __future__ import annotations

import pytest

from benchmarks.measuring.noise import by_chance, change

BEFORE = [10.0, 10.2, 9.9, 10.1, 10.3]


@pytest.mark.parametrize(
    ("after", "exceeds"),
    [
        pytest.param(BEFORE, False, id="the same"),
        pytest.param([value * 1.2 for value in BEFORE], True, id="a fifth more"),
        pytest.param([value * 0.8 for value in BEFORE], True, id="a fifth less"),
        pytest.param([value * 1.01 for value in BEFORE], False, id="a hundredth more"),
        pytest.param([9.5, 12.0, 10.9, 13.0, 10.0], False, id="more, and scattered"),
        pytest.param([10.4, 10.41, 10.42, 10.4, 10.39], False, id="certain, and too little"),
    ],
)
def test_what_exceeds_the_noise(after: list[float], exceeds: bool) -> None:
    assert change(BEFORE, after).exceeds_noise is exceeds


def test_the_interval_holds_the_ratio_and_is_the_same_each_time() -> None:
    found = change(BEFORE, [12.0, 11.5, 12.5, 12.1, 11.9])
    assert found == change(BEFORE, [12.0, 11.5, 12.5, 12.1, 11.9])
    assert found.low <= found.ratio <= found.high
    assert found.ratio == pytest.approx(12.0 / 10.1)


def test_two_values_say_nothing() -> None:
    assert not change([1.0, 1.0], [9.0, 9.0]).exceeds_noise


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="needs values"):
        change([], [1.0])


def test_how_often_chance_alone_separates_two_series() -> None:
    assert by_chance(3) == pytest.approx(0.1)
    assert by_chance(5) == pytest.approx(1 / 126)
