"""``python -m benchmarks port-forward``: a small run, and what counts as missed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.command_line import main
from benchmarks.port_forward.mode import missed, render
from benchmarks.port_forward.run import USERPROXY, Measured

FAST, SLOW = Measured(1.0, 1.0), Measured(2.0, 2.0)


def test_a_small_run_moves_bytes_by_each_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "out.json"
    options = ["port-forward", "--rounds", "1", "--megabytes", "1", "--at-once", "300", "--json", str(file)]
    assert main(options) in (0, 1)  # so little says nothing about who is faster
    values = json.loads(file.read_text())
    ours = values["ways"][USERPROXY]
    assert len(ours["download"]) == len(ours["upload"]) == 1
    assert values["at_once"]["connections"] == 300
    assert "300 connections at once" in capsys.readouterr().out


def test_slower_or_dearer_than_kubectl_is_missed() -> None:
    found = {
        USERPROXY: {"download": [SLOW], "upload": [FAST]},
        "kubectl": {"download": [Measured(1.0, 3.0)], "upload": [SLOW]},
    }
    assert missed(found) == ("download beside kubectl: time",)
    assert "missed: download beside kubectl: time" in render(found, FAST, 1_000_000, 5)
