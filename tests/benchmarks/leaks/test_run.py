"""What counts as a leak."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.actors.remote import Report
from benchmarks.leaks.census import Census
from benchmarks.leaks.mode import render
from benchmarks.leaks.run import Leaks, Lives

REST = Census(descriptors=20, tasks=3, open=0, objects=25_000, resident_bytes=30_000_000)
LIVES = Lives("connections", Report(9.0, 1000, 0, 0, ""), REST, REST, 1000, 32, {"--": 1000})
GOOD = Leaks("asyncio", (LIVES,), REST, REST)


def test_a_good_run_has_no_fault() -> None:
    assert GOOD.faults == ()
    text = render(GOOD)
    assert "1,000 connections, 0 failed; at most 32 open at once; ends: 1,000 --" in text
    assert text.endswith("verdict: good")


def test_fewer_than_before_is_no_leak() -> None:
    assert replace(REST, descriptors=19, tasks=2).left_since(REST) == ()


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        pytest.param(replace(LIVES, after=replace(REST, descriptors=22)), "2 descriptors", id="descriptors"),
        pytest.param(replace(LIVES, after=replace(REST, tasks=4)), "1 tasks", id="tasks"),
        pytest.param(replace(LIVES, after=replace(REST, open=7)), "7 connections or flows", id="open"),
        pytest.param(
            replace(LIVES, report=Report(9.0, 999, 1, 0, "reset")), "1 connections failed", id="failed"
        ),
        pytest.param(replace(LIVES, accepted=900), "counted 900 of 1000", id="others were asked"),
    ],
)
def test_faults_of_lives(changed: Lives, fault: str) -> None:
    result = replace(GOOD, lives=(changed,))
    [found] = result.faults
    assert fault in found
    assert found in render(result)


def test_what_the_block_leaves_is_a_fault() -> None:
    assert replace(GOOD, at_last=replace(REST, descriptors=23)).faults == ("the proxy left 3 descriptors",)
