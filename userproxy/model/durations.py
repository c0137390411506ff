"""Durations as Go writes them: "1h30m", "250ms" (rule K8; Go's time.ParseDuration)."""

from __future__ import annotations

import re

__all__ = ["parse_duration"]

_UNIT_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, micro sign
    "μs": 1_000,  # U+03BC, Greek letter mu
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_LONGEST_NS = 2**63 - 1
"""Go keeps a duration in 64 bits: 292 years."""
_DIGITS = 19
"""Digits of 2**63; more of them are out of range before a point, and too fine after it."""
_FRACTION = 10**19
_LONGEST_TEXT = 128
"""Characters; ours, so that a megabyte of "0s0s" takes no time."""
_NOT_A_DURATION = "not a duration such as 30s, 250ms or 1h30m"


def parse_duration(text: str) -> float:
    """The seconds that a Go duration means.

    Raises ValueError for anything that Go refuses: no unit, an unknown one, blanks, more than 292 years;
    and for a text of more than 128 characters.
    """
    unsigned = text[1:] if text[:1] in ("-", "+") else text
    if unsigned == "0":
        return 0.0
    if not unsigned or len(unsigned) > _LONGEST_TEXT:
        raise ValueError(_NOT_A_DURATION)
    total_ns = 0
    position = 0
    while position < len(unsigned):
        part = _PART.match(unsigned, position)
        if part is None:
            raise ValueError(_NOT_A_DURATION)
        total_ns += _nanoseconds(part[1], part[2] or "", _UNIT_NS[part[3]])
        if total_ns > _LONGEST_NS:
            raise ValueError("longer than 292 years")
        position = part.end()
    return (-total_ns if text[0] == "-" else total_ns) / 1_000_000_000


def _nanoseconds(whole: str, fraction: str, unit_ns: int) -> int:
    if not whole and not fraction:
        raise ValueError(_NOT_A_DURATION)
    digits = whole.lstrip("0")
    if len(digits) > _DIGITS:
        raise ValueError("longer than 292 years")
    fraction = fraction[:_DIGITS]
    # Padded to _DIGITS places; what is finer than a nanosecond is cut off, as in Go.
    fraction_ns = int(fraction.ljust(_DIGITS, "0")) * unit_ns // _FRACTION
    return int(digits or "0") * unit_ns + fraction_ns
