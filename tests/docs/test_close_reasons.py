"""docs/close-reasons.md: every pair has a test that is named after it, and no pair is left out."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.project import DOCS, ROOT, modules, names_of_tests, table_rows
from userproxy.dataplane.closing import Phase, Who, close_state

PAGE = DOCS / "close-reasons.md"
ROWS = [(protocol, row) for protocol in ("TCP", "UDP") for row in table_rows(PAGE, section=f"## {protocol}")]
PAIRS = {row[0].strip("`") for _, row in ROWS}
PAIR = re.compile(r"--|[CENTILX][HDTF]")


@pytest.mark.parametrize(("protocol", "row"), ROWS, ids=[f"{protocol} {row[0]}" for protocol, row in ROWS])
def test_each_pair_says_what_it_means_and_which_test_holds_it(protocol: str, row: list[str]) -> None:
    pair, meaning, cause, held_by = (cell.strip("`") for cell in row)
    assert PAIR.fullmatch(pair)
    assert meaning
    assert cause
    path, _, name = held_by.partition("::")
    [function] = [
        node
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    expected = {node.value for node in ast.walk(function) if isinstance(node, ast.Constant)}
    assert pair in expected, f"{held_by} does not look for {pair}"


def test_each_pair_has_a_test_that_is_named_after_it() -> None:
    named = {letters for name in names_of_tests() for letters in re.findall(r"_([CENTILX][HDTF])_", name)}
    assert named == PAIRS - {close_state(Who.BOTH, Phase.OVER)}


def test_every_letter_is_explained() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for letter in (*Who, *Phase):
        assert f"`{letter.value}` " in text
    assert {pair[0] for pair in PAIRS} == {who.value for who in Who}
    assert {pair[1] for pair in PAIRS} == {phase.value for phase in Phase}


def test_no_test_of_the_data_plane_meets_a_pair_that_is_not_explained() -> None:
    met = {
        node.value
        for _, tree in modules(ROOT / "tests" / "dataplane")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and PAIR.fullmatch(node.value)
    }
    assert met <= PAIRS
    assert met
