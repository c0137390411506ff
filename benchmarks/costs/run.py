"""Counts the whole proxy and each cut one, round by round."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.costs.counted import CountedProxy
from benchmarks.costs.cuts import WHOLE
from benchmarks.costs.lockstep import Lockstep

__all__ = ["Count", "Plan", "take"]

WARM_UP = 10
"""Requests of each client, and connections, before counting: CPython specializes code that runs often."""


@dataclass(frozen=True, slots=True)
class Plan:
    cuts: Sequence[str]
    rounds: int
    times: int
    """How often each of the clients asks, and connects, while it is counted."""
    loop: str


@dataclass(frozen=True, slots=True)
class Count:
    """User-space instructions of one proxy in one round. ``without`` names the cut, or is "whole"."""

    without: str
    round: int
    per_request: float
    per_connection: float

    def as_json(self) -> dict[str, object]:
        return {
            "without": self.without,
            "round": self.round,
            "instructions_per_request": self.per_request,
            "instructions_per_connection": self.per_connection,
        }


async def take(plan: Plan) -> list[Count]:
    """Raises BenchmarkError when the proxy or callgrind fails, or a byte is wrong."""
    counts = []
    for number in range(plan.rounds):
        for name in (WHOLE, *plan.cuts):
            count = await _count(plan, name, number)
            print(
                f"round {number + 1} of {plan.rounds}: {name if name == WHOLE else f'without {name}'}: "
                f"{count.per_request:,.0f} a request, {count.per_connection:,.0f} a connection",
                file=sys.stderr,
                flush=True,
            )
            counts.append(count)
    return counts


async def _count(plan: Plan, name: str, number: int) -> Count:
    with tempfile.TemporaryDirectory(prefix="userproxy-benchmark-") as folder, Lockstep() as load:
        async with CountedProxy(name, plan.loop, load.endpoint, Path(folder)) as proxy:
            address = await proxy.address()
            await asyncio.to_thread(load.connections, address, proxy.hold, WARM_UP)
            await proxy.forget()
            connections = await asyncio.to_thread(load.connections, address, proxy.hold, plan.times)
            per_connection = await proxy.look() / connections
            pairs = await asyncio.to_thread(load.pairs, address, proxy.hold)
            await asyncio.to_thread(pairs.requests, WARM_UP)
            await proxy.forget()
            answers = await asyncio.to_thread(pairs.requests, plan.times)
            per_request = await proxy.look() / answers
            await asyncio.to_thread(pairs.close)
    return Count(name, number, per_request, per_connection)
