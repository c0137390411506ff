"""Where the documents and the code are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def table_rows(page: Path, *, section: str = "") -> list[list[str]]:
    """The cells of every table row of a page, without headings; of one ``## section`` if given."""
    lines = page.read_text(encoding="utf-8").splitlines()
    if section:
        start = lines.index(section) + 1
        end = next((n for n in range(start, len(lines)) if lines[n].startswith("## ")), len(lines))
        lines = lines[start:end]
    rows = []
    for number, line in enumerate(lines):
        is_heading = number + 1 < len(lines) and lines[number + 1].startswith("|---")
        if line.startswith("|") and not line.startswith("|---") and not is_heading:
            rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def modules(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Every module in ``folder``, parsed."""
    for path in sorted(folder.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"), str(path))


def names_of_tests() -> set[str]:
    """``path::function`` of every test function of this project."""
    return {
        f"{path.relative_to(ROOT).as_posix()}::{node.name}"
        for path, tree in modules(ROOT / "tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
