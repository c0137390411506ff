"""One soak from beginning to end, and what came of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.actors.remote import Report
from benchmarks.measuring.proc import open_descriptors, resident_bytes
from benchmarks.soak.flatness import Flatness, Sample, judge
from benchmarks.soak.stage import IDLE_TIMEOUT_S, Stage
from benchmarks.staged import sum_of

__all__ = ["Soak", "soak"]

PROGRESS_S = 5.0
SETTLE_LIMIT_S = IDLE_TIMEOUT_S + 10.0
"""For what the load has left open to go, once it has ended."""
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Soak:
    """What came of it."""

    loop: str
    seconds: float
    swaps: int
    loads: Mapping[str, Report]
    samples: Sequence[Sample]
    flatness: Flatness
    descriptors_before: int
    descriptors_after: int
    exit_code: int
    warnings: Sequence[str]
    """What the proxy logged as WARNING or ERROR."""

    @property
    def failed(self) -> int:
        return sum(report.failed for report in self.loads.values())

    @property
    def faults(self) -> tuple[str, ...]:
        """What is not as it must be; nothing when the run is good."""
        reasons = {
            f"{self.failed} requests failed": self.failed,
            "a load had no answer at all": not all(report.done for report in self.loads.values()),
            "memory is not flat": not self.flatness.flat,
            "descriptors were left open": self.descriptors_after > self.descriptors_before,
            f"the proxy ended with {self.exit_code}": self.exit_code,
        }
        return tuple(reason for reason, holds in reasons.items() if holds)


async def soak(loop: str, seconds: float, swap_every_s: float) -> Soak:
    """Raises BenchmarkError when something does not start, or ends before its time."""
    async with Stage(loop) as stage:
        before = open_descriptors(stage.proxy.pid)
        await stage.begin()
        swaps, samples = await _swap_and_sample(stage, seconds, swap_every_s)
        loads = await stage.end()
        after = await _descriptors_once_at_rest(stage.proxy.pid, before)
        exit_code = await stage.proxy.stop()
        return Soak(
            loop=loop,
            seconds=seconds,
            swaps=swaps,
            loads=loads,
            samples=samples,
            flatness=judge(samples, seconds),
            descriptors_before=before,
            descriptors_after=after,
            exit_code=exit_code,
            warnings=[line for line in stage.proxy.said if " WARNING " in line or " ERROR " in line],
        )


async def _swap_and_sample(stage: Stage, seconds: float, swap_every_s: float) -> tuple[int, list[Sample]]:
    """Until ``seconds`` have passed: swaps, and a sample behind each."""
    time = asyncio.get_running_loop().time
    began = time()
    next_progress_s = PROGRESS_S
    samples: list[Sample] = []
    swaps = 0
    while (swaps + 1) * swap_every_s <= seconds:
        await asyncio.sleep(began + (swaps + 1) * swap_every_s - time())
        await stage.swap()
        swaps += 1
        pid = stage.proxy.pid
        at_s = time() - began
        stage.proxy.check()
        samples.append(Sample(at_s, resident_bytes(pid), open_descriptors(pid)))
        if at_s >= next_progress_s:
            next_progress_s += PROGRESS_S
            print(_progress(samples[-1], swaps, await stage.reports()), file=sys.stderr, flush=True)
    return swaps, samples


async def _descriptors_once_at_rest(pid: int, before: int) -> int:
    """How many are open when what the load left is gone, or the limit has passed."""
    time = asyncio.get_running_loop().time
    deadline = time() + SETTLE_LIMIT_S
    while True:
        left = open_descriptors(pid)
        if left <= before or time() >= deadline:
            return left
        await asyncio.sleep(_POLL_S)


def _progress(sample: Sample, swaps: int, reports: Mapping[str, Report]) -> str:
    return (
        f"{sample.at_s:6.0f} s  {sum_of(reports)}, {swaps} swaps,"
        f" RSS {sample.resident_bytes / 1e6:.1f} MB, {sample.descriptors} descriptors"
    )
