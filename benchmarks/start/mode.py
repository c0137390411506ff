"""``python -m benchmarks start``: options in, a report and raw values out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from benchmarks.arguments import whole
from benchmarks.measuring.spread import Spread
from benchmarks.outcome import Outcome
from benchmarks.running import LOOPS
from benchmarks.running import run as run_on_loop
from benchmarks.start.run import SERVICES, Start, measure_starts

__all__ = ["add_arguments", "render", "run", "slow"]

TARGET_S = 0.5
ROUNDS, QUICK_ROUNDS = 15, 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds")
    parser.add_argument("--rounds", type=whole, metavar="N", help=f"default: {ROUNDS}")
    parser.add_argument("--loop", choices=LOOPS, action="append", dest="loops", help="default: both")


def run(options: argparse.Namespace) -> Outcome:
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    starts = run_on_loop(lambda: measure_starts(rounds, options.loops or LOOPS))
    print(render(starts), flush=True)
    return Outcome(
        good=not slow(starts),
        values={"loops": {loop: [asdict(one) for one in measured] for loop, measured in starts.items()}},
    )


def slow(starts: Mapping[str, Sequence[Start]]) -> tuple[str, ...]:
    """The loops on which the median misses the target."""
    return tuple(
        loop
        for loop, measured in starts.items()
        if Spread.of([one.first_byte_s for one in measured]).median >= TARGET_S
    )


def render(starts: Mapping[str, Sequence[Start]]) -> str:
    """Medians, and the spread in brackets."""
    lines = [f"from the start of userproxy run -f, with {SERVICES} Services; medians [least to greatest]:"]
    for loop, measured in starts.items():
        lines += [
            f"  {loop}, {len(measured)} starts: first byte forwarded after"
            f" {_ms([one.first_byte_s for one in measured])}, every Service after"
            f" {_ms([one.all_s for one in measured])}",
            f"    processor time by then {_ms([one.cpu_s for one in measured])};"
            f" Python alone, start to end: {_ms([one.python_s for one in measured])}",
        ]
    verdict = f"too slow on {', '.join(missed)}" if (missed := slow(starts)) else "good"
    return "\n".join([*lines, f"verdict: {verdict} (target: the median below {TARGET_S * 1000:g} ms)"])


def _ms(values: Sequence[float]) -> str:
    spread = Spread.of([value * 1000 for value in values])
    return f"{spread.median:.0f} [{spread.low:.0f} to {spread.high:.0f}] ms"
