"""What a soak counts as a fault."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.actors.remote import Report
from benchmarks.soak.flatness import Flatness, Sample
from benchmarks.soak.mode import render
from benchmarks.soak.run import Soak

GOOD = Soak(
    loop="asyncio",
    seconds=600,
    swaps=1200,
    loads={"requests": Report(600, 1000, 0, 0, ""), "datagrams": Report(600, 500, 0, 0, "")},
    samples=[Sample(0.5, 1 << 26, 40), Sample(1.0, 1 << 26, 44)],
    flatness=Flatness(1 << 26, 1 << 26, 0.0),
    descriptors_before=20,
    descriptors_after=20,
    exit_code=0,
    warnings=(),
)


def test_a_good_run_has_no_fault() -> None:
    assert GOOD.faults == ()
    text = render(GOOD)
    assert text.endswith("verdict: good")
    assert "1200 endpoints replaced" in text
    assert "20 before the load, 44 at most, 20 once" in text


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        pytest.param(
            replace(GOOD, loads={"requests": Report(1, 9, 2, 0, "reset")}), "2 requests failed", id="failure"
        ),
        pytest.param(
            replace(GOOD, loads={"requests": Report(1, 0, 0, 0, "")}), "had no answer", id="no answer at all"
        ),
        pytest.param(
            replace(GOOD, flatness=Flatness(1 << 26, 1 << 27, 9.0)), "memory is not flat", id="memory"
        ),
        pytest.param(replace(GOOD, descriptors_after=21), "descriptors were left open", id="descriptors"),
        pytest.param(replace(GOOD, exit_code=-9), "the proxy ended with -9", id="killed"),
    ],
)
def test_faults(changed: Soak, fault: str) -> None:
    [found] = changed.faults
    assert fault in found
    assert found in render(changed)


def test_warnings_of_the_proxy_are_shown() -> None:
    assert "it logged 2 warnings, the first: one" in render(replace(GOOD, warnings=("one", "two")))
