"""``python -m benchmarks leaks``: options in, a report and raw values out."""

from __future__ import annotations

import argparse
from functools import partial

from benchmarks.arguments import whole
from benchmarks.leaks.census import Census
from benchmarks.leaks.run import LIMITS, Leaks, Lives, seek
from benchmarks.outcome import Outcome
from benchmarks.running import LOOPS
from benchmarks.running import run as run_on_loop

__all__ = ["add_arguments", "render", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connections", type=whole, default=50_000, metavar="N", help="default: 50000")
    parser.add_argument("--flows", type=whole, default=20_000, metavar="N", help="default: 20000")
    parser.add_argument("--loop", choices=LOOPS, action="append", dest="loops", help="default: both")


def run(options: argparse.Namespace) -> Outcome:
    totals = {"connections": options.connections, "flows": options.flows}
    results = []
    for loop in options.loops or LOOPS:
        result = run_on_loop(partial(seek, loop, totals), loop=loop)
        print(render(result), flush=True)
        results.append(result)
    return Outcome(
        good=not any(result.faults for result in results),
        values={"loops": {result.loop: _values(result) for result in results}},
    )


def render(result: Leaks) -> str:
    lines = [f"leaks on {result.loop}: before and after, at rest"]
    for life in result.lives:
        ends = ", ".join(f"{count:,} {letters}" for letters, count in sorted(life.ends.items()))
        lines += [
            f"  {life.report.done:,} {life.name}, {life.report.failed} failed"
            + (f" (last: {life.report.error})" if life.report.error else "")
            + f"; at most {life.most:,} open at once; ends: {ends}",
            f"    {_change(life.before, life.after)}",
        ]
    first, last = result.at_first, result.at_last
    lines.append(
        f"  the proxy's own block: descriptors {first.descriptors} -> {last.descriptors},"
        f" tasks {first.tasks} -> {last.tasks}"
    )
    lines.append(
        f"  limits: {LIMITS.max_flows_per_service:,} flows a Service, {LIMITS.stream_timeout_s:g} s idle"
    )
    return "\n".join([*lines, f"verdict: {'; '.join(result.faults) or 'good'}"])


def _change(before: Census, after: Census) -> str:
    return (
        f"descriptors {before.descriptors} -> {after.descriptors}, tasks {before.tasks} -> {after.tasks},"
        f" open {before.open} -> {after.open}, Python objects {before.objects:,} -> {after.objects:,},"
        f" RSS {before.resident_bytes / 1e6:.1f} -> {after.resident_bytes / 1e6:.1f} MB"
    )


def _values(result: Leaks) -> dict[str, object]:
    return {
        "lives": [_life(life) for life in result.lives],
        "at_first": result.at_first.as_json(),
        "at_last": result.at_last.as_json(),
        "faults": list(result.faults),
    }


def _life(life: Lives) -> dict[str, object]:
    return {
        "name": life.name,
        "answered": life.report.done,
        "failed": life.report.failed,
        "error": life.report.error,
        "seconds": life.report.seconds,
        "most_open": life.most,
        "ends": dict(life.ends),
        "before": life.before.as_json(),
        "after": life.after.as_json(),
    }
