"""Markers in documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.document import document
from benchmarks.errors import FileError
from benchmarks.report.blocks import BLOCKS, fill
from benchmarks.report.results import read
from tests.benchmarks.windows import document_of, measurement

TEXT = """\
before

<!-- benchmarks {} one.json -->
old
<!-- benchmarks end -->

after
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.json").write_text(json.dumps(document_of([measurement("haproxy", 0, 0.02)])))
    return tmp_path


@pytest.mark.parametrize("name", ["provenance", "targets", "cases"])
def test_what_stands_between_is_made_anew_and_stays_so(folder: Path, name: str) -> None:
    first, count = fill(TEXT.format(name), folder)
    assert count == 1
    assert BLOCKS[name](read(folder / "one.json"), "one.json") in first
    assert "old" not in first
    assert first.startswith("before\n")
    assert first.endswith("\nafter\n")
    assert fill(first, folder) == (first, 1)


def test_text_without_markers_stays(folder: Path) -> None:
    assert fill("<!-- something -->\n", folder) == ("<!-- something -->\n", 0)


def test_a_block_that_is_not_known(folder: Path) -> None:
    says = r"called speed; there are provenance, targets, cases, limits, forwards$"
    with pytest.raises(FileError, match=says):
        fill(TEXT.format("speed"), folder)


def test_a_file_that_is_not_there(folder: Path) -> None:
    (folder / "one.json").unlink()
    with pytest.raises(FileError, match="No such file"):
        fill(TEXT.format("cases"), folder)


def test_limits_of_another_mode_stand_in_documents_too(folder: Path) -> None:
    one = {"peer": "userproxy", "connections": 10, "before_bytes": 0, "after_bytes": 12_340}
    (folder / "one.json").write_text(json.dumps(document("idle", ["idle"], {"measurements": [one]})))
    text, count = fill(TEXT.format("limits"), folder)
    assert count == 1
    assert "| 1,234 bytes (1,234-1,234) | <= 4,096 bytes | yes |" in text
    assert "By `python -m benchmarks idle` on 2" in text
