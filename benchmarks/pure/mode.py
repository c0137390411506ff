"""``python -m benchmarks pure``: options in, a report and raw values out."""

from __future__ import annotations

import argparse

from benchmarks.arguments import seconds, whole
from benchmarks.outcome import Outcome
from benchmarks.pure.report import render
from benchmarks.pure.run import MEMORY, PARTS, Plan, take
from benchmarks.running import run as run_on_loop

__all__ = ["add_arguments", "run"]

QUICK = (5, 0.02, 1_000)
FULL = (5, 0.1, 5_000)
"""Rounds, seconds of processor time of a case in one round, Services whose memory is measured."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="short rounds: half a minute")
    parser.add_argument("--rounds", type=whole, metavar="N", help="default: 5")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="of one case; default: 0.1, or 0.02")
    parser.add_argument("--part", action="append", choices=PARTS, dest="parts", help="repeatable")


def run(options: argparse.Namespace) -> Outcome:
    rounds, case_s, services = QUICK if options.quick else FULL
    plan = Plan(
        parts=[part for part in PARTS if part in (options.parts or PARTS)],
        rounds=options.rounds or rounds,
        seconds=options.seconds or case_s,
        services=services,
    )
    taken = run_on_loop(lambda: take(plan))
    print(render(taken), flush=True)
    return Outcome(
        good=True,
        values={
            "plan": {"rounds": plan.rounds, "seconds": plan.seconds, "services": plan.services},
            "measured": [one.as_json() for one in taken.measured],
            MEMORY: {name: [round(value) for value in values] for name, values in taken.memory.items()},
        },
    )
