"""Starts backend and peers, and takes every case with every peer of it, round by round."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from benchmarks.actors.iperf_server import IperfServer
from benchmarks.actors.remote import Backend
from benchmarks.errors import BenchmarkError
from benchmarks.forwarding.cases import Case
from benchmarks.forwarding.loads.base import Reading, Timing
from benchmarks.forwarding.measurement import Measurement
from benchmarks.peers.base import KINDS, Peer, RunningPeer

__all__ = ["Plan", "Taken", "take"]

NOBODY = "127.0.0.1:9"
"""Where peers forward a kind that has no endpoint in this run; nobody goes there."""
CHECK = Timing(warm_up_s=0.0, seconds=0.1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured, and for how long."""

    cases: Mapping[Case, Sequence[str]]
    """With the names of the peers of each."""
    peers: Sequence[Peer]
    rounds: int
    timing: Timing


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a plan."""

    measurements: Sequence[Measurement]
    versions: Mapping[str, str]
    """Of the peers that ran."""
    missing: Mapping[str, str]
    """How to install the others."""


@dataclass(slots=True)
class _Progress:
    """One line a window, with the time that the rest will take at the pace so far."""

    windows: int
    began: float = field(default_factory=time.monotonic)
    done: int = 0

    def say(self, number: int, rounds: int, line: str) -> None:
        self.done += 1
        left_s = round((time.monotonic() - self.began) / self.done * (self.windows - self.done))
        place = f"round {number + 1} of {rounds}: window {self.done} of {self.windows}"
        _say(f"{place}, {left_s // 60}:{left_s % 60:02} left: {line}")


async def take(plan: Plan) -> Taken:
    """Raises BenchmarkError when a peer or the backend does not start, or ends."""
    missing = {peer.name: how for peer in plan.peers if (how := peer.missing())}
    for name, how in missing.items():
        _say(f"{name} is left out: {how}")
    for tool, how in {case.loads[0].tool: case.loads[0].missing() for case in plan.cases}.items():
        if how:
            _say(f"{tool} is replaced by a bundled load: {how}")
    measurements = []
    async with AsyncExitStack() as exits:
        backend = await exits.enter_async_context(Backend())
        endpoints, pids = await _endpoints(plan, backend, exits)
        running = [
            await exits.enter_async_context(peer.start(endpoints))
            for peer in plan.peers
            if peer.name not in missing
        ]
        windows = list(_windows(plan, running))
        progress = _Progress(len(windows))
        for number, case, peer in windows:
            backend.check()
            reading = await _read(plan, case, peer, pids, number)
            measurement = Measurement(case, peer.name, number, reading)
            progress.say(number, plan.rounds, _line(measurement))
            measurements.append(measurement)
    return Taken(measurements, {peer.name: peer.version for peer in running if peer.version}, missing)


def _windows(plan: Plan, running: Sequence[RunningPeer]) -> Iterator[tuple[int, Case, RunningPeer]]:
    """Every round has every case with every peer of it; another peer begins in each round."""
    for number in range(plan.rounds):
        for case, names in plan.cases.items():
            peers = [peer for peer in running if peer.name in names and case.load.kind in peer.addresses]
            first = number % len(peers) if peers else 0
            for peer in (*peers[first:], *peers[:first]):
                yield number, case, peer


async def _endpoints(
    plan: Plan, backend: Backend, exits: AsyncExitStack
) -> tuple[dict[str, str], dict[str, int]]:
    """An endpoint for each kind, and the process that has it."""
    endpoints = {kind: await backend.open(kind) for kind in KINDS if kind != "iperf"}
    pids = dict.fromkeys(endpoints, backend.pid)
    if any(case.load.kind == "iperf" for case in plan.cases):
        server = await exits.enter_async_context(IperfServer())
        await server.ready()
        return endpoints | {"iperf": server.address}, pids | {"iperf": server.pid}
    return endpoints | {"iperf": NOBODY}, pids


async def _read(plan: Plan, case: Case, peer: RunningPeer, pids: Mapping[str, int], number: int) -> Reading:
    proxy = {} if peer.child is None else {"proxy": peer.child.pid}
    proxy |= {f"worker-{index}": pid for index, pid in enumerate(peer.workers, 1)}
    try:
        if number == 0 and case.check is not None and case.check != case.load:
            kind = case.check.kind
            checked = await case.check.read(peer.addresses[kind], {"backend": pids[kind], **proxy}, CHECK)
            if checked.failed:
                return checked
        kind = case.load.kind
        reading = await case.load.read(peer.addresses[kind], {"backend": pids[kind], **proxy}, plan.timing)
    except ProcessLookupError:
        if peer.child is not None:
            peer.child.check()
        raise BenchmarkError(f"a process of {peer.name} or of the backend is gone") from None
    if peer.child is not None:
        peer.child.check()
    return reading


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _line(measurement: Measurement) -> str:
    case = measurement.case
    head = f"{case.name:<16}{measurement.peer:<18}"
    if not measurement.good:
        failed, error = measurement.reading.failed, measurement.reading.error
        return f"{head} FAILED: {failed} failed, {error or 'nothing was done'}"
    cost = measurement.cost_s
    took = "" if cost is None else f"   {case.in_time_unit(cost):.2f} {case.time_unit} per {case.per}"
    amount = f"{measurement.rate:,.2f} GB/s" if case.per_gigabyte else f"{measurement.rate:,.0f}/s"
    return f"{head} {amount:>12}{took}"
