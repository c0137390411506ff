"""``python -m benchmarks takeover``: options in, a report and raw values out."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from statistics import median

from benchmarks.arguments import seconds, whole
from benchmarks.outcome import Outcome
from benchmarks.running import LOOPS
from benchmarks.running import run as run_on_loop
from benchmarks.takeover.run import LOADS, Upgrades, take_over

__all__ = ["add_arguments", "render", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--upgrades", type=whole, default=10, metavar="N", help="default: 10")
    parser.add_argument(
        "--every", type=seconds, default=1.0, metavar="S", help="pause between them; default: 1"
    )
    for kind, at_once in LOADS.items():
        parser.add_argument(
            f"--{kind}", type=whole, default=at_once, metavar="N", help=f"clients at once; default: {at_once}"
        )
    parser.add_argument("--workers", type=whole, default=1, metavar="N", help="of each proxy; default: 1")
    parser.add_argument("--loop", choices=LOOPS, default="uvloop", help="of the proxy; default: uvloop")


def run(options: argparse.Namespace) -> Outcome:
    at_once = {kind: getattr(options, kind) for kind in LOADS}
    result = run_on_loop(
        lambda: take_over(options.loop, options.upgrades, options.every, at_once, options.workers)
    )
    print(render(result), flush=True)
    return Outcome(good=not result.faults, values=_values(result))


def render(result: Upgrades) -> str:
    totals = [upgrade.total_s for upgrade in result.upgrades]
    frozen = [upgrade.frozen_ms for upgrade in result.upgrades]
    drains = [upgrade.drain_s for upgrade in result.upgrades]
    workers = f", {result.workers} workers" if result.workers > 1 else ""
    lines = [
        f"takeover on {result.loop}: {len(totals)} upgrades under load{workers}",
        *(
            f"  {kind}: {report.done:,} answered, {report.failed} failed"
            + (f" (last: {report.error})" if report.error else "")
            for kind, report in result.loads.items()
        ),
        f"  flows that went over: {min(upgrade.flows for upgrade in result.upgrades):,} at least, each time",
        f"  connections that the old processes drained: {sum(u.drained for u in result.upgrades):,},"
        f" cut: {result.cut}",
        f"  a new process served after {median(totals):.2f} s, {max(totals):.2f} s at most",
        f"  UDP waited {median(frozen):.1f} ms, {max(frozen):.1f} ms at most",
        f"  an old process ended after {median(drains):.2f} s, {max(drains):.2f} s at most",
    ]
    return "\n".join([*lines, f"verdict: {'; '.join(result.faults) or 'good'}"])


def _values(result: Upgrades) -> dict[str, object]:
    return {
        "loop": result.loop,
        "workers": result.workers,
        "loads": {
            kind: {"answered": report.done, "failed": report.failed, "error": report.error}
            for kind, report in result.loads.items()
        },
        "upgrades": [asdict(upgrade) for upgrade in result.upgrades],
        "exit_code": result.exit_code,
        "faults": list(result.faults),
    }
