"""Conditions on a result, as ``--fail-if 'p99>20ms'`` and ``--find-max 'p99<20ms'`` take them.

A condition is a measure, a comparison and a value. Measures are percentiles (``p50``, ``p99.9``), ``min``,
``mean`` and ``max`` of the latency (``service.`` and ``connect.`` before it: of those), and counts and rates
of the window.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from userproxy.errors import ConfigError
from userproxy.load.durations import shown
from userproxy.load.histogram import Histogram
from userproxy.load.result import Result
from userproxy.model.durations import parse_duration

__all__ = ["Condition", "parse_condition"]

_FORM = re.compile(r"\s*([a-z][a-z0-9_.]*)\s*(>=|<=|>|<)\s*(\S+)\s*")
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip
_PERCENTILE = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,6})?|100)")
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_HISTOGRAMS: dict[str, Callable[[Result], Histogram]] = {
    "latency": lambda result: result.window.latency,
    "service": lambda result: result.window.service,
    "connect": lambda result: result.connect,
}
_COUNTS: dict[str, Callable[[Result], float]] = {
    "errors": lambda result: result.window.failed + sum(result.not_opened.values()),
    "late": lambda result: result.window.late,
    "not_sent": lambda result: result.window.not_sent,
    "lost": lambda result: result.window.errors.get("lost", 0),
    "duplicates": lambda result: result.window.duplicates,
    "reordered": lambda result: result.window.reordered,
    "corrupt": lambda result: result.window.corrupt,
}
"""Those that may also be a share, in percent of the requests that were due."""
_RATES: dict[str, Callable[[Result], float]] = {
    "throughput": lambda result: result.throughput,
    "answered": lambda result: result.window.answered,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """``value`` is in nanoseconds, in percent, or a plain number, as the measure has it."""

    text: str
    measure: str
    comparison: str
    value: float
    percent: bool = False

    def holds(self, result: Result) -> bool:
        """False when there is nothing to compare: no request was answered."""
        found = self.found(result)
        return found is not None and _COMPARISONS[self.comparison](found, self.value)

    def found(self, result: Result) -> float | None:
        """The measure of ``result``; None when it has no value."""
        if self.measure in _RATES:
            return _RATES[self.measure](result)
        if self.measure in _COUNTS:
            count = _COUNTS[self.measure](result)
            return 100 * count / max(1, result.window.due) if self.percent else count
        source, statistic = _parts(self.measure)
        return _statistic(_HISTOGRAMS[source](result), statistic)

    def shown(self, result: Result) -> str:
        """The measure as found: "p99 is 23.1 ms"."""
        found = self.found(result)
        if found is None:
            return f"{self.measure} has no value"
        if self.measure in _COUNTS or self.measure in _RATES:
            return f"{self.measure} is {found:.3g} %" if self.percent else f"{self.measure} is {found:.10g}"
        return f"{self.measure} is {shown(found)}"


def parse_condition(text: str, option: str) -> Condition:
    """Raises ConfigError that names ``option`` and says what is wrong."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise ConfigError(f"{option} {text!r}: must be a measure, <, <=, > or >=, and a value, like p99>20ms")
    measure, comparison, value = form.groups()
    if measure in _COUNTS or measure in _RATES:
        percent = value.endswith("%") and measure in _COUNTS
        number = value.removesuffix("%") if percent else value
        if not _NUMBER.fullmatch(number):
            raise ConfigError(f"{option} {text!r}: {value} is no number for {measure}")
        return Condition(text, measure, comparison, float(number), percent)
    if not _is_statistic(measure):
        known = ", ".join((*_COUNTS, *_RATES))
        raise ConfigError(
            f"{option} {text!r}: {measure} is not known; it can be p50 (any percentile), min, mean, max,"
            f" service.p50, connect.p50, {known}"
        )
    try:
        if not value[0].isdigit():
            raise ValueError("not a duration such as 20ms or 1.5s")
        value_ns = parse_duration(value) * 1e9
    except ValueError as error:
        raise ConfigError(f"{option} {text!r}: {value}: {error}") from error
    return Condition(text, measure, comparison, value_ns)


def _parts(measure: str) -> tuple[str, str]:
    """("service", "p99") of "service.p99"; of "p99.9" it is the latency."""
    source, _, statistic = measure.partition(".")
    return (source, statistic) if source in _HISTOGRAMS else ("latency", measure)


def _is_statistic(measure: str) -> bool:
    statistic = _parts(measure)[1]
    return statistic in ("min", "mean", "max") or _PERCENTILE.fullmatch(statistic) is not None


def _statistic(histogram: Histogram, name: str) -> float | None:
    if not histogram.counts:
        return None
    if name == "mean":
        return histogram.mean_and_deviation()[0]
    if name == "min":
        return histogram.least
    return histogram.percentile(100.0 if name == "max" else float(name[1:]))
