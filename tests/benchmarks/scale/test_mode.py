"""The verdict on a large cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from benchmarks.scale.mode import faults, render
from benchmarks.scale.rounds import Changes, Round

SYNC: Mapping[str, float] = {
    "first_sync_s": 1.5,
    "first_sync_cpu_s": 1.2,
    "longest_step_s": 0.004,
    "resident_bytes": 8e6,
}
GOOD = Round(
    loads={
        "bytes": 45e6,
        "loads_s": 1.0,
        "loads_cpu_s": 0.8,
        "loads_uncollected_s": 0.5,
        "loads_uncollected_cpu_s": 0.4,
    },
    parts={"parse_s": 0.1, "parse_and_decode_s": 0.4, "fold_and_derive_s": 0.4},
    paged=SYNC,
    whole={**SYNC, "first_sync_s": 2.0},
    proxy={"all_in_force_s": 2.5, "longest_step_s": 0.009, "resident_bytes": 12e6},
    listeners={"listeners_s": 0.5, "listening": 1000},
    changes=Changes((0.2, 0.3, 4.0), 0.25),
    changes_of_few=Changes((0.2, 0.2, 0.3), 0.2),
)


def test_a_good_run() -> None:
    assert faults(1000, [GOOD]) == ()
    text = render(1000, [GOOD])
    assert text.endswith("verdict: good")
    assert "the slower to orjson.loads: 2.00 [2.00 to 2.00]; in processor time 1.50" in text
    assert "routes 8.00 [8.00 to 8.00] kB, with listeners 12.00" in text


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        pytest.param(
            replace(GOOD, whole={**SYNC, "first_sync_s": 3.1}), "takes 3.10 of an orjson.loads", id="sync"
        ),
        pytest.param(
            replace(GOOD, changes=Changes((0.2, 0.3, 5.1), 0.25)), "5.1 ms at the 99th", id="slow change"
        ),
        pytest.param(
            replace(GOOD, changes=Changes((0.2,), 0.32)), "1.60 of one in a small cluster", id="dear change"
        ),
        pytest.param(
            replace(GOOD, listeners={"listeners_s": 5.5, "listening": 1000}),
            "take 5.5 s",
            id="slow listeners",
        ),
        pytest.param(
            replace(GOOD, listeners={"listeners_s": 0.5, "listening": 999}),
            "only 999 of 1,000",
            id="one missing",
        ),
    ],
)
def test_faults(changed: Round, fault: str) -> None:
    [found] = faults(1000, [changed])
    assert fault in found
    assert found in render(1000, [changed])


def test_medians_of_rounds_decide() -> None:
    slow = replace(GOOD, listeners={"listeners_s": 50.0, "listening": 1000})
    assert faults(1000, [GOOD, slow, GOOD]) == ()
