"""The default mode: options in, a report and raw values out."""

from __future__ import annotations

import argparse

from benchmarks.arguments import seconds, whole
from benchmarks.document import document
from benchmarks.forwarding.cases import CASES, Case
from benchmarks.forwarding.loads.base import LoadSource, Timing
from benchmarks.forwarding.measurement import limits
from benchmarks.forwarding.rounds import Plan, Taken, take
from benchmarks.measuring.machine import cores, facts
from benchmarks.outcome import Outcome
from benchmarks.peers.all import PEERS
from benchmarks.report.console import render
from benchmarks.report.results import parse
from benchmarks.running import run as run_on_loop

__all__ = ["QUICK", "add_arguments", "plan", "run", "values"]

MODE = "forwarding"

QUICK = (3, Timing(0.2, 1.0))
FULL = (5, Timing(0.5, 2.0))
"""Rounds, and one window."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = [case.name for case in CASES]
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the main cases and peers in under a minute; without: about 20 minutes",
    )
    parser.add_argument("--rounds", type=whole, metavar="N", help="default: 5, or 3 with --quick")
    parser.add_argument(
        "--seconds",
        type=seconds,
        metavar="S",
        help="of one window; wrk and iperf3 round up; default: 2, or 1",
    )
    parser.add_argument("--case", action="append", choices=names, dest="cases", help="repeatable")
    parser.add_argument("--peer", action="append", choices=[*PEERS], dest="peers", help="repeatable")


def run(options: argparse.Namespace) -> Outcome:
    asked = plan(options)
    taken = run_on_loop(lambda: take(asked))
    found = values(asked, taken)
    print(_heading(taken))
    print()
    print(render(parse(document(MODE, [], found), MODE)), flush=True)
    return Outcome(good=all(measurement.good for measurement in taken.measurements), values=found)


def values(asked: Plan, taken: Taken) -> dict[str, object]:
    """Raw values, as `benchmarks.report.results` reads them."""
    return {
        "peers": dict(taken.versions),
        "missing": dict(taken.missing),
        "tools": _tools(asked),
        "plan": {
            "rounds": asked.rounds,
            "warm_up_s": asked.timing.warm_up_s,
            "seconds": asked.timing.seconds,
        },
        "cases": {case.name: case.as_json() for case in asked.cases},
        "notes": limits(taken.measurements, cores()),
        "measurements": [measurement.as_json() for measurement in taken.measurements],
    }


def plan(options: argparse.Namespace) -> Plan:
    """A named case is taken with all its peers, and a named peer in all cases that know it."""
    rounds, timing = QUICK if options.quick else FULL
    if options.seconds:
        timing = Timing(min(timing.warm_up_s, options.seconds), options.seconds)
    cases = {
        case: names
        for case in CASES
        if case.name in (options.cases or [case.name]) and (names := _peers(case, options))
    }
    wanted = {name for names in cases.values() for name in names}
    return Plan(
        cases=cases,
        peers=[peer for name, peer in PEERS.items() if name in wanted],
        rounds=options.rounds or rounds,
        timing=timing,
    )


def _peers(case: Case, options: argparse.Namespace) -> tuple[str, ...]:
    names = case.quick if options.quick and not options.cases else case.peers
    return tuple(name for name in names if name in (options.peers or names))


def _tools(asked: Plan) -> dict[str, str]:
    """Versions of the load generators, by name; what would have been used, and how to install it."""
    preferred: list[LoadSource] = [case.loads[0] for case in asked.cases]
    return {load.tool: load.missing() or load.version() or "of this tree" for load in preferred}


def _heading(taken: Taken) -> str:
    machine = facts()
    versions = ", ".join(f"{name} {version}" for name, version in taken.versions.items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}, {machine['python']}, "
        f"uvloop {machine['uvloop']}, {machine['congestion_control']}\n{versions}"
    )
