"""Durations as people read them."""

from __future__ import annotations

__all__ = ["shown"]

_UNITS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"))


def shown(value_ns: float | None) -> str:
    """With three digits and a unit: "1.23 ms"; "-" for none."""
    if value_ns is None:
        return "-"
    for size, unit in _UNITS:
        if value_ns >= 0.9995 * size:
            value = value_ns / size
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f} {unit}"
    return f"{value_ns:.0f} ns"
