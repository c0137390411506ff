"""Results as JSON: raw counts and buckets, from which everything else follows.

Files of another version are refused. Fields may be added; `FORMAT` grows when one changes its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from userproxy.errors import UserproxyError
from userproxy.load.histogram import COARSE_BITS, FINE_BITS, Histogram
from userproxy.load.marks import Mark
from userproxy.load.result import Result, Work
from userproxy.load.tally import Counts, Second

__all__ = ["FORMAT", "ResultFileError", "from_json", "parse_result", "to_json"]

FORMAT = 1
KIND = "userproxy load"
_PLAIN = ("url", "address", "model", "loop", "arrivals", "rate", "connections", "began_s", "warm_up_s",
          "duration_s", "interrupted", "dropped_here", "not_opened", "step_s")  # fmt: skip
_PERCENTS = (50, 75, 90, 99, 99.9, 99.99, 100)


class ResultFileError(UserproxyError):
    """No result that this version can read."""


def to_json(result: Result) -> dict[str, Any]:
    """Durations in nanoseconds where the name ends in ``_ns``; buckets are [lowest value, count]."""
    return {
        "kind": KIND,
        "format": FORMAT,
        **{name: getattr(result, name) for name in _PLAIN},
        "throughput_per_s": round(result.throughput, 3),
        "warm_up": _counts(result.warm_up),
        "window": _counts(result.window),
        "connect": _histogram(result.connect),
        "lag": _histogram(result.lag),
        "seconds": [_second(second) for second in result.seconds],
        "marks": [
            {
                "at_s": mark.at_s,
                "after_s": round(mark.at_s - result.began_s, 3),
                "event": mark.event,
                "text": mark.text,
            }
            for mark in result.marks
        ],
        "work": [asdict(work) for work in result.work],
    }


def _counts(counts: Counts) -> dict[str, Any]:
    plain = {field.name: getattr(counts, field.name) for field in fields(counts)}
    return {
        **plain,
        "not_sent": counts.not_sent,
        "latency": _histogram(counts.latency),
        "service": _histogram(counts.service),
    }


def _second(second: Second) -> dict[str, Any]:
    return {"answered": second.answered, "failed": second.failed, "latency": _histogram(second.latency)}


def _histogram(histogram: Histogram) -> dict[str, Any]:
    values = histogram.percentiles(_PERCENTS)
    return {
        "bits": histogram.bits,
        "percentiles_ns": {f"p{percent:g}": value for percent, value in zip(_PERCENTS, values, strict=False)},
        "buckets_ns": histogram.pairs(),
    }


def parse_result(text: str | bytes, name: str) -> Result:
    """What a file called ``name`` holds. Raises ResultFileError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ResultFileError(f"{name}: not JSON: {error}") from error
    return from_json(document, name)


def from_json(document: Any, name: str) -> Result:
    """Raises ResultFileError, which names the file ``name``."""
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise ResultFileError(f"{name}: not a result of userproxy load (-o json writes one)")
    if document.get("format") != FORMAT:
        raise ResultFileError(f"{name}: format {document.get('format')}; this version reads format {FORMAT}")
    try:
        return _result(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ResultFileError(f"{name}: damaged: {type(error).__name__}: {error}") from error


def _result(document: Mapping[str, Any]) -> Result:
    result = Result(
        **{name: document[name] for name in _PLAIN},
        warm_up=_counts_of(document["warm_up"]),
        window=_counts_of(document["window"]),
        connect=_histogram_of(document["connect"]),
        lag=_histogram_of(document["lag"]),
        seconds=[
            Second(int(item["answered"]), int(item["failed"]), _histogram_of(item["latency"], COARSE_BITS))
            for item in document["seconds"]
        ],
        marks=[
            Mark(float(item["at_s"]), str(item["event"]), str(item["text"])) for item in document["marks"]
        ],
        work=[
            Work(float(item["cpu_s"]), float(item["elapsed_s"]), float(item["waited_s"]))
            for item in document["work"]
        ],
    )
    _check(result)
    return result


def _check(result: Result) -> None:
    """Raises ValueError or TypeError for what would fail later, when it is added or shown."""
    for name in ("url", "address", "model", "loop", "arrivals"):
        if not isinstance(getattr(result, name), str):
            raise TypeError(f"{name} is no text")
    rate = 0 if result.rate is None else result.rate
    for number in (result.began_s, result.warm_up_s, result.duration_s, rate):
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < 1e12:
            raise ValueError(f"{number!r} is no number that a run could have")
    if result.loop not in ("open", "closed") or not isinstance(result.interrupted, bool):
        raise ValueError("no loop that a run could have")
    _whole(result.connections)
    _whole(result.dropped_here)
    if not _whole(result.step_s):
        raise ValueError("a time line without steps")
    _names_of(result.not_opened)


def _counts_of(item: Mapping[str, Any]) -> Counts:
    plain = {
        field.name: _whole(item[field.name])
        for field in fields(Counts)
        if field.name not in ("errors", "names", "latency", "service")
    }
    return Counts(
        **plain,
        errors=_names_of(item["errors"]),
        names=_names_of(item["names"]),
        latency=_histogram_of(item["latency"]),
        service=_histogram_of(item["service"]),
    )


def _names_of(item: Mapping[str, Any]) -> dict[str, int]:
    return {str(name): _whole(count) for name, count in item.items()}


def _histogram_of(item: Mapping[str, Any], bits: int = FINE_BITS) -> Histogram:
    if item["bits"] != bits:
        raise ValueError(f"a histogram of {item['bits']} bits, not {bits}")
    return Histogram.of_pairs(((_whole(value), _whole(count)) for value, count in item["buckets_ns"]), bits)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    return value
