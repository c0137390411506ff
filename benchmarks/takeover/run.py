"""So many upgrades under load, and what came of them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.actors.remote import Report
from benchmarks.staged import sum_of
from benchmarks.takeover.stage import Stage, Upgrade

__all__ = ["LOADS", "Upgrades", "take_over"]

LOADS = {"requests": 16, "connections": 8, "datagrams": 64}
"""Clients at once: keep-alive requests, new connections, and UDP flows that outlive all upgrades."""


@dataclass(frozen=True, slots=True)
class Upgrades:
    """What came of it."""

    loop: str
    workers: int
    upgrades: Sequence[Upgrade]
    loads: Mapping[str, Report]
    exit_code: int
    """Of the last process."""

    @property
    def failed(self) -> int:
        return sum(report.failed for report in self.loads.values())

    @property
    def cut(self) -> int:
        return sum(upgrade.cut for upgrade in self.upgrades)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is not as it must be; nothing when the run is good."""
        codes = {upgrade.exit_code for upgrade in self.upgrades} | {self.exit_code}
        reasons = {
            f"{self.failed} requests, connections or datagrams failed": self.failed,
            f"{self.cut} connections were cut": self.cut,
            "a load had no answer at all": not all(report.done for report in self.loads.values()),
            f"a process ended with {max(codes)}": max(codes),
        }
        return tuple(reason for reason, holds in reasons.items() if holds)


async def take_over(
    loop: str, count: int, every_s: float, at_once: Mapping[str, int] = LOADS, workers: int = 1
) -> Upgrades:
    """Raises BenchmarkError when something does not start, or ends before its time."""
    async with Stage(loop, at_once, workers) as stage:
        await stage.begin()
        upgrades = []
        for number in range(1, count + 1):
            await asyncio.sleep(every_s)
            upgrades.append(await stage.upgrade())
            print(_progress(number, upgrades[-1], await stage.reports()), file=sys.stderr, flush=True)
        await asyncio.sleep(every_s)
        loads = await stage.end()
        return Upgrades(loop, workers, upgrades, loads, await stage.proxy.stop())


def _progress(number: int, upgrade: Upgrade, reports: Mapping[str, Report]) -> str:
    return (
        f"upgrade {number}: serves after {upgrade.total_s:.2f} s, UDP waited {upgrade.frozen_ms:g} ms;"
        f" {sum_of(reports)}"
    )
