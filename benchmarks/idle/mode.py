"""``python -m benchmarks idle``: options in, a report and raw values out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.arguments import whole
from benchmarks.idle.connections import provide_descriptors
from benchmarks.idle.run import Grown, Plan, take
from benchmarks.measuring.spread import Spread
from benchmarks.outcome import Outcome
from benchmarks.peers.all import PEERS
from benchmarks.running import run as run_on_loop

__all__ = ["MOST_BYTES", "add_arguments", "render", "run"]

MOST_BYTES = 4096
"""For each connection of userproxy: more is a failure."""
CHOICES = tuple(name for name in PEERS if name != "direct")
USUAL = ("userproxy", "userproxy-asyncio", "haproxy", "nginx")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connections", type=whole, default=5000, metavar="N", help="default: 5000")
    parser.add_argument("--rounds", type=whole, default=3, metavar="N", help="default: 3")
    usual = ", ".join(USUAL)
    parser.add_argument(
        "--peer", action="append", choices=CHOICES, dest="peers", help=f"repeatable; default: {usual}"
    )


def run(options: argparse.Namespace) -> Outcome:
    provide_descriptors(options.connections)
    chosen = [PEERS[name] for name in options.peers or USUAL]
    missing = {peer.name: how for peer in chosen if (how := peer.missing())}
    for name, how in missing.items():
        print(f"{name} is left out: {how}", file=sys.stderr, flush=True)
    plan = Plan([peer for peer in chosen if peer.name not in missing], options.connections, options.rounds)
    taken = run_on_loop(lambda: take(plan))
    print(render(taken), flush=True)
    return Outcome(
        good=not _too_much(taken),
        values={
            "peers": {grown.peer: grown.version for grown in taken},
            "missing": missing,
            "measurements": [grown.as_json() for grown in taken],
        },
    )


def render(taken: Sequence[Grown]) -> str:
    lines = ["resident bytes of the proxy for each idle connection, medians (least-greatest)"]
    for peer, each in _each(taken).items():
        lines.append(f"  {peer}: {each.median:,.0f} ({each.low:,.0f}-{each.high:,.0f})")
    too_much = _too_much(taken)
    verdict = f"over {MOST_BYTES:,} bytes: {', '.join(too_much)}" if too_much else "good"
    return "\n".join([*lines, f"verdict: {verdict}"])


def _too_much(taken: Sequence[Grown]) -> list[str]:
    return [
        peer
        for peer, each in _each(taken).items()
        if peer.startswith("userproxy") and each.median > MOST_BYTES
    ]


def _each(taken: Sequence[Grown]) -> dict[str, Spread]:
    peers = dict.fromkeys(grown.peer for grown in taken)
    return {peer: Spread.of([one.each_bytes for one in taken if one.peer == peer]) for peer in peers}
