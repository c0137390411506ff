"""The figures of README are those of the committed run, and nothing in it failed."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from benchmarks.forwarding.cases import CASES, Case
from benchmarks.measuring.spread import Spread, ratios
from tests.docs.project import ROOT

RUN = json.loads((ROOT / "benchmarks/results/forwarding-quick.json").read_text(encoding="utf-8"))
PERFORMANCE = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Performance\n")[2]


def cost(case: Case, measurement: Mapping[str, object]) -> float:
    """Processor time of the proxy per request, connection, gigabyte or datagram, in the unit of ``case``."""
    cpu, size, answered = measurement["cpu_s"], measurement["bytes"], measurement["answered"]
    assert isinstance(cpu, dict)
    assert isinstance(size, int)
    assert isinstance(answered, int)
    amount = size / 1e9 if case.per_gigabyte else answered
    return case.in_time_unit(sum(cpu["proxy"].values()) / amount)


def costs(case: Case, peer: str) -> list[float]:
    """By round, in order."""
    return [
        cost(case, measurement)
        for measurement in RUN["measurements"]
        if (measurement["case"], measurement["peer"]) == (case.name, peer)
    ]


def spread(values: list[float] | tuple[float, ...], form: str, unit: str = "") -> str:
    if not values:
        return "-"
    found = Spread.of(values)
    return f"{found.median:{form}}{unit} ({found.low:{form}}-{found.high:{form}})"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_table_says_what_was_measured(case: Case) -> None:
    ours, theirs = costs(case, "userproxy"), costs(case, "haproxy")
    form = ".3f" if case.per_gigabyte else ".2f"
    cells = [spread(values, form, f" {case.time_unit}") for values in (ours, theirs)]
    ratio = spread(ratios(ours, theirs) if theirs else (), ".2f")
    assert f"\n| {case.per} | {' | '.join(cells)} | {ratio} |\n" in PERFORMANCE


def test_command_machine_and_versions_stand_beside_it() -> None:
    machine, peers = RUN["machine"], RUN["peers"]
    text = " ".join(PERFORMANCE.split())
    for stated in (
        f"`{RUN['command']}`",
        f"{machine['cores']} cores of an {machine['cpu']}",
        machine["kernel"],
        machine["python"],
        f"uvloop {machine['uvloop']}",
        f"haproxy {peers['haproxy']}",
        f"{RUN['plan']['rounds']} rounds",
    ):
        assert stated in text


def test_nothing_failed_in_the_run() -> None:
    assert [measurement for measurement in RUN["measurements"] if measurement["failed"]] == []
