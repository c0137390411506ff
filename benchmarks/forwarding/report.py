"""Tables for people: medians with their spread, and ratios to haproxy or nginx in the same rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.forwarding.cases import Case
from benchmarks.forwarding.limits import limit_of
from benchmarks.forwarding.measurement import Measurement
from benchmarks.measuring.spread import Spread, ratios

__all__ = ["render"]

REFERENCES = ("haproxy", "nginx")
"""The first of them that a case has."""
NOTEWORTHY_CORES = 0.15
_NONE = "-"


def render(measurements: Sequence[Measurement], missing: Mapping[str, str], cores: int) -> str:
    """All cases in the order in which they came."""
    by_case: dict[Case, dict[str, list[Measurement]]] = {}
    for measurement in measurements:
        by_case.setdefault(measurement.case, {}).setdefault(measurement.peer, []).append(measurement)
    # The order of peers is that of the first round.
    tables = [_table(case, by_peer, cores) for case, by_peer in by_case.items()]
    rounds = 1 + max((measurement.round for measurement in measurements), default=0)
    heading = (
        f"CPU is user + system time of the proxy's process tree; medians of {rounds} rounds"
        f" (least-greatest); ratios are to {REFERENCES[0]}, or {REFERENCES[1]} for UDP, in the same round."
    )
    notes = [f"{name}: {how}" for name, how in missing.items()]
    others = median([measurement.window.others for measurement in measurements]) if measurements else 0.0
    if others >= NOTEWORTHY_CORES:
        notes.append(f"other processes of this machine took {others:.1f} of {cores} cores meanwhile")
    return "\n\n".join([heading, *tables, *(["\n".join(notes)] if notes else [])])


def _table(case: Case, by_peer: Mapping[str, Sequence[Measurement]], cores: int) -> str:
    amount = "GB/s" if case.per_gigabyte else "answers/s"
    reference = next((name for name in REFERENCES if name in by_peer), REFERENCES[0])
    rows = [("", amount, f"CPU per {case.per}, {case.time_unit}", f"ratio to {reference}")]
    notes: dict[str, list[str]] = {}
    for peer, taken in by_peer.items():
        failed = [measurement for measurement in taken if not measurement.good]
        if failed:
            rows.append((peer, "FAILED", _NONE, _NONE))
            notes.setdefault(_why(failed), []).append(peer)
            continue
        rows.append((peer, _rate(case, taken), _cost(case, taken), _ratio(taken, by_peer.get(reference, ()))))
        limit = limit_of([measurement.window for measurement in taken], cores)
        if limit:
            notes.setdefault(limit, []).append(peer)
    lines = [f"{case.name}: {case.title}", *(f"  {line}" for line in _aligned(rows))]
    return "\n".join([*lines, *(f"  {', '.join(peers)}: {note}" for note, peers in notes.items())])


def _rate(case: Case, taken: Sequence[Measurement]) -> str:
    return _spread(
        Spread.of([measurement.rate for measurement in taken]), ".2f" if case.per_gigabyte else ",.0f"
    )


def _cost(case: Case, taken: Sequence[Measurement]) -> str:
    costs = [case.in_time_unit(cost) for measurement in taken if (cost := measurement.cost_s) is not None]
    return _spread(Spread.of(costs), ".3f" if case.per_gigabyte else ".2f") if costs else _NONE


def _ratio(taken: Sequence[Measurement], others: Sequence[Measurement]) -> str:
    if taken is others or not all(measurement.good for measurement in others):
        return _NONE
    costs = [cost for measurement in taken if (cost := measurement.cost_s) is not None]
    references = [cost for measurement in others if (cost := measurement.cost_s)]
    if not costs or len(costs) != len(references):
        return _NONE
    return _spread(Spread.of(ratios(costs, references)), ".2f")


def _spread(spread: Spread, form: str) -> str:
    return f"{spread.median:{form}} ({spread.low:{form}}-{spread.high:{form}})"


def _why(failed: Sequence[Measurement]) -> str:
    last = failed[-1]
    count = sum(measurement.reading.failed for measurement in failed)
    return f"{count} failed; {last.reading.error or 'nothing was done'}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
