"""``python -m benchmarks costs``: options in, a report and raw values out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.arguments import whole
from benchmarks.costs.counted import missing
from benchmarks.costs.cuts import CUTS, WHOLE
from benchmarks.costs.run import Count, Plan, take
from benchmarks.measuring.spread import Spread
from benchmarks.outcome import Outcome
from benchmarks.running import LOOPS
from benchmarks.running import run as run_on_loop

__all__ = ["MOST", "add_arguments", "render", "run"]

MOST = 0.02
"""Of the instructions of the whole: more for a feature that nobody uses is a failure."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=whole, default=3, metavar="N", help="default: 3")
    parser.add_argument(
        "--times",
        type=whole,
        default=20,
        metavar="N",
        help="requests, and connections, of each client; default: 20",
    )
    parser.add_argument(
        "--without", action="append", choices=CUTS, dest="cuts", help="repeatable; default: each"
    )
    parser.add_argument("--loop", choices=LOOPS, default="uvloop", help="of userproxy; default: uvloop")


def run(options: argparse.Namespace) -> Outcome:
    why = missing()
    if why:
        print(f"skipped: {why}", file=sys.stderr, flush=True)
        return Outcome(good=True, values={"skipped": why})
    plan = Plan(options.cuts or tuple(CUTS), options.rounds, options.times, options.loop)
    counts = run_on_loop(lambda: take(plan))
    print(render(counts), flush=True)
    return Outcome(
        good=not _too_dear(counts),
        values={"loop": plan.loop, "times": plan.times, "counts": [count.as_json() for count in counts]},
    )


def render(counts: Sequence[Count]) -> str:
    lines = ["user-space instructions of userproxy, by callgrind; medians (least-greatest)"]
    for per in ("request", "connection"):
        total = Spread.of([_of(count, per) for count in counts if count.without == WHOLE])
        lines.append(f"  a {per}: {total.median:,.0f} ({total.low:,.0f}-{total.high:,.0f}), of which")
        for name in _cuts(counts):
            share = _share(counts, name, per)
            lines.append(
                f"    {name}: {share.median:.1%} ({share.low:.1%} to {share.high:.1%}): {CUTS[name].text}"
            )
    too_dear = _too_dear(counts)
    verdict = f"over {MOST:.0%}: {', '.join(too_dear)}" if too_dear else "good"
    return "\n".join([*lines, f"verdict: {verdict}"])


def _too_dear(counts: Sequence[Count]) -> list[str]:
    return [
        f"{name} for each {per}"
        for name in _cuts(counts)
        for per in ("request", "connection")
        if _share(counts, name, per).median > MOST
    ]


def _share(counts: Sequence[Count], name: str, per: str) -> Spread:
    """What part of the whole is gone without it, round by round."""
    by_round = {count.round: _of(count, per) for count in counts if count.without == WHOLE}
    return Spread.of(
        [1 - _of(count, per) / by_round[count.round] for count in counts if count.without == name]
    )


def _cuts(counts: Sequence[Count]) -> list[str]:
    return list(dict.fromkeys(count.without for count in counts if count.without != WHOLE))


def _of(count: Count, per: str) -> float:
    return count.per_request if per == "request" else count.per_connection
