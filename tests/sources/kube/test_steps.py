"""Long work in short steps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from userproxy.errors import WatchError
from userproxy.sources.kube.steps import steps


class Clock:
    """Each item that is made takes ``cost_s``."""

    def __init__(self, cost_s: float) -> None:
        self.now_s = 0.0
        self._cost_s = cost_s

    def make(self, *items: int | None, failure: Exception | None = None) -> Iterator[int | None]:
        for item in items:
            self.now_s += self._cost_s
            yield item
        if failure is not None:
            raise failure

    def now(self) -> float:
        return self.now_s


def test_a_group_takes_no_longer_than_a_step() -> None:
    clock = Clock(cost_s=2)
    groups = list(steps(clock.make(1, 2, 3, 4, 5, 6, 7), step_s=5, now=clock.now))
    assert groups == [(1, 2, 3), (4, 5, 6), (7,)]


def test_what_gives_nothing_takes_time_too() -> None:
    clock = Clock(cost_s=3)
    assert list(steps(clock.make(None, None, None, 4), step_s=5, now=clock.now)) == [(), (4,)]


def test_no_work_is_no_group() -> None:
    assert list(steps([], step_s=5, now=lambda: 0.0)) == []


def test_what_was_made_before_a_failure_comes_out_first() -> None:
    clock = Clock(cost_s=1)
    groups = steps(clock.make(1, 2, failure=WatchError("cut")), step_s=5, now=clock.now)
    assert next(groups) == (1, 2)
    with pytest.raises(WatchError, match="cut"):
        next(groups)


def test_a_fault_of_ours_is_not_held_back() -> None:
    clock = Clock(cost_s=1)
    with pytest.raises(ZeroDivisionError):
        list(steps(clock.make(1, failure=ZeroDivisionError()), step_s=5, now=clock.now))
