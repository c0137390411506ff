"""Keeps the last column of docs/semantics.md: which tests hold each row of the specification.

    python .ci/semantics_table.py            rewrite the column
    python .ci/semantics_table.py --check    exit 1, and say why, if it is not up to date or a row has no test

A test names its rows by its name (``test_E7_E8_...``), by ``@pytest.mark.spec("E7", "E8")`` on itself, its
class or its module, or by a parameter (``pytest.param(..., id="E7 ...")`` or its marks). Found by reading
the files, so nothing is imported.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = Path("docs/semantics.md")

LETTERS = {"D": 8, "S": 12, "E": 13, "T": 9, "L": 9, "B": 7, "C": 9, "N": 6, "H": 7, "R": 10, "K": 8}
"""Rows of each section, counted from 1."""
LATER = {"E12", "L2", "L3", "C7", "N3", "N4", "N5", "N6"}
"""Rows that are not taken yet, beside all of sections H and K."""
ROWS = tuple(f"{letter}{number}" for letter, count in LETTERS.items() for number in range(1, count + 1))

_IN_NAME = re.compile(r"test_((?:[A-Z]\d+_)+)")
_IN_ID = re.compile(r"((?:[A-Z]\d+[,: ]+)+)")
_ROW = re.compile(r"[A-Z]\d+")
_LINE = re.compile(r"(?P<start>\| (?P<row>[A-Z]\d+) \|.*<!-- tests -->).*(?P<end><!-- /tests --> \|)")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def is_later(row: str) -> bool:
    return row in LATER or row[0] in "HK"


def tests_by_row(root: Path) -> dict[str, list[str]]:
    """``path::function`` of every test that names a row, sorted."""
    found: dict[str, set[str]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for function, rows in _tests_of(tree):
            for row in rows:
                found.setdefault(row, set()).add(f"{path.relative_to(root).as_posix()}::{function}")
    return {row: sorted(tests) for row, tests in found.items()}


def _tests_of(module: ast.Module) -> Iterator[tuple[str, set[str]]]:
    assigned = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    of_module = _marked(assigned.get("pytestmark"))
    for node in module.body:
        if isinstance(node, FunctionNode):
            yield from _test(node, "", of_module, assigned)
        elif isinstance(node, ast.ClassDef):
            of_class = of_module.union(*map(_marked, node.decorator_list))
            for member in node.body:
                if isinstance(member, FunctionNode):
                    yield from _test(member, f"{node.name}::", of_class, assigned)


def _test(
    node: FunctionNode, prefix: str, inherited: set[str], assigned: dict[str, ast.expr]
) -> Iterator[tuple[str, set[str]]]:
    if node.name.startswith("test_"):
        named = _IN_NAME.match(node.name)
        rows = inherited.union(_ROW.findall(named[1]) if named else ())
        for decorator in node.decorator_list:
            rows |= _marked(decorator) | _in_parameters(decorator, assigned)
        yield prefix + node.name, rows


def _marked(expression: ast.expr | None) -> set[str]:
    """The rows of every ``pytest.mark.spec(...)`` in ``expression``."""
    return {
        str(argument.value)
        for call in _calls(expression, "spec")
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }


def _in_parameters(decorator: ast.expr, assigned: dict[str, ast.expr]) -> set[str]:
    """The rows in the ids and marks of ``pytest.param``, also of tables that the module has by name."""
    names = {node.id for node in ast.walk(decorator) if isinstance(node, ast.Name)}
    rows: set[str] = set()
    for table in (decorator, *(assigned[name] for name in names if name in assigned)):
        rows |= _marked(table)
        for keyword in _ids(table):
            if isinstance(keyword, ast.JoinedStr) and keyword.values:
                keyword = keyword.values[0]
            if isinstance(keyword, ast.Constant) and isinstance(keyword.value, str):
                start = _IN_ID.match(keyword.value)
                rows.update(_ROW.findall(start[1]) if start else ())
    return rows


def _ids(table: ast.expr) -> Iterator[ast.expr]:
    for call in _calls(table, "param"):
        yield from (keyword.value for keyword in call.keywords if keyword.arg == "id")
    for call in _calls(table, "parametrize"):
        for keyword in call.keywords:
            if keyword.arg == "ids" and isinstance(keyword.value, ast.List | ast.Tuple):
                yield from keyword.value.elts


def _calls(expression: ast.expr | None, attribute: str) -> Iterator[ast.Call]:
    for node in ast.walk(expression) if expression is not None else ():
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == attribute
        ):
            yield node


def rewritten(page: str, tests: dict[str, list[str]]) -> str:
    """``page`` with the column as it should be."""
    return "".join(_line(line, tests) for line in page.splitlines(keepends=True))


def _line(line: str, tests: dict[str, list[str]]) -> str:
    found = _LINE.match(line)
    if found is None:
        return line
    row = found["row"]
    parts = ["later"] if is_later(row) else []
    holding = tests.get(row, [])
    if holding:
        count = f"{len(holding)} test{'s' if len(holding) > 1 else ''}"
        names = "<br>".join(f"`{test}`" for test in holding)
        parts.append(f"<details><summary>{count}</summary>{names}</details>")
    return line[: found.start()] + found["start"] + " ".join(parts) + found["end"] + line[found.end() :]


def faults(page: str, tests: dict[str, list[str]]) -> Iterator[str]:
    """What is wrong with the page, or with the tests."""
    rows = [found["row"] for found in map(_LINE.match, page.splitlines()) if found]
    if rows != list(ROWS):
        missing, extra = set(ROWS) - set(rows), set(rows) - set(ROWS)
        yield f"{PAGE}: rows missing: {_listed(missing)}; not known: {_listed(extra)}; or in another order"
    for row in ROWS:
        if not is_later(row) and row not in tests:
            yield f"{row}: no test names it"
    for row in sorted(tests.keys() - set(ROWS)):
        yield f"{row}: there is no such row, but it is named by {', '.join(tests[row])}"
    if rewritten(page, tests) != page:
        yield f"{PAGE} is not up to date: run python .ci/semantics_table.py"


def _listed(rows: Iterable[str]) -> str:
    return ", ".join(sorted(rows)) or "none"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when something is wrong")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project (default: this one)")
    options = parser.parse_args()
    page = options.root / PAGE
    tests = tests_by_row(options.root)
    before = page.read_text(encoding="utf-8")
    if not options.check:
        page.write_text(rewritten(before, tests), encoding="utf-8")
        return 0
    found = list(faults(before, tests))
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
