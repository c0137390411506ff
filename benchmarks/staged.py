"""What every stage has: a proxy that is under load for as long as somebody looks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType

from benchmarks.actors.remote import Load, Report
from benchmarks.userproxy_process import UserproxyProcess

__all__ = ["Staged", "sum_of"]


class Staged:
    """Everything runs while the block runs, but for the load: from `begin`, its own, to `end`."""

    def __init__(self) -> None:
        self._exits = AsyncExitStack()
        self._loads: dict[str, Load] = {}
        self._addresses: Mapping[str, str] = {}
        self.proxy: UserproxyProcess

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    async def reports(self) -> dict[str, Report]:
        """What each load has done so far. Raises BenchmarkError when the proxy has ended."""
        self.proxy.check()
        return {name: await load.mark() for name, load in self._loads.items()}

    async def end(self) -> dict[str, Report]:
        """Let what is under way be answered, and end the load."""
        return {name: await load.end() for name, load in self._loads.items()}


def sum_of(reports: Mapping[str, Report]) -> str:
    """As in "1,200 requests, 30 datagrams, failed 0"."""
    done = ", ".join(f"{report.done:,} {name}" for name, report in reports.items())
    return f"{done}, failed {sum(report.failed for report in reports.values())}"
