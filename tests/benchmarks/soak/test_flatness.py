"""When memory counts as flat."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.soak.flatness import Sample, judge

MIB = 1 << 20
BASE = 64 * MIB


def samples(memory: Callable[[float], float], seconds: int = 600) -> list[Sample]:
    return [Sample(at_s / 2, int(memory(at_s / 2)), 20) for at_s in range(1, 2 * seconds + 1)]


@pytest.mark.parametrize(
    ("memory", "flat"),
    [
        pytest.param(lambda at: BASE, True, id="the same all the time"),
        pytest.param(lambda at: BASE if at > 25 else BASE / 2, True, id="growth before the warm-up is over"),
        pytest.param(lambda at: BASE + 12 * MIB * (at % 10 < 2), True, id="peaks that go away"),
        pytest.param(lambda at: BASE - at * 10_000, True, id="shrinking"),
        pytest.param(lambda at: BASE + at * 512, True, id="half a KiB a second: within 2 %"),
        pytest.param(lambda at: BASE + at * 4096, False, id="4 KiB a second"),
        pytest.param(lambda at: BASE + 3 * MIB * (at > 500), False, id="a step near the end"),
    ],
)
def test_ten_minutes(memory: Callable[[float], float], flat: bool) -> None:
    assert judge(samples(memory), 600).flat is flat


def test_a_small_process_may_grow_by_one_mebibyte() -> None:
    assert judge(samples(lambda at: 8 * MIB + MIB * (at > 300)), 600).flat
    assert not judge(samples(lambda at: 8 * MIB + 2 * MIB * (at > 300)), 600).flat


def test_figures_of_the_first_and_the_last_minute() -> None:
    found = judge(samples(lambda at: BASE + at * 1024), 600)
    assert found.first_bytes == pytest.approx(BASE + 60 * 1024, abs=1024)
    assert found.last_bytes == pytest.approx(BASE + 570 * 1024, abs=1024)
    assert found.slope_bytes_per_minute == pytest.approx(60 * 1024)


def test_a_short_run_compares_quarters() -> None:
    found = judge(samples(lambda at: BASE + at * MIB, seconds=40), 40)
    assert found.first_bytes == pytest.approx(BASE + 18.5 * MIB, abs=MIB)
    assert found.last_bytes == pytest.approx(BASE + 35 * MIB, abs=MIB)
    assert not found.flat


def test_too_few_samples_are_no_answer() -> None:
    with pytest.raises(ValueError, match="too few samples"):
        judge([Sample(1.0, BASE, 20)], 2)
