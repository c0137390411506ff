"""Upgrades under load, in small: one that is good, and what counts as a fault."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.actors.remote import Report
from benchmarks.takeover.mode import render
from benchmarks.takeover.run import Upgrades, take_over
from benchmarks.takeover.stage import Upgrade

GOOD = Upgrades(
    loop="uvloop",
    workers=1,
    upgrades=[Upgrade(0.5, 4.0, 64, 0.2, 16, 0, 0)],
    loads={"requests": Report(2.0, 100, 0, 0, ""), "datagrams": Report(2.0, 100, 0, 0, "")},
    exit_code=0,
)


@pytest.mark.parametrize("workers", [1, 2])
async def test_an_upgrade_under_load(workers: int) -> None:
    at_once = {"requests": 2, "connections": 2, "datagrams": 3}
    result = await take_over("uvloop", 1, 0.2, at_once, workers)
    assert result.faults == ()
    [upgrade] = result.upgrades
    assert (upgrade.flows, upgrade.cut, upgrade.exit_code) == (3, 0, 0)
    assert all(report.done for report in result.loads.values())
    assert "verdict: good" in render(result)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({}, "", id="good"),
        pytest.param(
            {"loads": {"requests": Report(2.0, 100, 3, 0, "reset")}},
            "3 requests, connections or datagrams failed",
            id="failed",
        ),
        pytest.param(
            {"upgrades": [Upgrade(0.5, 4.0, 64, 30.0, 16, 2, 0)]}, "2 connections were cut", id="cut"
        ),
        pytest.param(
            {"loads": {"requests": Report(2.0, 0, 0, 0, "")}}, "a load had no answer at all", id="no load"
        ),
        pytest.param({"exit_code": 1}, "a process ended with 1", id="exit code"),
    ],
)
def test_faults(change: dict[str, object], fault: str) -> None:
    result = dataclasses.replace(GOOD, **change)  # type: ignore[arg-type]  # fields by name, from a table
    assert result.faults == ((fault,) if fault else ())
    assert render(result).endswith(f"verdict: {fault or 'good'}")
