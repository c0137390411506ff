"""Bytes to a pod through the API server, out of a result of the mode port-forward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.errors import FileError
from benchmarks.measuring.spread import Spread
from benchmarks.report.tables import markdown

__all__ = ["forwards"]

Raw = Mapping[str, Any]  # as JSON has it
"""A result file, or a part of one."""


def forwards(raw: Raw, name: str) -> str:
    """Markdown: how fast each way is, and what it costs.

    Raises FileError for another mode, or a damaged result.
    """
    if raw.get("mode") != "port-forward":
        raise FileError(f"{name}: is a result of {raw.get('mode')}, and no port-forward")
    try:
        size_bytes = raw["size_bytes"]
        rows = [_row(way, kinds, size_bytes) for way, kinds in raw["ways"].items()]
        made = f"By `{raw['command']}` on {raw['made'][:10]}: medians, of {size_bytes / 1e6:g} MB each."
        if crowd := raw["at_once"]:
            made += (
                f" {crowd['connections']:,} connections at once through userproxy were open and had been"
                f" answered twice after {crowd['seconds']:.2f} s."
            )
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise FileError(f"{name}: is damaged: {type(error).__name__} {error}") from error
    head = ("way", "download", "upload", "processor time a GB, down", "up")
    return f"{markdown([head, *rows])}\n\n{made}"


def _row(way: str, kinds: Raw, size_bytes: int) -> tuple[str, ...]:
    both = (kinds["download"], kinds["upload"])
    rates = (f"{size_bytes / 1e6 / _median(rounds, 'seconds'):.0f} MB/s" for rounds in both)
    costs = (f"{_median(rounds, 'cpu_s') / size_bytes * 1e9:.2f} s" for rounds in both)
    return (way, *rates, *costs)


def _median(rounds: Sequence[Raw], field: str) -> float:
    return Spread.of([one[field] for one in rounds]).median
