"""Columns as kubectl prints them: headings, three spaces between, durations and sizes in short."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["NONE", "age", "aligned", "counts", "print_columns", "size"]

NONE = "<none>"
_GAP = "   "
_UNITS = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
_COLOURS = {
    "listening": "green",
    "ready": "green",
    "holding": "yellow",
    "starting": "yellow",
    "draining": "yellow",
    "terminating": "yellow",
    "refusing": "red",
    "taken": "red",
    "not ready": "red",
}


def print_columns(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; an empty cell is ``<none>``. At a terminal states are coloured (NO_COLOR: not)."""
    lines = [tuple(headings), *(tuple(cell or NONE for cell in row) for row in rows)]
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        _print_coloured(lines)
        return
    for line in aligned(lines):
        print(line)


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Each column as wide as its longest cell."""
    widths = _widths(lines)
    return [
        _GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*lines, strict=True)]


def _print_coloured(lines: Sequence[Sequence[str]]) -> None:
    """Lines are as long as they are: the terminal breaks them, as kubectl's."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    widths = _widths(lines)
    for line in lines:
        text = Text()
        for cell, width in zip(line, widths, strict=True):
            text.append(cell, style=_COLOURS.get(cell, ""))
            text.append(" " * (width - len(cell)) + _GAP)
        text.rstrip()
        console.print(text)


def age(seconds: float) -> str:
    """As kubectl's AGE: 119s, 9m59s, 179m, 7h59m, 47h, 7d23h, 99d."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return _pair(minutes, "m", whole % 60, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return _pair(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    return _pair(days, "d", hours % 24, "h") if days < 8 else f"{days}d"


def _pair(large: int, unit: str, small: int, smaller_unit: str) -> str:
    return f"{large}{unit}{small}{smaller_unit}" if small else f"{large}{unit}"


def size(size_bytes: int) -> str:
    """In the units of Kubernetes' quantities: 999, 1.5Ki, 120Mi."""
    value = float(size_bytes)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            break
        value /= 1024
    if not unit:
        return str(size_bytes)
    return f"{value:.1f}{unit}" if value < 9.95 else f"{value:.0f}{unit}"


def counts(named: Mapping[str, int]) -> str:
    return ",".join(f"{name}:{count}" for name, count in named.items())
