"""Takes every part: its cases in turn, round by round, so that what slows the machine meets all alike."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.pure import balancing
from benchmarks.pure.case import Case, Measured, calibrate, per_second
from benchmarks.pure.decoding import decoding
from benchmarks.pure.deriving import deriving
from benchmarks.pure.memory import bytes_per_service
from userproxy.dataplane.runtime import Runtime
from userproxy.settings import Settings

__all__ = ["MEMORY", "PARTS", "Plan", "Taken", "take"]

MEMORY = "memory"
_WITH_RUNTIME: Mapping[str, Callable[[Runtime], Awaitable[list[Case]]]] = {
    "picks": balancing.picks,
    "affinity": balancing.affinity,
    "swaps": balancing.swaps,
    "rings": balancing.rings,
}
_ALONE: Mapping[str, Callable[[], list[Case]]] = {"decode": decoding, "derivation": deriving}
PARTS = (*_WITH_RUNTIME, *_ALONE, MEMORY)


@dataclass(frozen=True, slots=True)
class Plan:
    """``seconds`` of processor time for each case in each round."""

    parts: Sequence[str]
    rounds: int
    seconds: float
    services: int
    """How many the memory is measured with."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a plan."""

    measured: Sequence[Measured]
    memory: Mapping[str, Sequence[float]]
    """Bytes per Service by the way in which they were counted, one value for each round."""


async def take(plan: Plan) -> Taken:
    """Raises BenchmarkError when an operation does not do what it is for."""
    measured: list[Measured] = []
    for part in plan.parts:
        if part in _WITH_RUNTIME:
            runtime = Runtime(Settings())
            try:
                measured += await _measure(plan, await _WITH_RUNTIME[part](runtime))
            finally:
                runtime.close()
        elif part in _ALONE:
            measured += await _measure(plan, _ALONE[part]())
    return Taken(measured, await _memory(plan) if MEMORY in plan.parts else {})


async def _measure(plan: Plan, cases: Sequence[Case]) -> list[Measured]:
    counts = []
    for case in cases:
        counts.append(calibrate(case, plan.seconds))
        await asyncio.sleep(0)  # a signal may end the run here
    rates: list[list[float]] = [[] for _ in cases]
    for number in range(plan.rounds):
        gc.collect()  # so that no case pays for what another left behind
        for case, count, values in zip(cases, counts, rates, strict=True):
            values.append(per_second(case, count))
            await asyncio.sleep(0)
        _progress(f"{cases[0].part}: round {number + 1} of {plan.rounds}")
    return [
        Measured(case.part, case.name, case.size, case.bytes_each, values)
        for case, values in zip(cases, rates, strict=True)
    ]


async def _memory(plan: Plan) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {"tracemalloc": [], "RSS": []}
    for number in range(plan.rounds):
        for name, found in values.items():
            found.append(await bytes_per_service(plan.services, trace=name == "tracemalloc"))
        _progress(f"{MEMORY}: round {number + 1} of {plan.rounds}")
    return values


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
