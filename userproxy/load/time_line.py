"""The time line of a result: what happened second by second, with marks in between."""

from __future__ import annotations

from collections.abc import Iterator

from userproxy.load.durations import shown
from userproxy.load.histogram import COARSE_BITS, Histogram
from userproxy.load.marks import Mark
from userproxy.load.result import Result
from userproxy.load.tally import Second

__all__ = ["live_line", "time_line"]

MAX_ROWS = 30
MARKS_SHOWN = 50
BAR_WIDTH = 20


def time_line(result: Result) -> str:
    """At most `MAX_ROWS` rows, each of one second or more; the warm-up is part of it."""
    seconds = list(result.seconds)
    while seconds and not (seconds[-1].answered or seconds[-1].failed):
        seconds.pop()  # behind the end
    if not seconds and not result.marks:
        return ""
    items = max(1, -(-len(seconds) // MAX_ROWS))
    step = items * result.step_s
    rows = [(at * result.step_s, _sum(seconds[at : at + items])) for at in range(0, len(seconds), items)]
    most = max((second.answered for _, second in rows), default=0)
    marks = iter(sorted(result.marks[:MARKS_SHOWN], key=lambda mark: mark.at_s))
    waiting = next(marks, None)
    lines = [f"{'second':>6} {'answered':>9} {'errors':>7} {'p50':>9} {'p99':>9}"]
    for at, second in rows:
        lines.append(_row(at, second, most))
        while waiting is not None and waiting.at_s - result.began_s < at + step:
            lines.append(_marked(waiting, result.began_s))
            waiting = next(marks, None)
    if waiting is not None:
        lines += (_marked(mark, result.began_s) for mark in _rest(waiting, marks))
    if len(result.marks) > MARKS_SHOWN:
        lines.append(f"  {len(result.marks) - MARKS_SHOWN} more marks")
    return "\n".join(lines)


def live_line(elapsed_s: float, second: Second, step_s: int = 1) -> str:
    """One line about the last second that is over, or the last step of several."""
    p50, p99 = second.latency.percentiles((50, 99)) or (None, None)
    return (
        f"{elapsed_s:.0f} s: {second.answered / step_s:.0f} answered/s, {second.failed} errors,"
        f" p50 {shown(p50)}, p99 {shown(p99)}"
    )


def _row(at: int, second: Second, most: int) -> str:
    p50, p99 = second.latency.percentiles((50, 99)) or (None, None)
    bar = "#" * round(BAR_WIDTH * second.answered / most) if most else ""
    return f"{at:>6} {second.answered:>9} {second.failed:>7} {shown(p50):>9} {shown(p99):>9}  {bar}".rstrip()


def _marked(mark: Mark, began_s: float) -> str:
    return f"  {mark.event} at {mark.at_s - began_s:.1f} s  {mark.text}".rstrip()


def _rest(first: Mark, marks: Iterator[Mark]) -> Iterator[Mark]:
    yield first
    yield from marks


def _sum(seconds: list[Second]) -> Second:
    return Second(
        sum(second.answered for second in seconds),
        sum(second.failed for second in seconds),
        Histogram.sum((second.latency for second in seconds), COARSE_BITS),
    )
