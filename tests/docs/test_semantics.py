"""docs/semantics.md has every row, with the tests that hold it; the script that sees to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.project import DOCS, ROOT

SCRIPT = ROOT / ".ci" / "semantics_table.py"
PAGE = (DOCS / "semantics.md").read_text(encoding="utf-8")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_every_row_that_is_built_has_a_test_and_the_page_says_which() -> None:
    done = run("--check")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the real page and no test at all."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests" / "model").mkdir(parents=True)
    (tmp_path / "docs" / "semantics.md").write_text(PAGE, encoding="utf-8")
    return tmp_path


def column(project: Path, row: str) -> str:
    """What the page says of the tests of ``row``."""
    [line] = [
        line
        for line in (project / "docs" / "semantics.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| {row} |")
    ]
    return line.partition("<!-- tests -->")[2].partition("<!-- /tests -->")[0]


def test_a_row_without_a_test_is_named_and_later_rows_need_none(project: Path) -> None:
    done = run("--check", "--root", project)
    assert done.returncode == 1
    assert "E7: no test names it" in done.stderr
    assert "R10: no test names it" in done.stderr
    for row in ("E12", "L2", "L3", "C7", "N5", "H1", "K1"):
        assert f"{row}: no test" not in done.stderr
    assert "not up to date" in done.stderr


TESTS = """
import pytest

pytestmark = pytest.mark.spec("D1")
TABLE = [
    pytest.param(1, id="E7 non-terminating wins"),
    pytest.param(2, id="plain", marks=pytest.mark.spec("E8")),
]

def test_S1_S2_by_name() -> None: ...

@pytest.mark.spec("S3", "S4")
async def test_by_mark() -> None: ...

@pytest.mark.parametrize("value", TABLE)
def test_by_table(value: int) -> None: ...

@pytest.mark.parametrize("value", [pytest.param(1, id=f"T1 T2 {3} both")])
def test_by_parameter(value: int) -> None: ...

@pytest.mark.parametrize("value", [1, 2], ids=["B1 one", "T99x is no row"])
def test_by_ids(value: int) -> None: ...

@pytest.mark.spec("B2")
class TestGroup:
    def test_in_a_class(self) -> None: ...

def helper_S5_is_no_test() -> None: ...
"""


@pytest.mark.parametrize(
    ("row", "function"),
    [
        ("D1", "test_S1_S2_by_name"),
        ("S1", "test_S1_S2_by_name"),
        ("S2", "test_S1_S2_by_name"),
        ("S3", "test_by_mark"),
        ("S4", "test_by_mark"),
        ("E7", "test_by_table"),
        ("E8", "test_by_table"),
        ("T1", "test_by_parameter"),
        ("T2", "test_by_parameter"),
        ("B1", "test_by_ids"),
        ("B2", "TestGroup::test_in_a_class"),
        ("S5", None),
    ],
)
def test_the_ways_to_name_a_row(project: Path, row: str, function: str | None) -> None:
    (project / "tests" / "model" / "test_it.py").write_text(TESTS, encoding="utf-8")
    assert run("--root", project).returncode == 0
    if function is None:
        assert column(project, row) == ""
    else:
        assert f"`tests/model/test_it.py::{function}`" in column(project, row)
    assert "not up to date" not in run("--check", "--root", project).stderr


def test_a_row_that_does_not_exist_is_a_fault(project: Path) -> None:
    (project / "tests" / "test_it.py").write_text("def test_E99_() -> None: ...\n", encoding="utf-8")
    assert "E99: there is no such row" in run("--check", "--root", project).stderr


def test_a_row_that_the_page_lost_is_a_fault(project: Path) -> None:
    page = project / "docs" / "semantics.md"
    page.write_text("".join(line for line in PAGE.splitlines(True) if not line.startswith("| T3 |")))
    assert "rows missing: T3" in run("--check", "--root", project).stderr
