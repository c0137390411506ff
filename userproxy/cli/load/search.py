"""``--find-max``: runs at one rate after the other, until the highest that holds is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from userproxy.cli.load.session import Session
from userproxy.load.conditions import Condition
from userproxy.load.plan import MAX_RATE, Plan
from userproxy.load.rate_search import RateSearch
from userproxy.load.result import Result
from userproxy.load.verdict import MIN_SENT_SHARE, limit

__all__ = ["Found", "Step", "find_max"]


@dataclass(frozen=True, slots=True)
class Step:
    """One run at one rate."""

    rate: float
    held: bool
    why: str
    """What was found, and for a rate that failed, who was the limit."""

    def __str__(self) -> str:
        return f"{self.rate:>12.1f}/s  {'holds' if self.held else 'fails'}  {self.why}"


@dataclass(frozen=True, slots=True)
class Found:
    """``best`` is the result at the highest rate that held; of the last run when none did."""

    rate: float | None
    best: Result
    steps: tuple[Step, ...]


def find_max(session: Session, plan: Plan, condition: Condition, told: Callable[[Step], None]) -> Found:
    """A rate holds when ``condition`` does, 99 % of it was sent and nothing failed.

    After a signal no further rate is tried, and the run that was cut counts for nothing but its result.
    """
    assert plan.rate is not None
    search = RateSearch(plan.rate, highest=MAX_RATE)
    best: Result | None = None
    steps: list[Step] = []
    while search.rate is not None:
        result = session.run(replace(plan, rate=search.rate))
        if result.interrupted:
            best = best or result
            break
        step = _step(search.rate, condition, result)
        steps.append(step)
        told(step)
        if step.held or search.good is None:
            best = result
        search.tell(step.held)
    assert best is not None
    return Found(search.good, best, tuple(steps))


def _step(rate: float, condition: Condition, result: Result) -> Step:
    failed = result.window.failed + sum(result.not_opened.values())
    held = condition.holds(result) and result.sent_share >= MIN_SENT_SHARE and not failed
    why = f"{condition.shown(result)}, {100 * result.sent_share:.1f} % sent, {failed} errors"
    return Step(rate, held, why if held else f"{why}; {limit(result)}")
