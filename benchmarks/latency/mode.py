"""``python -m benchmarks latency-of-change``: options in, a report and raw values out."""

from __future__ import annotations

import argparse

from benchmarks.arguments import whole
from benchmarks.latency.changes import kubectl
from benchmarks.latency.run import TARGET_MS, Latencies, measure_changes
from benchmarks.outcome import Outcome
from benchmarks.running import LOOPS
from benchmarks.running import run as run_on_loop

__all__ = ["add_arguments", "render", "run"]

WHEN = {
    "HTTP PATCH": "the API server's answer",
    "kubectl apply": "the end of kubectl",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--changes", type=whole, default=20, metavar="N", help="of each way; default: 20")
    parser.add_argument("--loop", choices=LOOPS, default="uvloop", help="of the proxy; default: uvloop")


def run(options: argparse.Namespace) -> Outcome:
    latencies = run_on_loop(lambda: measure_changes(options.changes, options.loop))
    print(render(latencies), flush=True)
    if not kubectl():
        print("kubectl is not installed: only plain HTTP was measured")
    return Outcome(
        good=latencies.good, values={"loop": options.loop, "milliseconds": dict(latencies.by_change)}
    )


def render(latencies: Latencies) -> str:
    lines = ["until a new connection is answered by the new endpoint, its own time included:"]
    for name, spread in latencies.spreads().items():
        lines.append(
            f"  {name}: {len(latencies.by_change[name])} changes, from {WHEN[name]}: median"
            f" {spread.median:.1f} ms, max {spread.high:.1f} ms"
        )
    verdict = "good" if latencies.good else "too slow"
    return "\n".join([*lines, f"verdict: {verdict} (target: each within {TARGET_MS:g} ms)"])
