"""The default mode: options in, a report and raw values out."""

from __future__ import annotations

import argparse

from benchmarks.arguments import seconds, whole
from benchmarks.forwarding.cases import CASES
from benchmarks.forwarding.report import render
from benchmarks.forwarding.rounds import Plan, Taken, take
from benchmarks.measuring.machine import cores, facts
from benchmarks.outcome import Outcome
from benchmarks.peers.base import Peer
from benchmarks.peers.direct import Direct
from benchmarks.peers.haproxy import HAProxy
from benchmarks.peers.userproxy import Userproxy
from benchmarks.running import LOOPS
from benchmarks.running import run as run_on_loop

__all__ = ["add_arguments", "run"]

QUICK = (3, 0.3, 1.0)
FULL = (5, 1.0, 4.0)
"""Rounds, seconds of warm-up, seconds of a window."""
PEERS = ("direct", "userproxy", "haproxy")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = [case.name for case in CASES]
    parser.add_argument("--quick", action="store_true", help="three rounds of short windows: about a minute")
    parser.add_argument("--rounds", type=whole, metavar="N", help="default: 5, or 3 with --quick")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="of one window; default: 4, or 1")
    parser.add_argument("--case", action="append", choices=names, dest="cases", help="repeatable")
    parser.add_argument("--peer", action="append", choices=PEERS, dest="peers", help="repeatable")
    parser.add_argument("--loop", choices=LOOPS, default="uvloop", help="of userproxy; default: uvloop")


def run(options: argparse.Namespace) -> Outcome:
    plan = _plan(options)
    taken = run_on_loop(lambda: take(plan))
    print(_heading(taken))
    print()
    print(render(taken.measurements, taken.missing, cores()), flush=True)
    return Outcome(
        good=all(measurement.good for measurement in taken.measurements),
        values={
            "peers": dict(taken.versions),
            "missing": dict(taken.missing),
            "plan": {"rounds": plan.rounds, "warm_up_s": plan.warm_up_s, "seconds": plan.seconds},
            "measurements": [measurement.as_json() for measurement in taken.measurements],
        },
    )


def _plan(options: argparse.Namespace) -> Plan:
    rounds, warm_up_s, window_s = QUICK if options.quick else FULL
    peers: dict[str, Peer] = {peer.name: peer for peer in (Direct(), Userproxy(options.loop), HAProxy())}
    window_s = options.seconds or window_s
    return Plan(
        cases=[case for case in CASES if case.name in (options.cases or [case.name])],
        peers=[peers[name] for name in PEERS if name in (options.peers or PEERS)],
        rounds=options.rounds or rounds,
        warm_up_s=min(warm_up_s, window_s),
        seconds=window_s,
    )


def _heading(taken: Taken) -> str:
    machine = facts()
    versions = ", ".join(f"{name} {version}" for name, version in taken.versions.items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}, {machine['python']}, "
        f"uvloop {machine['uvloop']}\n{versions}"
    )
