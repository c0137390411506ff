"""One window of time under load: what was done, and what each process took for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.actors.remote import Load, Report
from benchmarks.measuring.proc import CpuTime, cpu_of_tree, machine_busy_s

__all__ = ["ROLES", "Window", "measure"]

ROLES = ("load", "backend", "proxy")


@dataclass(frozen=True, slots=True)
class Window:
    """``cpu`` is by role: `ROLES`, the proxy not for a direct connection; ``worker-N`` are parts of it."""

    report: Report
    cpu: Mapping[str, CpuTime]
    busy_s: float
    """Processor time of the whole machine."""

    def share(self, role: str) -> float:
        """What part of one core a process tree took."""
        return self.cpu[role].total_s / self.report.seconds if role in self.cpu else 0.0

    @property
    def others(self) -> float:
        """How many cores went to processes that have nothing to do with this window."""
        ours_s = sum(self.cpu[role].total_s for role in ROLES if role in self.cpu)
        return max(0.0, self.busy_s - ours_s) / self.report.seconds


async def measure(load: Load, pids: Mapping[str, int], *, warm_up_s: float, seconds: float) -> Window:
    """Let ``load`` run on; what came before the window is dropped. ``load`` goes on afterwards."""
    await asyncio.sleep(warm_up_s)
    first = await _look(load, pids)
    await asyncio.sleep(seconds)
    last = await _look(load, pids)
    return Window(
        last.report.since(first.report),
        {role: last.cpu[role].since(first.cpu[role]) for role in pids},
        last.busy_s - first.busy_s,
    )


async def _look(load: Load, pids: Mapping[str, int]) -> Window:
    """All figures since the start."""
    report = await load.mark()
    return Window(report, {role: cpu_of_tree(pid) for role, pid in pids.items()}, machine_busy_s())
