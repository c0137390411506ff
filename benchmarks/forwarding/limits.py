"""Who was the limit: a proxy that waits for its load looks cheap, or dear, for no reason of its own."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.measuring.window import Window

__all__ = ["limit_of"]

BUSY = 0.9
"""Of one core: load generator and backend have one thread each."""
FULL = 0.9
"""Of all cores."""
_NAMES = {"load": "the load generator", "backend": "the backend"}


def limit_of(windows: Sequence[Window], cores: int) -> str:
    """What else than the proxy bounded the rate, by medians of all rounds; "" when it was the proxy."""
    shares = {role: median(window.share(role) for window in windows) for role in ("load", "backend", "proxy")}
    busy = [name for role, name in _NAMES.items() if shares[role] >= BUSY]
    if busy:
        return f"limited by {' and '.join(busy)} (all of a core)"
    others = median(window.others for window in windows)
    if shares["proxy"] < BUSY and sum(shares.values()) + others >= FULL * cores:
        return "limited by the machine (all cores busy)"
    return ""
