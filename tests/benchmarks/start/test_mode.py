"""The verdict on starts."""

from __future__ import annotations

import pytest

from benchmarks.start.mode import render, slow
from benchmarks.start.run import Start


def start(first_byte_s: float) -> Start:
    return Start(python_s=0.02, first_byte_s=first_byte_s, all_s=first_byte_s + 0.01, cpu_s=0.1)


@pytest.mark.parametrize(
    ("values", "good"),
    [
        pytest.param([0.2, 0.3, 2.0], True, id="the median decides"),
        pytest.param([0.2, 0.5, 0.6], False, id="too slow"),
    ],
)
def test_the_median_must_meet_the_target(values: list[float], good: bool) -> None:
    starts = {"uvloop": [start(value) for value in values], "asyncio": [start(0.1)]}
    assert slow(starts) == (() if good else ("uvloop",))
    text = render(starts)
    assert ("verdict: good" in text) is good
    assert f"first byte forwarded after {values[1] * 1000:.0f} [200 to {values[2] * 1000:.0f}] ms" in text
