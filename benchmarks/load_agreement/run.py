"""Rounds: in each one, both load generators meet every server.

nginx one after the other, since as fast as it can is as fast as the machine can; servers with delays at the
same time, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass

from benchmarks.load_agreement.servers import Delays, Truth, delays, nginx
from benchmarks.load_agreement.tools import TOOLS, Said
from benchmarks.measuring.spread import Spread, ratios

__all__ = ["CASES", "FAST", "Measurement", "Verdict", "judge", "measure"]

FAST = "nginx, as fast as it can"
CASES: Mapping[str, tuple[str, ...]] = {
    "5 ms": ("5x1",),
    "5 ms, each 50th 50 ms": ("5x49", "50x1"),
}
"""Known delays: p50 and p99 are both 5 ms, and 5 and 50 ms."""
FAST_CONNECTIONS = 64
THROUGHPUT_TOLERANCE = 0.05
LATENCY_TOLERANCE_MS = 1.0
CPU_TARGET_US = 50.0
"""20,000 requests/s a core."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """``truth`` is None for nginx, whose delays nobody knows."""

    round: int
    case: str
    tool: str
    said: Said
    truth: Truth | None

    def values(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was compared: its spread over the rounds, and whether the median is near enough."""

    case: str
    what: str
    spread: Spread
    target: str
    good: bool


async def measure(rounds: int, seconds: int, connections: int) -> list[Measurement]:
    """``connections`` are those of each tool to the servers with delays.

    Raises BenchmarkError when anything fails.
    """
    found = []
    async with AsyncExitStack() as exits:
        fast = await exits.enter_async_context(nginx())
        slow: dict[str, Delays] = {
            case: await exits.enter_async_context(delays(*parts)) for case, parts in CASES.items()
        }
        for number in range(1, rounds + 1):
            # Each goes first every other time.
            for tool in TOOLS if number % 2 else TOOLS[::-1]:
                said = await tool.run(fast, FAST_CONNECTIONS, seconds, alone=True)
                found.append(Measurement(number, FAST, tool.name, said, None))
            for case, server in slow.items():
                both = [tool.run(server.url, connections, seconds, alone=False) for tool in TOOLS]
                pairs = zip(TOOLS, await asyncio.gather(*both), strict=True)
                truth = await server.truth()
                found += [Measurement(number, case, tool.name, said, truth) for tool, said in pairs]
            for measurement in found[-len(TOOLS) * (1 + len(slow)) :]:
                _tell(measurement)
    return found


def judge(measurements: Sequence[Measurement]) -> list[Verdict]:
    """What was promised, case by case."""
    wrk, ours = (tool.name for tool in TOOLS)
    verdicts = []
    for case in CASES:
        rows = {name: _of(measurements, case, name) for name in (wrk, ours)}
        throughput = Spread.of(
            ratios([row.said.throughput for row in rows[ours]], [row.said.throughput for row in rows[wrk]])
        )
        good = abs(throughput.median - 1) <= THROUGHPUT_TOLERANCE
        verdicts.append(Verdict(case, "throughput to wrk's", throughput, "0.95 to 1.05", good))
        for percent in ("p50", "p99"):
            off, wrk_off = _off(rows[ours], percent), _off(rows[wrk], percent)
            target = f"-1 to 1; wrk is off by {wrk_off.median:.3f} ({wrk_off.low:.3f} to {wrk_off.high:.3f})"
            good = abs(off.median) <= LATENCY_TOLERANCE_MS
            verdicts.append(Verdict(case, f"{percent} off the server's, ms", off, target, good))
    cpu = Spread.of([row.said.cpu_us for row in _of(measurements, FAST, ours)])
    verdicts.append(
        Verdict(FAST, "us of processor time a request", cpu, "at most 50", cpu.median <= CPU_TARGET_US)
    )
    return verdicts


def _off(rows: Sequence[Measurement], percent: str) -> Spread:
    """What a tool says more than the server, in milliseconds."""
    return Spread.of(
        [
            getattr(row.said, f"{percent}_ms") - getattr(row.truth, f"{percent}_ms")
            for row in rows
            if row.truth is not None
        ]
    )


def _of(measurements: Sequence[Measurement], case: str, tool: str) -> list[Measurement]:
    """In the order of the rounds."""
    found = [row for row in measurements if (row.case, row.tool) == (case, tool)]
    return sorted(found, key=lambda row: row.round)


def _tell(measurement: Measurement) -> None:
    said = measurement.said
    print(
        f"round {measurement.round}: {measurement.case}: {measurement.tool}: {said.throughput:.0f}/s, p50"
        f" {said.p50_ms:.2f} ms, p99 {said.p99_ms:.2f} ms",
        file=sys.stderr,
        flush=True,
    )
