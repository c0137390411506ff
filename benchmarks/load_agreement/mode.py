"""``python -m benchmarks load-agreement``: options in, a report and raw values out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks.arguments import whole
from benchmarks.errors import BenchmarkError
from benchmarks.load_agreement.run import CASES, FAST, Measurement, judge, measure
from benchmarks.load_agreement.tools import TOOLS
from benchmarks.measuring.spread import Spread
from benchmarks.outcome import Outcome
from benchmarks.programs import find, first_line
from benchmarks.running import run as run_on_loop

__all__ = ["add_arguments", "render", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=whole, default=5, metavar="N", help="default: 5")
    parser.add_argument("--seconds", type=whole, default=3, metavar="N", help="of each run; default: 3")
    parser.add_argument(
        "--connections", type=whole, default=8, metavar="N", help="to servers with known delays; default: 8"
    )


def run(options: argparse.Namespace) -> Outcome:
    """Raises BenchmarkError when wrk or nginx is missing, or anything fails."""
    for program in ("wrk", "nginx"):
        if not find(program):
            raise BenchmarkError(f"{program} is not installed (Debian, Ubuntu: apt-get install {program})")
    found = run_on_loop(lambda: measure(options.rounds, options.seconds, options.connections))
    print(render(found), flush=True)
    return Outcome(
        good=all(verdict.good for verdict in judge(found)),
        values={
            "versions": {
                "wrk": first_line(find("wrk"), "--version"),
                "nginx": first_line(find("nginx"), "-v"),
            },
            "plan": {
                "rounds": options.rounds,
                "seconds": options.seconds,
                "connections": options.connections,
            },
            "measurements": [measurement.values() for measurement in found],
        },
    )


def render(measurements: Sequence[Measurement]) -> str:
    lines = ["medians over the rounds, with the least and the greatest:"]
    for case in (FAST, *CASES):
        for tool in TOOLS:
            rows = [row for row in measurements if (row.case, row.tool) == (case, tool.name)]
            throughput = Spread.of([row.said.throughput for row in rows])
            cpu = Spread.of([row.said.cpu_us for row in rows])
            cost = f", {_shown(cpu, '.1f')} us of processor time a request" if case == FAST else ""
            lines.append(f"  {case}: {tool.name}: {_shown(throughput, '.0f')} a second{cost}")
    lines += (
        f"{'good' if verdict.good else 'MISSED'}: {verdict.case}: {verdict.what}:"
        f" {_shown(verdict.spread, '.3f')}; target: {verdict.target}"
        for verdict in judge(measurements)
    )
    return "\n".join(lines)


def _shown(spread: Spread, form: str) -> str:
    """Median, least and greatest."""
    return f"{spread.median:{form}} ({spread.low:{form}} to {spread.high:{form}})"
