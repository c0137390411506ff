"""Starts backend and peers, and takes every case with every peer, round by round."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from benchmarks.actors.remote import Backend
from benchmarks.forwarding.cases import Case
from benchmarks.forwarding.measurement import Measurement
from benchmarks.measuring.window import measure
from benchmarks.peers.base import KINDS, Peer, RunningPeer

__all__ = ["Plan", "Taken", "take"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured, and for how long."""

    cases: Sequence[Case]
    peers: Sequence[Peer]
    rounds: int
    warm_up_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a plan."""

    measurements: Sequence[Measurement]
    versions: Mapping[str, str]
    """Of the peers that ran."""
    missing: Mapping[str, str]
    """How to install the others."""


async def take(plan: Plan) -> Taken:
    """Raises BenchmarkError when a peer or the backend does not start, or ends."""
    missing = {peer.name: how for peer in plan.peers if (how := peer.missing())}
    for name, how in missing.items():
        _progress(f"{name} is left out: {how}")
    measurements = []
    async with AsyncExitStack() as exits:
        backend = await exits.enter_async_context(Backend())
        endpoints = {kind: await backend.open(kind) for kind in KINDS}
        running = [
            await exits.enter_async_context(peer.start(endpoints))
            for peer in plan.peers
            if peer.name not in missing
        ]
        for number in range(plan.rounds):
            for case in plan.cases:
                # Another one begins in each round.
                for peer in (*running[number % len(running) :], *running[: number % len(running)]):
                    if case.kind in peer.addresses:
                        measurement = await _measure(plan, case, peer, backend, number)
                        _progress(f"round {number + 1} of {plan.rounds}: {_line(measurement)}")
                        measurements.append(measurement)
    return Taken(measurements, {peer.name: peer.version for peer in running if peer.version}, missing)


async def _measure(plan: Plan, case: Case, peer: RunningPeer, backend: Backend, number: int) -> Measurement:
    async with case.start(peer.addresses[case.kind]) as load:
        pids = {"load": load.pid, "backend": backend.pid}
        if peer.child is not None:
            peer.child.check()
            pids["proxy"] = peer.child.pid
        window = await measure(load, pids, warm_up_s=plan.warm_up_s, seconds=plan.seconds)
        last = await load.end()
    if peer.child is not None:
        peer.child.check()
    return Measurement(case, peer.name, number, window, last.failed, last.error)


def _line(measurement: Measurement) -> str:
    case = measurement.case
    head = f"{case.name:<12}{measurement.peer:<10}"
    if not measurement.good:
        return f"{head} FAILED: {measurement.failed} failed, {measurement.error or 'nothing was done'}"
    cost = measurement.cost_s
    took = "" if cost is None else f"   {case.in_time_unit(cost):.2f} {case.time_unit} per {case.per}"
    amount = f"{measurement.rate:,.2f} GB/s" if case.per_gigabyte else f"{measurement.rate:,.0f}/s"
    return f"{head} {amount:>12}{took}"


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
