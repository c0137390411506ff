"""Many UDP flows by one process: a rate, or so many datagrams in flight; every answer is compared."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.actors.remote import Report
from benchmarks.actors.udp_remote import UdpLoad, UdpReport
from benchmarks.errors import BenchmarkError
from benchmarks.forwarding.loads.base import Reading, Timing
from benchmarks.measuring.proc import cpu_of_tree, machine_busy_s
from benchmarks.measuring.window import Window

__all__ = ["Datagrams"]

FLOWS_A_SECOND = 5_000
"""At least so many are opened while it warms up."""


@dataclass(frozen=True, slots=True)
class Datagrams:
    """``run`` datagrams of a flow in a row, ``as_one`` message or each by itself.

    ``rate`` a second, or else so many ``in_flight``.
    """

    flows: int
    size_bytes: int
    run: int = 1
    as_one: bool = False
    rate: int | None = None
    in_flight: int = 64

    @property
    def tool(self) -> str:
        return "bundled"

    @property
    def kind(self) -> str:
        return "udp"

    def missing(self) -> str:
        return ""

    def version(self) -> str:
        return ""

    async def read(self, address: str, pids: Mapping[str, int], timing: Timing) -> Reading:
        """Flows are opened before the window; what is lost in it is told, what is wrong fails."""
        async with UdpLoad(
            address,
            flows=self.flows,
            size_bytes=self.size_bytes,
            run=self.run,
            as_one=self.as_one,
            rate=self.rate,
            in_flight=self.in_flight,
        ) as load:
            await asyncio.sleep(timing.warm_up_s + self.flows / FLOWS_A_SECOND)
            roots = {"load": load.pid, **pids}
            before = {role: cpu_of_tree(pid) for role, pid in roots.items()}
            busy_s, first = machine_busy_s(), await load.mark()
            await asyncio.sleep(timing.seconds)
            last = await load.mark()
            cpu = {role: cpu_of_tree(pid).since(before[role]) for role, pid in roots.items()}
            busy_s = machine_busy_s() - busy_s
            end = await load.end()
        return _reading(last.since(first), end, Window(Report(0, 0, 0, 0, ""), cpu, busy_s))


def _reading(inside: UdpReport, end: UdpReport, window: Window) -> Reading:
    if not end.sent:
        raise BenchmarkError("the load generator of datagrams sent nothing")
    report = Report(inside.seconds, inside.answered, end.wrong, 0, "")
    wrong = {name: getattr(end, name) for name in ("doubled", "reordered", "corrupted", "misdelivered")}
    error = ", ".join(f"{count} {name}" for name, count in wrong.items() if count)
    return Reading(
        Window(report, window.cpu, window.busy_s), end.wrong, error, lost=round(end.unanswered / end.sent, 6)
    )
