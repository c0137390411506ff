"""Targets that are limits by themselves, out of results of the modes idle, start and scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.errors import FileError
from benchmarks.measuring.spread import Spread
from benchmarks.report.tables import markdown

__all__ = ["LIMITS", "Limit", "limits"]

Raw = Mapping[str, Any]  # as JSON has it
"""A result file."""
Values = Callable[[Raw], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Limit:
    """The median of ``values`` is at most ``limit``."""

    work: str
    values: Values
    limit: float
    unit: str
    form: str = ".2f"


def _idle(raw: Raw) -> list[float]:
    return [
        (one["after_bytes"] - one["before_bytes"]) / one["connections"]
        for one in raw["measurements"]
        if one["peer"] == "userproxy"
    ]


def _first_byte(loop: str) -> Values:
    return lambda raw: [one["first_byte_s"] for one in raw["loops"].get(loop, ())]


def _slowest_hundredth_ms(raw: Raw) -> list[float]:
    """Of each round."""
    found = []
    for one in raw["rounds"]:
        ordered = sorted(one["changes"]["milliseconds"])
        found.append(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))])
    return found


LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "idle": (Limit("idle connections: resident memory, each", _idle, 4096, "bytes", ",.0f"),),
    "start": tuple(
        Limit(f"start of the process to the first byte forwarded, {loop}", _first_byte(loop), 0.5, "s")
        for loop in ("uvloop", "asyncio")
    ),
    "scale": (
        Limit(
            "first sync, by one orjson.loads of the same bytes",
            lambda raw: [one["ratios"]["sync"] for one in raw["rounds"]],
            3.0,
            "times",
        ),
        Limit("one slice changed, in force: p99", _slowest_hundredth_ms, 5.0, "ms"),
        Limit(
            "one slice changed, by its cost in a small cluster",
            lambda raw: [one["ratios"]["change_cpu"] for one in raw["rounds"]],
            1.5,
            "times",
        ),
        Limit(
            "all listeners open",
            lambda raw: [one["listeners"]["listeners_s"] for one in raw["rounds"]],
            5.0,
            "s",
        ),
    ),
}
"""By mode."""


def limits(raw: Raw, name: str) -> str:
    """Markdown: each limit of the mode of this result, what was measured, and whether it is met.

    Raises FileError for another mode, or a damaged result.
    """
    mode = str(raw.get("mode"))
    if mode not in LIMITS:
        raise FileError(f"{name}: is a result of {mode}; limits have {', '.join(LIMITS)}")
    try:
        rows = [_row(limit, limit.values(raw)) for limit in LIMITS[mode]]
        made = f"By `{raw['command']}` on {raw['made'][:10]}: medians (least-greatest)."
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise FileError(f"{name}: is damaged: {type(error).__name__} {error}") from error
    return f"{markdown([('work', 'measured', 'target', 'met'), *rows])}\n\n{made}"


def _row(limit: Limit, values: Sequence[float]) -> tuple[str, str, str, str]:
    target = f"<= {limit.limit:,g} {limit.unit}"
    if not values:
        return (limit.work, "-", target, "not measured")
    spread = Spread.of(values)
    form = limit.form
    measured = f"{spread.median:{form}} {limit.unit} ({spread.low:{form}}-{spread.high:{form}})"
    return (limit.work, measured, target, "yes" if spread.median <= limit.limit else "no")
