"""Marks on the time line: what the proxy's log says happened (docs/logging.md), from its JSON lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

__all__ = ["MARKING_EVENTS", "MAX_MARKS", "Mark", "parse_mark"]

MARKING_EVENTS = frozenset({
    "service_added", "service_changed", "service_removed", "route_changed", "listener_opened",
    "listener_refusing", "listener_taken", "listener_closed", "accept_paused", "hold_started", "watch_lost",
    "watch_restored", "problem", "problem_cleared",
})  # fmt: skip
"""Those that tell of a change; one for each connection would bury them."""
MAX_MARKS = 1000
_SHOWN = ("namespace", "service", "port_name", "listener", "generation", "changed", "removed", "watch",
          "object", "message", "error")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """``at_s``: Unix time, in seconds."""

    at_s: float
    event: str
    text: str
    """Its fields that say what changed, as ``key=value``."""


def parse_mark(line: str) -> Mark | None:
    """None for a line that is no JSON object of a marking event: others may write to the same file."""
    try:
        fields = json.loads(line)
        if not isinstance(fields, dict) or fields.get("event") not in MARKING_EVENTS:
            return None
        at_s = datetime.fromisoformat(fields["time"]).timestamp()
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    text = " ".join(f"{name}={fields[name]}" for name in _SHOWN if fields.get(name) not in (None, ""))
    return Mark(at_s, fields["event"], text)
