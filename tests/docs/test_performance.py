"""Figures in documents are those of the committed results, and nothing failed in those."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.forwarding.cases import CASES
from benchmarks.report.blocks import fill
from benchmarks.report.plot import overview, plot
from benchmarks.report.results import load
from tests.docs.project import DOCS, ROOT

DOCUMENTS = (ROOT / "README.md", DOCS / "performance.md")
AGAIN = "python -m benchmarks report --write README.md --write docs/performance.md"


def results_named_in(path: Path) -> set[str]:
    """Of forwarding: limits and forwards are those of other modes."""
    text = path.read_text(encoding="utf-8")
    return set(re.findall(r"<!-- benchmarks (?!limits |forwards )\w+ (\S+) -->", text))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_tables_are_made_from_the_results(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    made, blocks = fill(text, ROOT)
    assert blocks >= 2
    assert made == text, f"run: {AGAIN}"


def test_all_documents_and_pictures_show_the_same_run() -> None:
    [name] = set.union(*map(results_named_in, DOCUMENTS))
    again = f"report {name} --overview docs/performance.svg --svg docs/performance-peers.svg"
    for file, draw in (("performance.svg", overview), ("performance-peers.svg", plot)):
        picture = (DOCS / file).read_text(encoding="utf-8")
        assert picture == draw(load(ROOT / name)), f"run: python -m benchmarks {again}"


def test_nothing_failed_in_that_run() -> None:
    [name] = set.union(*map(results_named_in, DOCUMENTS))
    results = load(ROOT / name)
    assert [key for key, series in results.series.items() if series.failed] == []
    assert not results.machine["dirty"]


def test_every_case_is_explained() -> None:
    text = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    for case in CASES:
        name = re.sub(r"^(udp-\d+)-\d+$", r"\1-N", case.name).removesuffix("-reverse")
        assert f"`{name}`" in text
