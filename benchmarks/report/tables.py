"""Markdown: the targets, and every case with every peer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measuring.spread import Spread
from benchmarks.report.results import CaseFacts, Results, Series
from benchmarks.report.targets import Standing, standings

__all__ = [
    "REFERENCES",
    "CaseTable",
    "case_tables",
    "cases",
    "markdown",
    "provenance",
    "reference_of",
    "targets",
]

REFERENCES = ("haproxy", "nginx")
"""The first of them that a case has is what the others are compared with."""
_NONE = "-"


@dataclass(frozen=True, slots=True)
class CaseTable:
    """One case: the first row has the heads of the columns."""

    name: str
    title: str
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]


def reference_of(results: Results, case: str) -> str:
    """ "" when the case has none."""
    return next((name for name in REFERENCES if name in results.of(case)), "")


def provenance(results: Results) -> str:
    """Where the figures come from: command, machine and versions."""
    machine = results.machine
    peers = ", ".join(f"{name} {version}" for name, version in _software(results).items())
    return (
        f"By `{results.command}` on {results.made[:10]}: medians of {results.rounds} rounds (least-greatest);"
        f" a ratio is taken within each round. {machine['cores']} cores of an {machine['cpu']},"
        f" {machine['kernel']}, {machine['python']}, uvloop {machine['uvloop']}, commit"
        f" {machine['commit']}{' with changes' if machine['dirty'] else ''}; {peers}."
    )


def targets(results: Results) -> str:
    """One row for each target: what is to be reached, what was measured, and whether that is enough."""
    head = ("work", "userproxy", "beside", "ratio", "target", "met")
    return markdown([head, *(_target_row(results, standing) for standing in standings(results))])


def _target_row(results: Results, standing: Standing) -> tuple[str, ...]:
    target = standing.target
    facts = results.cases.get(target.case)
    cells = [
        _quantity(facts, target.quantity, results.series.get((target.case, peer)))
        for peer in (target.peer, target.reference)
    ]
    verdict = {None: "not measured", True: "yes", False: "no"}[standing.met]
    ours, theirs = cells
    if not target.reference:
        return (target.work, ours, _NONE, _NONE, f"<= {target.limit:,g}", verdict)
    return (
        target.work,
        ours,
        _NONE if theirs == _NONE else f"{target.reference} {theirs}",
        _spread(standing.ratio, ".2f"),
        f"<= {target.limit:g}x {target.reference}",
        verdict,
    )


def cases(results: Results) -> str:
    """A table for each case, with every peer, and what kept it from being faster."""
    parts = []
    for each in case_tables(results):
        parts += [f"**{each.name}**: {each.title}", markdown(each.rows)]
        if each.notes:
            parts.append("; ".join(each.notes) + ".")
    return "\n\n".join(parts)


def case_tables(results: Results) -> list[CaseTable]:
    """Of the cases that have a measurement, in order."""
    return [_case(results, name, facts) for name, facts in results.cases.items() if results.of(name)]


def _case(results: Results, name: str, facts: CaseFacts) -> CaseTable:
    by_peer = results.of(name)
    reference = reference_of(results, name)
    extra = [each for each in _HEADS if any(series.values(each) for series in by_peer.values())]
    beside = f"beside {reference}" if reference else "beside others"
    rate = "GB/s" if facts.unit == "s" else "answers/s"
    head = ["peer", rate, f"CPU per {facts.per}, {facts.unit}", beside, *map(_HEADS.__getitem__, extra)]
    rows, notes = [head], [f"{who}: {what}" for what, who in _limits(results, name)]
    for peer, series in by_peer.items():
        if series.failed:
            rows.append([peer, "FAILED", *[_NONE] * (len(head) - 2)])
            notes.append(f"{peer}: {series.failed} failed; {series.error}")
        else:
            ratio = None if peer == reference else results.ratio(name, "cost", peer, reference)
            others = (_quantity(None, each, series) for each in extra)
            rows.append([peer, *_cells(facts, series, ratio), *others])
    tools = " and ".join(sorted({tool for series in by_peer.values() for tool in series.tools}))
    return CaseTable(name, f"{facts.title}; load: {tools}", rows, notes)


def _cells(facts: CaseFacts, series: Series, ratio: Spread | None) -> list[str]:
    """Rate, cost and ratio."""
    rate = _spread(series.spread("rate"), ".2f" if facts.unit == "s" else ",.0f")
    return [rate, _spread(series.spread("cost"), _form(facts)), _spread(ratio, ".2f")]


_HEADS = {
    "p50": "p50, ms",
    "p99": "p99, ms",
    "lost": "lost, %",
    "uneven": "busiest worker by idlest",
}
"""Of the columns that not every case has."""
_UNITS = {"p50": "ms", "p99": "ms", "uneven": "times"}


def _limits(results: Results, case: str) -> list[tuple[str, str]]:
    """What else than the proxy bounded the rate, and for which peers."""
    found: dict[str, list[str]] = {}
    for key, what in results.notes.items():
        name, _, peer = key.partition(" ")
        if name == case:
            found.setdefault(what, []).append(peer)
    return [(what, ", ".join(peers)) for what, peers in found.items()]


def _quantity(facts: CaseFacts | None, quantity: str, series: Series | None) -> str:
    """With its unit, where the heading of a column does not have it."""
    spread = None if series is None else series.spread(quantity)
    if quantity == "lost" and spread is not None:
        percent = Spread(spread.median * 100, spread.low * 100, spread.high * 100)
        return _spread(percent, ".2f") + (" %" if facts else "")
    if facts is None or spread is None:
        return _spread(spread, ".2f")
    unit = _UNITS.get(quantity, facts.unit)
    form = _form(facts) if quantity == "cost" else ".2f"
    return f"{spread.median:{form}} {unit} ({spread.low:{form}}-{spread.high:{form}})"


def _form(facts: CaseFacts) -> str:
    return ".3f" if facts.unit == "s" else ".2f"


def _spread(spread: Spread | None, form: str) -> str:
    return _NONE if spread is None else f"{spread.median:{form}} ({spread.low:{form}}-{spread.high:{form}})"


def _software(results: Results) -> dict[str, str]:
    """Peers and load generators, the same program once."""
    own = ("userproxy", "direct", "streams")
    found = {
        name.partition("-")[0]: version for name, version in results.peers.items() if not name.startswith(own)
    }
    return found | {name: version for name, version in results.tools.items() if name != "bundled"}


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table; the first row has the heads of the columns."""
    head, *rest = rows
    lines = [head, ["---"] * len(head), *rest]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
