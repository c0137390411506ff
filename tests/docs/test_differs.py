"""docs/differs.md lists the rules that docs/semantics.md marks, and no others."""

from __future__ import annotations

from tests.docs.project import DOCS, table_rows


def test_the_list_has_every_rule_that_differs() -> None:
    marked = {row[0] for row in table_rows(DOCS / "semantics.md") if "**differs**" in row[1]}
    listed = {row[0] for row in table_rows(DOCS / "differs.md")}
    assert listed == marked
