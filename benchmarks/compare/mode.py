"""``python -m benchmarks compare A B``: two result files in, the differences out."""

from __future__ import annotations

import argparse
import sys
from math import isinf
from pathlib import Path

from benchmarks.compare.differences import Difference, differences, warnings
from benchmarks.errors import FileError
from benchmarks.measuring.noise import FLOOR, LEAST, LEVEL, by_chance
from benchmarks.report.results import load

__all__ = ["add_arguments", "render", "run"]

BEST = "Nothing of userproxy got worse beyond the noise."
TOO_FEW = f"With fewer than {LEAST} rounds nothing can be said about the noise."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", type=Path, metavar="A", help="result file of forwarding")
    parser.add_argument("after", type=Path, metavar="B", help="a later one")
    parser.epilog = (
        "exit code: 1 when userproxy got worse beyond the noise in any case that both files have, 2 when a"
        f" file cannot be used. Beyond the noise: the {LEVEL:.0%} bootstrap interval of the ratio of medians"
        f" leaves out 1, and the medians differ by more than {FLOOR:.0%}"
    )


def run(options: argparse.Namespace) -> int:
    """Raises FileError."""
    before, after = load(options.before), load(options.after)
    for warning in warnings(before, after):
        print(f"warning: {warning}", file=sys.stderr)
    found = differences(before, after)
    if not found:
        raise FileError(f"{before.name} and {after.name} have no case and peer in common")
    print(render(found, min(before.rounds, after.rounds)))
    return 1 if any(each.worse and each.ours for each in found) else 0


def render(found: list[Difference], rounds: int) -> str:
    """All differences, those beyond the noise marked, and the verdict."""
    lines = [_line(each) for each in found]
    worse = [f"{each.peer} in {each.case}" for each in found if each.worse and each.ours]
    others = [f"{each.peer} in {each.case}" for each in found if each.worse and not each.ours]
    odds = f"about 1 of {1 / by_chance(rounds):,.0f} comparisons exceeds the noise by chance"
    lines += ["", f"With {rounds} rounds, {odds}." if rounds >= LEAST else TOO_FEW]
    if others:
        lines.append(f"Others got worse too, so the machine may be another one now: {', '.join(others)}.")
    lines.append(f"Worse: {', '.join(worse)}." if worse else BEST)
    return "\n".join(lines)


def _line(each: Difference) -> str:
    head = f"{each.case:<18}{each.peer:<20}{each.basis:<22}"
    mark = "  WORSE" if each.worse else "  better" if each.better else ""
    if each.change is None:
        return f"{head}failed before: {_yes(each.failed_before)}, after: {_yes(each.failed_after)}{mark}"
    change = each.change
    within = "too few rounds" if isinf(change.high) else f"{change.low - 1:+.1%} to {change.high - 1:+.1%}"
    return f"{head}{change.ratio - 1:+7.1%}  ({within}){mark}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
