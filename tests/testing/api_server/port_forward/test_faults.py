"""Which one a scripted fault meets."""

from __future__ import annotations

import pytest

from userproxy.testing.api_server.port_forward.faults import Rules


def taken(rules: Rules[str], times: int) -> list[str | None]:
    return [rules.take() for _ in range(times)]


def test_the_next_ones() -> None:
    rules: Rules[str] = Rules()
    rules.add("a", count=2)
    rules.add("b", count=1)
    assert taken(rules, 4) == ["a", "a", "b", None]


def test_every_third_until_it_is_cleared() -> None:
    rules: Rules[str] = Rules()
    rules.add("a", count=None, every=3)
    assert taken(rules, 7) == [None, None, "a", None, None, "a", None]
    rules.clear()
    assert taken(rules, 3) == [None] * 3


def test_only_those_that_fit() -> None:
    rules: Rules[str] = Rules()
    rules.add("a", count=1)
    rules.add("b", count=1)
    assert rules.take(lambda value: value == "b") == "b"
    assert taken(rules, 2) == ["a", None]


@pytest.mark.parametrize(("count", "every"), [(0, 1), (1, 0)])
def test_numbers_that_mean_nothing(count: int, every: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Rules[str]().add("a", count=count, every=every)
