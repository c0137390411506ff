"""A result file of forwarding, decoded: what each peer took in each case, round by round."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.document import FORMAT
from benchmarks.errors import FileError
from benchmarks.measuring.spread import Spread

__all__ = ["CaseFacts", "Results", "Series", "load", "parse", "read"]

_GIGABYTE = 1e9
ByRound = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What is known of a case."""

    title: str
    per: str
    unit: str
    """Of processor time: "us", or "s" for a gigabyte."""


@dataclass(slots=True)
class Series:
    """One peer in one case, by round. Values of a quantity that was not measured are missing."""

    quantities: dict[str, dict[int, float]] = field(default_factory=dict)
    """By name: ``cost`` in the case's unit, ``rate`` a second, ``p50`` and ``p99`` in ms, ``lost`` as a part
    of 1, ``uneven``: time of the busiest worker by that of the idlest.
    """
    failed: int = 0
    error: str = ""
    tools: set[str] = field(default_factory=set)

    def values(self, quantity: str) -> ByRound:
        return self.quantities.get(quantity, {})

    def spread(self, quantity: str) -> Spread | None:
        """None when it was not measured, or when something failed: a failed case has no figures."""
        values = self.values(quantity)
        return Spread.of([*values.values()]) if values and not self.failed else None


@dataclass(frozen=True, slots=True)
class Results:
    """``name`` is the file's; the rest is as in `benchmarks.document`."""

    name: str
    made: str
    command: str
    machine: Mapping[str, object]
    peers: Mapping[str, str]
    tools: Mapping[str, str]
    missing: Mapping[str, str]
    rounds: int
    cases: Mapping[str, CaseFacts]
    series: Mapping[tuple[str, str], Series]
    """By case and peer, in the order in which they came."""
    notes: Mapping[str, str]
    """What else than the proxy bounded the rate, by case and peer."""
    others_cores: float
    """What processes that have nothing to do with the run took, in median."""

    def of(self, case: str) -> dict[str, Series]:
        """By peer."""
        return {peer: series for (name, peer), series in self.series.items() if name == case}

    def ratio(self, case: str, quantity: str, peer: str, reference: str) -> Spread | None:
        """Of the values of the same rounds; None when one of both is not known or failed."""
        values = self.ratios(case, quantity, peer, reference)
        return Spread.of([*values.values()]) if values else None

    def ratios(self, case: str, quantity: str, peer: str, reference: str) -> dict[int, float]:
        """By round; empty when one of both is not known or failed."""
        ours, theirs = self.series.get((case, peer)), self.series.get((case, reference))
        if ours is None or theirs is None or ours.failed or theirs.failed:
            return {}
        others = theirs.values(quantity)
        return {
            number: value / others[number]
            for number, value in ours.values(quantity).items()
            if others.get(number)
        }


def load(path: Path) -> Results:
    """Raises FileError, with one line, for what is no result file of forwarding in this format."""
    return parse(read(path), path.name)


def read(path: Path) -> dict[str, Any]:
    """A result file of any mode, as JSON has it. Raises FileError for what is none in this format."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise FileError(f"{path}: is no JSON: {error}") from error
    if not isinstance(raw, dict) or "format" not in raw:
        raise FileError(f"{path.name}: is no result file of the benchmarks")
    if raw["format"] != FORMAT:
        raise FileError(f"{path.name}: is of format {raw['format']}; this version reads {FORMAT}")
    return raw


def parse(raw: Mapping[str, Any], name: str) -> Results:
    """Raises FileError for another mode, or a damaged result."""
    if raw.get("mode") != "forwarding":
        raise FileError(f"{name}: is a result of {raw.get('mode')}, not of forwarding")
    try:
        cases = {key: CaseFacts(**value) for key, value in raw["cases"].items()}
        series: dict[tuple[str, str], Series] = {}
        for one in raw["measurements"]:
            _add(series.setdefault((one["case"], one["peer"]), Series()), one, cases[one["case"]])
        return Results(
            name=name,
            made=raw["made"],
            command=raw["command"],
            machine=raw["machine"],
            peers=raw["peers"],
            tools=raw["tools"],
            missing=raw["missing"],
            rounds=raw["plan"]["rounds"],
            cases=cases,
            series=series,
            notes=raw["notes"],
            others_cores=median([one["others_cpu"] for one in raw["measurements"]] or [0.0]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise FileError(f"{name}: is damaged: {type(error).__name__} {error}") from error


def _add(series: Series, one: Mapping[str, object], facts: CaseFacts) -> None:
    """Take in one measurement."""
    number, amount = one["round"], _amount(one, facts)
    series.tools.add(str(one["tool"]))
    if one["failed"] or not amount:
        series.failed += max(1, int(str(one["failed"])))
        series.error = str(one["error"]) or ("wrong answers" if one["failed"] else "nothing was done")
        return
    found = {"rate": amount / float(str(one["seconds"]))}
    cpu, latency = one["cpu_s"], one["latency_ms"]
    if not isinstance(number, int) or not isinstance(cpu, dict) or not isinstance(latency, dict):
        raise TypeError("a measurement without its round, times or latencies")
    if "proxy" in cpu:
        seconds = float(sum(cpu["proxy"].values()))
        found["cost"] = seconds / amount * (1.0 if facts.unit == "s" else 1e6)
    workers = [sum(map(float, cpu[role].values())) for role in cpu if role.startswith("worker-")]
    if workers and min(workers) > 0:
        found["uneven"] = max(workers) / min(workers)
    found |= {str(name): float(value) for name, value in latency.items()}
    if one.get("lost") is not None:
        found["lost"] = float(str(one["lost"]))
    for quantity, value in found.items():
        series.quantities.setdefault(quantity, {})[number] = value


def _amount(one: Mapping[str, object], facts: CaseFacts) -> float:
    return float(str(one["bytes"])) / _GIGABYTE if facts.unit == "s" else float(str(one["answered"]))
