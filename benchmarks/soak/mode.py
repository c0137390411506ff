"""``python -m benchmarks soak``: options in, a report and raw values out."""

from __future__ import annotations

import argparse

from benchmarks.arguments import seconds
from benchmarks.outcome import Outcome
from benchmarks.running import LOOPS
from benchmarks.running import run as run_on_loop
from benchmarks.soak.flatness import CRITERION
from benchmarks.soak.run import Soak, soak

__all__ = ["add_arguments", "render", "run"]

LEAST_SWAPS = 4
"""Fewer samples say nothing about memory."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds", type=seconds, default=600.0, metavar="S", help="under load; default: 600"
    )
    parser.add_argument(
        "--swap-every", type=seconds, default=0.5, metavar="S", help="default: an endpoint each 0.5 s"
    )
    parser.add_argument("--loop", choices=LOOPS, default="uvloop", help="of the proxy; default: uvloop")


def run(options: argparse.Namespace) -> Outcome:
    every_s = min(options.swap_every, options.seconds / LEAST_SWAPS)
    result = run_on_loop(lambda: soak(options.loop, options.seconds, every_s))
    print(render(result), flush=True)
    return Outcome(good=not result.faults, values=_values(result))


def render(result: Soak) -> str:
    flatness = result.flatness
    lines = [
        f"soak on {result.loop}: {result.seconds:g} s, {result.swaps} endpoints replaced under load",
        *(
            f"  {name}: {report.done:,} answered, {report.failed} failed"
            + (f" (last: {report.error})" if report.error else "")
            for name, report in result.loads.items()
        ),
        f"  RSS of the proxy: {flatness.first_bytes / 1e6:.2f} MB at first,"
        f" {flatness.last_bytes / 1e6:.2f} MB at last,"
        f" slope {flatness.slope_bytes_per_minute / 1024:+.1f} KiB a minute",
        f"    {CRITERION}",
        f"  open descriptors of the proxy: {result.descriptors_before} before the load,"
        f" {max(sample.descriptors for sample in result.samples)} at most,"
        f" {result.descriptors_after} once what the load left has gone",
        f"  exit code of the proxy: {result.exit_code}",
    ]
    if result.warnings:
        lines.append(f"  it logged {len(result.warnings)} warnings, the first: {result.warnings[0]}")
    return "\n".join([*lines, f"verdict: {'; '.join(result.faults) or 'good'}"])


def _values(result: Soak) -> dict[str, object]:
    flatness = result.flatness
    return {
        "loop": result.loop,
        "seconds": result.seconds,
        "swaps": result.swaps,
        "loads": {
            name: {"answered": report.done, "failed": report.failed, "error": report.error}
            for name, report in result.loads.items()
        },
        "rss_bytes": {
            "first": flatness.first_bytes,
            "last": flatness.last_bytes,
            "slope_per_minute": flatness.slope_bytes_per_minute,
            "flat": flatness.flat,
        },
        "descriptors": {"before": result.descriptors_before, "after": result.descriptors_after},
        "exit_code": result.exit_code,
        "faults": list(result.faults),
        "samples": [
            [round(sample.at_s, 2), sample.resident_bytes, sample.descriptors] for sample in result.samples
        ],
    }
