"""Markdown: every row has as many cells as its head."""

from __future__ import annotations

from benchmarks.report.tables import cases, provenance, targets
from tests.benchmarks.windows import results


def test_tables_are_whole() -> None:
    found = results(
        {"userproxy": [11.0, 12.0], "haproxy": [10.0, 10.0], "nginx": [9.0, 9.0]}, failed=["nginx"]
    )
    for text in (targets(found), cases(found)):
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) == 1
    assert "| userproxy | 100,000 (100,000-100,000) | 11.50 (11.00-12.00) | 1.15 (1.10-1.20) |" in cases(
        found
    )
    assert "nginx: 2 failed; wrong answers" in cases(found)


def test_a_target_row() -> None:
    found = results({"userproxy": [11.0, 12.0], "haproxy": [10.0, 10.0]})
    assert (
        "| 64 keep-alive connections: CPU per request | 11.50 us (11.00-12.00)"
        " | haproxy 10.00 us (10.00-10.00) | 1.15 (1.10-1.20) | <= 1.08x haproxy | no |"
    ) in targets(found)


def test_command_machine_and_versions_are_said() -> None:
    said = provenance(results({"haproxy": [1.0], "haproxy-splice": [1.0], "userproxy": [1.0]}))
    assert "By `python -m benchmarks` on 2" in said
    assert "haproxy 1.0" in said
    assert "splice" not in said
