"""How often an operation is repeated, and what rate that gives: on a clock that the operation moves."""

from __future__ import annotations

import pytest

from benchmarks.pure.case import Case, calibrate, per_second


class Work:
    """An operation of known duration."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, each_s: float, first_s: float = 0.0) -> None:
        self.now_s = 0.0
        self.each_s = each_s
        self.first_s = first_s
        monkeypatch.setattr("time.thread_time", lambda: self.now_s)

    def repeat(self, count: int) -> None:
        self.now_s += count * self.each_s + self.first_s
        self.first_s = 0.0

    @property
    def case(self) -> Case:
        return Case("picks", "work", 1, self.repeat)


@pytest.mark.parametrize("each_s", [1e-7, 1e-5, 0.003])
def test_so_many_repetitions_as_take_the_time(monkeypatch: pytest.MonkeyPatch, each_s: float) -> None:
    work = Work(monkeypatch, each_s)
    assert calibrate(work.case, 0.02) * each_s == pytest.approx(0.02, rel=0.2)


def test_an_operation_that_takes_longer_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert calibrate(Work(monkeypatch, 1.0).case, 0.02) == 1


def test_the_rate_is_by_time_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert per_second(Work(monkeypatch, 0.001).case, 50) == pytest.approx(1000)


def test_work_too_short_for_the_clock_gives_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    assert per_second(Work(monkeypatch, 0.0).case, 1) > 0
