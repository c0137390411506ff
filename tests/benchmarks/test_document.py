"""The JSON file: what one must know, and no path of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.document import FORMAT, document, write


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        pytest.param([], "python -m benchmarks", id="none"),
        pytest.param(
            ["--quick", "--json", "/a/b.json"], "python -m benchmarks --quick", id="file at the end"
        ),
        pytest.param(
            ["soak", "--json", "/a/b.json", "--seconds", "5"],
            "python -m benchmarks soak --seconds 5",
            id="amid",
        ),
        pytest.param(
            ["profile", "bulk", "--flame-graph", "/a/b.svg"],
            "python -m benchmarks profile bulk",
            id="picture",
        ),
        pytest.param(["--json=/a/b.json", "--quick"], "python -m benchmarks --quick", id="as one word"),
    ],
)
def test_the_command_is_kept_without_files(arguments: list[str], command: str) -> None:
    assert document("forwarding", arguments, {})["command"] == command


def test_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write(path, document("soak", ["soak"], {"swaps": 3}))
    raw = json.loads(path.read_text())
    assert (raw["format"], raw["mode"], raw["swaps"]) == (FORMAT, "soak", 3)
    assert raw["machine"]["cores"] >= 1
    assert raw["made"].endswith("+00:00")
