"""``python -m benchmarks port-forward``: options in, a report and raw values out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from benchmarks.arguments import whole
from benchmarks.measuring.spread import Spread
from benchmarks.outcome import Outcome
from benchmarks.port_forward.run import AT_ONCE, KINDS, USERPROXY, Measured, measure
from benchmarks.running import run as run_on_loop

__all__ = ["add_arguments", "missed", "render", "run"]

ROUNDS, QUICK_ROUNDS = 5, 2
SIZE_MB = 128
MB = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds")
    parser.add_argument("--rounds", type=whole, metavar="N", help=f"default: {ROUNDS}")
    parser.add_argument("--megabytes", type=whole, default=SIZE_MB, metavar="N", help=f"default: {SIZE_MB}")
    parser.add_argument(
        "--at-once", type=whole, default=AT_ONCE, metavar="N", help=f"connections; default: {AT_ONCE}"
    )


def run(options: argparse.Namespace) -> Outcome:
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    size = options.megabytes * MB
    found, crowd = run_on_loop(lambda: measure(rounds, size, options.at_once))
    print(render(found, crowd, size, options.at_once), flush=True)
    return Outcome(
        good=not missed(found),
        values={
            "size_bytes": size,
            "ways": {
                way: {kind: [asdict(one) for one in measured] for kind, measured in kinds.items()}
                for way, kinds in found.items()
            },
            "at_once": {"connections": options.at_once, **asdict(crowd)} if crowd is not None else None,
        },
    )


def missed(found: Mapping[str, Mapping[str, Sequence[Measured]]]) -> tuple[str, ...]:
    """Where the medians of userproxy are above those of kubectl: time, or processor time."""
    return tuple(
        f"{kind} beside {way}: {what}"
        for way, kinds in found.items()
        for kind in KINDS
        for what, field in (("time", "seconds"), ("processor time", "cpu_s"))
        if _median(found[USERPROXY][kind], field) > _median(kinds[kind], field)
    )


def render(
    found: Mapping[str, Mapping[str, Sequence[Measured]]], crowd: Measured | None, size: int, at_once: int
) -> str:
    """Medians by way and kind."""
    lines = [f"{size / MB:g} MB through one connection to a pod, by way of the test API server; medians:"]
    for way, kinds in found.items():
        for kind, measured in kinds.items():
            rate = size / MB / _median(measured, "seconds")
            cpu = _median(measured, "cpu_s") / size * 1e9
            lines.append(f"  {way}, {kind}: {rate:.0f} MB/s, {cpu:.2f} s of processor time a GB")
    if crowd is not None:
        lines.append(
            f"  {USERPROXY}: {at_once} connections at once were open and answered after"
            f" {crowd.seconds:.2f} s, {crowd.cpu_s:.2f} s of processor time"
        )
    verdict = f"missed: {'; '.join(failed)}" if (failed := missed(found)) else "good"
    return "\n".join([*lines, f"verdict: {verdict} (target: no slower and no dearer than kubectl)"])


def _median(measured: Sequence[Measured], field: str) -> float:
    return Spread.of([float(getattr(one, field)) for one in measured]).median
