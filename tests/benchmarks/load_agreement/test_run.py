"""The verdict over the rounds, and one short run of it all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.command_line import main
from benchmarks.load_agreement.mode import render
from benchmarks.load_agreement.run import CASES, FAST, Measurement, judge
from benchmarks.load_agreement.servers import Truth
from benchmarks.load_agreement.tools import Said
from benchmarks.programs import find

TRUTH = Truth(1000, 5.0, 6.0)
WRK = Said(1000.0, 3000, 5.1, 6.1, 6.0)


def rounds(said: Sequence[Said]) -> list[Measurement]:
    """One round for each thing that ``userproxy load`` said, of every case."""
    return [
        Measurement(number, case, tool, words, None if case == FAST else TRUTH)
        for number, ours in enumerate(said, start=1)
        for case in (FAST, *CASES)
        for tool, words in (("wrk", WRK), ("userproxy load", ours))
    ]


def missed(said: Sequence[Said]) -> set[str]:
    return {verdict.what.split()[0] for verdict in judge(rounds(said)) if not verdict.good}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        pytest.param([Said(1000, 3000, 5.5, 6.5, 9.0)], set(), id="near"),
        pytest.param([Said(940, 3000, 5.5, 6.5, 9.0)], {"throughput"}, id="too slow"),
        pytest.param([Said(1060, 3000, 5.5, 6.5, 9.0)], {"throughput"}, id="too fast to be true"),
        pytest.param([Said(1000, 3000, 6.5, 6.9, 9.0)], {"p50"}, id="p50"),
        pytest.param([Said(1000, 3000, 5.0, 4.9, 9.0)], {"p99"}, id="p99 too low"),
        pytest.param([Said(1000, 3000, 5.0, 6.0, 51.0)], {"us"}, id="costs too much"),
        pytest.param(
            [Said(1, 1, 99, 99, 99), *[Said(1000, 3000, 5.5, 6.5, 9.0)] * 2], set(), id="the median decides"
        ),
    ],
)
def test_what_is_near_enough(said: list[Said], found: set[str]) -> None:
    assert missed(said) == found


def test_the_report_names_what_was_missed() -> None:
    text = render(rounds([Said(1000, 3000, 6.5, 6.9, 9.0)]))
    assert (
        "MISSED: 5 ms: p50 off the server's, ms: 1.500 (1.500 to 1.500); target: -1 to 1; wrk is off by"
        in text
    )
    assert f"  {FAST}: userproxy load: 1000 (1000 to 1000) a second" in text


@pytest.mark.skipif(not (find("wrk") and find("nginx")), reason="wrk or nginx is not installed")
def test_a_short_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether it agrees is not asked of a machine that runs tests."""
    file = tmp_path / "run.json"
    code = main(
        ["load-agreement", "--rounds", "1", "--seconds", "1", "--connections", "2", "--json", str(file)]
    )
    assert code in (0, 1)
    assert file.is_file()
    assert "throughput to wrk's" in capsys.readouterr().out


def test_a_missing_program_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.load_agreement.mode.find", lambda name: "")
    assert main(["load-agreement"]) == 1
    assert "wrk is not installed (Debian, Ubuntu: apt-get install wrk)" in capsys.readouterr().err
