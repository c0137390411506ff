"""The verdict on changes."""

from __future__ import annotations

import pytest

from benchmarks.latency.mode import render
from benchmarks.latency.run import Latencies


@pytest.mark.parametrize(
    ("values", "good", "figures"),
    [
        pytest.param([3.0, 5.0, 99.0], True, "median 5.0 ms, max 99.0 ms", id="all in time"),
        pytest.param([3.0, 5.0, 101.0], False, "median 5.0 ms, max 101.0 ms", id="one too late"),
    ],
)
def test_every_change_must_meet_the_target(values: list[float], good: bool, figures: str) -> None:
    latencies = Latencies({"HTTP PATCH": values})
    assert latencies.good is good
    text = render(latencies)
    assert figures in text
    assert ("verdict: good" in text) is good
