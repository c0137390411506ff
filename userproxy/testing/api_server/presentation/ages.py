"""Ages as kubectl prints them: two units where the first is small, one where it is not."""

from __future__ import annotations

from datetime import datetime

__all__ = ["age"]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_YEAR = 365 * _DAY

_STEPS: tuple[tuple[int, int, str, int, str], ...] = (
    # Below this many seconds: whole units, and the rest in smaller ones (0: the rest is not shown).
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)


def age(timestamp: object, now: datetime) -> str:
    """The time from an RFC 3339 ``timestamp`` to ``now``; ``<unknown>`` when there is none."""
    try:
        then = datetime.fromisoformat(str(timestamp))
        seconds = int((now - then).total_seconds())
    except (ValueError, TypeError):
        return "<unknown>"
    if seconds < 0:
        return "0s" if seconds >= -1 else "<invalid>"
    for limit, size, unit, small_size, small_unit in _STEPS:
        if seconds < limit:
            whole, rest = divmod(seconds, size)
            small = rest // small_size if small_size else 0
            return f"{whole}{unit}{small}{small_unit}" if small else f"{whole}{unit}"
    return f"{seconds // _YEAR}y"
