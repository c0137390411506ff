"""The figures of README are those of the committed run, and nothing in it failed."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from benchmarks.measuring.spread import Spread, ratios
from tests.docs.project import ROOT

RUN = json.loads((ROOT / "benchmarks/results/forwarding-quick.json").read_text(encoding="utf-8"))
ROWS = (
    ("requests", "request", "us"),
    ("connections", "connection", "us"),
    ("bulk", "GB", "s"),
    ("datagrams", "datagram answered", "us"),
)
PERFORMANCE = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Performance\n")[2]


def cost(unit: str, measurement: Mapping[str, object]) -> float:
    """Processor time of the proxy per request, connection, datagram (us) or gigabyte (s)."""
    cpu, size, answered = measurement["cpu_s"], measurement["bytes"], measurement["answered"]
    assert isinstance(cpu, dict)
    assert isinstance(size, int)
    assert isinstance(answered, int)
    seconds: float = sum(cpu["proxy"].values())
    return seconds / (size / 1e9) if unit == "s" else seconds / answered * 1e6


def costs(case: str, unit: str, peer: str) -> list[float]:
    """By round, in order."""
    return [
        cost(unit, measurement)
        for measurement in RUN["measurements"]
        if (measurement["case"], measurement["peer"]) == (case, peer)
    ]


def spread(values: list[float] | tuple[float, ...], form: str, unit: str = "") -> str:
    if not values:
        return "-"
    found = Spread.of(values)
    return f"{found.median:{form}}{unit} ({found.low:{form}}-{found.high:{form}})"


@pytest.mark.parametrize(("case", "per", "unit"), ROWS)
def test_the_table_says_what_was_measured(case: str, per: str, unit: str) -> None:
    ours, theirs = costs(case, unit, "userproxy"), costs(case, unit, "haproxy")
    form = ".3f" if unit == "s" else ".2f"
    cells = [spread(values, form, f" {unit}") for values in (ours, theirs)]
    ratio = spread(ratios(ours, theirs) if theirs else (), ".2f")
    assert f"\n| {per} | {' | '.join(cells)} | {ratio} |\n" in PERFORMANCE


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
