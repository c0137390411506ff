"""Whether a run was good, and who set its limits."""

from __future__ import annotations

from collections.abc import Sequence

from userproxy.load.conditions import Condition
from userproxy.load.durations import shown
from userproxy.load.result import Result

__all__ = ["MIN_SENT_SHARE", "failures", "limit"]

MIN_SENT_SHARE = 0.99
BUSY_SHARE = 0.9
"""A process with so much of a core has little left."""
LATE_SHARE = 0.01
SLOW_NS = 10_000_000
"""A loop that comes this late, one time in a hundred, blurs what it measures."""


def failures(result: Result, fail_if: Sequence[Condition] = ()) -> list[str]:
    """Why the exit code is 1, one line each; empty when it is 0."""
    window = result.window
    found = []
    if not window.answered:
        kinds = {**result.not_opened}
        for kind, count in (*result.warm_up.errors.items(), *window.errors.items()):
            kinds[kind] = kinds.get(kind, 0) + count
        why = ", ".join(f"{kind} ({count})" for kind, count in _by_count(kinds))
        found.append(f"{result.address} gave no right answer: {why or 'nothing was measured'}")
    if result.sent_share < MIN_SENT_SHARE:
        found.append(f"only {100 * result.sent_share:.1f} % of the rate was sent: {limit(result)}")
    found += (
        f"{condition.text}: {condition.shown(result)}" for condition in fail_if if condition.holds(result)
    )
    return found


def limit(result: Result) -> str:
    """Who kept the load from being more, or more even."""
    window = result.window
    if not window.sent:
        return "unknown: nothing was sent"
    busiest = max((work.cpu_s / work.elapsed_s for work in result.work if work.elapsed_s > 0), default=0.0)
    lag_ns = result.lag.percentile(99) or 0
    itself = f"{100 * busiest:.0f} % of a core, loop lag p99 {shown(lag_ns)}"
    many = LATE_SHARE * max(1, window.sent)
    if busiest >= BUSY_SHARE:
        return f"this load generator was the limit ({itself}); --processes gives it more cores"
    if result.dropped_here:
        return (
            f"this load generator was the limit: {result.dropped_here} answers were dropped at its full"
            f" receive buffers ({itself})"
        )
    if window.late_by_generator > many or lag_ns > SLOW_NS:
        return f"this load generator came late ({itself}); other work may have kept it from its core"
    if result.loop == "closed":
        return f"the target was the limit, with {result.connections} at a time (load generator: {itself})"
    if window.not_sent or window.late_for_target > many:
        return f"the target was the limit: all connections waited for answers (load generator: {itself})"
    return f"none: the rate was held (load generator: {itself})"


def _by_count(kinds: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
