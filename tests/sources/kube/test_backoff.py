"""Back-off (rule R6)."""

from __future__ import annotations

import pytest

from userproxy.sources.kube.backoff import Backoff


def waits(backoff: Backoff, *, count: int, random: float, work_s: float = 0.0) -> list[float]:
    """``count`` failures in a row, each ``work_s`` after the wait for the one before."""
    now_s = 50.0
    found = []
    for _ in range(count):
        wait_s = backoff.wait_s(now_s, random)
        found.append(wait_s)
        now_s += wait_s + work_s
    return found


def test_R6_doubles_from_0_8_s_to_30_s() -> None:
    assert waits(Backoff(), count=9, random=0.0) == [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0, 30.0]


def test_R6_jitter_lengthens_by_up_to_100_percent() -> None:
    assert waits(Backoff(), count=3, random=0.5) == pytest.approx([1.2, 2.4, 4.8])
    assert waits(Backoff(), count=8, random=0.999)[-1] == pytest.approx(59.97)


@pytest.mark.parametrize(
    ("calm_s", "wait_s"),
    [
        pytest.param(119.9, 3.2, id="still the same trouble"),
        pytest.param(120.0, 0.8, id="forgotten after 2 min"),
        pytest.param(3600.0, 0.8, id="forgotten after an hour"),
    ],
)
def test_R6_forgotten_after_2_min_without_error(calm_s: float, wait_s: float) -> None:
    backoff = Backoff()
    backoff.wait_s(0.0, 0.0)
    second_s = 0.8
    waited_s = backoff.wait_s(second_s, 0.0)

    assert backoff.wait_s(second_s + waited_s + calm_s, 0.0) == pytest.approx(wait_s)


def test_R6_the_longest_wait_is_not_taken_for_calm() -> None:
    assert waits(Backoff(), count=9, random=0.999, work_s=70.0)[-1] == pytest.approx(59.97)


def test_R5_retry_after_lengthens_and_never_shortens() -> None:
    backoff = Backoff()
    assert backoff.wait_s(0.0, 0.0, at_least_s=300.0) == 300.0
    assert backoff.wait_s(300.0, 0.0, at_least_s=1.0) == 1.6, "the long wait was no time without error"
