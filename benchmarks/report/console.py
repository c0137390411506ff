"""A result for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report.results import Results
from benchmarks.report.tables import REFERENCES, CaseTable, case_tables

__all__ = ["render"]

NOTEWORTHY_CORES = 0.15


def render(results: Results) -> str:
    """All cases, then what is missing and what else ran."""
    haproxy, nginx = REFERENCES
    heading = (
        f"CPU is user + system time of the proxy's process tree; medians of {results.rounds} rounds"
        f" (least-greatest); ratios are to {haproxy}, or {nginx} for UDP, in the same round."
    )
    notes = [f"{name}: {how}" for name, how in results.missing.items()]
    if results.others_cores >= NOTEWORTHY_CORES:
        notes.append(
            f"other processes of this machine took {results.others_cores:.1f} of"
            f" {results.machine['cores']} cores meanwhile"
        )
    tables = map(_table, case_tables(results))
    return "\n\n".join([heading, *tables, *(["\n".join(notes)] if notes else [])])


def _table(case: CaseTable) -> str:
    lines = [f"{case.name}: {case.title}", *_aligned(case.rows), *case.notes]
    return "\n  ".join(lines)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
