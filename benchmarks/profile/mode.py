"""``python -m benchmarks profile``: options in, a report, a flame graph and raw values out."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.arguments import new_file, seconds
from benchmarks.outcome import Outcome
from benchmarks.profile.flame_graph import flame_graph
from benchmarks.profile.report import render
from benchmarks.profile.run import RECIPES, Profile, profile
from benchmarks.running import LOOPS
from benchmarks.running import run as run_on_loop

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", nargs="?", choices=RECIPES, default="requests", help="default: requests")
    parser.add_argument("--quick", action="store_true", help="one second for each step instead of three")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="of each step; default: 3")
    parser.add_argument("--flame-graph", type=new_file, metavar="FILE", help="write an SVG there")
    parser.add_argument("--loop", choices=LOOPS, default="uvloop", help="of the proxy; default: uvloop")


def run(options: argparse.Namespace) -> Outcome:
    step_s = options.seconds or (1.0 if options.quick else 3.0)
    result = run_on_loop(lambda: profile(options.case, options.loop, step_s))
    print(render(result), flush=True)
    drawn = options.flame_graph is None or _draw(result, options.flame_graph)
    return Outcome(good=drawn and not result.failed, values=_values(result, options.loop))


def _draw(result: Profile, file: Path) -> bool:
    """Raises OSError. False when there is nothing to draw."""
    if not result.samples:
        print(f"no flame graph was written to {file}: there are no samples")
        return False
    first = result.samples[0]
    file.write_text(flame_graph(first.stacks, f"userproxy under {result.name}, by {first.tool}"))
    print(f"flame graph by {first.tool}: {file}")
    return True


def _values(result: Profile, loop: str) -> dict[str, object]:
    cpu, report = result.window.cpu["proxy"], result.window.report
    return {
        "case": result.name,
        "loop": loop,
        "seconds": report.seconds,
        "answered": report.done,
        "bytes": report.bytes,
        "failed": result.failed,
        "error": result.error,
        "cpu_s": {"user": round(cpu.user_s, 2), "system": round(cpu.system_s, 2)},
        "system_calls": result.calls.as_json(),
        "instructions": result.instructions.as_json(),
        "samples": [samples.as_json() for samples in result.samples],
    }
