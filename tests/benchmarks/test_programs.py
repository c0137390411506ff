"""Programs of other projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import programs
from benchmarks.programs import find, first_line


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_one_in_the_path_comes_before_those_of_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, roots = tmp_path / "mine", tmp_path / "roots"
    for folder in (mine, roots):
        folder.mkdir()
    there = program(roots / "proxy", "")
    monkeypatch.setattr(programs, "ADMIN_FOLDERS", (str(roots),))
    monkeypatch.setenv("PATH", str(mine))
    assert find("proxy") == there
    assert find("proxy") != program(mine / "proxy", "")
    assert find("proxy") == str(mine / "proxy")
    assert find("another") == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [("echo one; echo two", "one"), ("echo err >&2", "err"), ("exit 1", ""), ("echo '  x  '", "x")],
)
def test_the_first_line_of_either_output(tmp_path: Path, text: str, line: str) -> None:
    assert first_line(program(tmp_path / "proxy", text)) == line
