"""Whether a run was good, and who set its limits."""

from __future__ import annotations

from collections.abc import Sequence

from userproxy.load.conditions import Condition
from userproxy.load.durations import shown
from userproxy.load.result import Result, Work

__all__ = ["MIN_SENT_SHARE", "failures", "limit"]

MIN_SENT_SHARE = 0.99
BUSY_SHARE = 0.9
"""A process with so much of a core has little left."""
WAITING_SHARE = 0.2
"""A process that waits so long for a core shares the machine with too much, the target perhaps."""
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
    work = max(result.work, key=lambda work: work.cpu_s + work.waited_s, default=Work(0.0, 1.0))
    elapsed_s = max(work.elapsed_s, 1e-9)
    busy, waiting = work.cpu_s / elapsed_s, work.waited_s / elapsed_s
    lag_ns = result.lag.percentile(99) or 0
    itself = f"load generator: {100 * busy:.0f} % of a core, loop lag p99 {shown(lag_ns)}"
    if busy >= BUSY_SHARE:
        return f"this load generator was the limit; --processes gives it more cores ({itself})"
    many = LATE_SHARE * window.sent
    slow = window.late_by_generator > many or lag_ns > SLOW_NS or result.dropped_here > 0
    held_up = window.not_sent > 0 or window.late_for_target > many
    if result.loop == "open" and not slow and not held_up:
        return f"none: the rate was held ({itself})"
    if waiting >= WAITING_SHARE:
        return (
            f"this machine was the limit: {100 * waiting:.0f} % of the time was waiting for a core ({itself})"
        )
    return f"{_slower(result, slow=slow)} ({itself})"


def _slower(result: Result, *, slow: bool) -> str:
    """Which of the two, with cores enough."""
    if result.dropped_here:
        return (
            f"this load generator was the limit: {result.dropped_here} answers were dropped at its full"
            " receive buffers"
        )
    if slow:
        return "this load generator came late; other work may have kept it from its core"
    if result.loop == "closed":
        return f"the target was the limit, with {result.connections} at a time"
    return "the target was the limit: all connections waited for answers"


def _by_count(kinds: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
