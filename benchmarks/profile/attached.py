"""A tool that looks into the proxy for a while, and how much the load had done meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.actors.remote import Load, Report
from benchmarks.errors import BenchmarkError
from benchmarks.processes import Child
from benchmarks.profile.tools import first_words

__all__ = ["Look", "Target"]

SETTLE_S = 0.3
"""Until a tool that does not say so is attached."""
ATTACH_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Look:
    """``done``: operations while the tool looked; ``refused``: why it did not, "" when it did."""

    done: float
    per_second: float
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The proxy's process, the load on it, and what of a report is counted."""

    pid: int
    load: Load
    amount: Callable[[Report], float]

    async def look_while(self, name: str, command: Sequence[str], seconds: float) -> Look:
        """Run a tool that looks as long as a program runs that it starts itself, as perf does.

        That program says when it begins and ends, so that just what was done meanwhile is counted.
        """
        clock = ("--", "sh", "-c", f"echo begins; sleep {seconds:g}; echo ends")
        async with Child(name, (*command, *clock), talks=True) as child:
            try:
                await child.line(ATTACH_LIMIT_S)
                first = await self.load.mark()
                await child.line(seconds + ATTACH_LIMIT_S)
                last = await self.load.mark()
                await child.wait()
            except BenchmarkError as error:
                return Look(0.0, 0.0, first_words(child.said) or str(error))
        return self._looked(last.since(first), last.since(first).seconds)

    async def look_for(self, name: str, command: Sequence[str], seconds: float, *, endless: bool) -> Look:
        """Run a tool that looks for ``seconds`` and ends, or that is ``endless`` and is told to end then."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with Child(name, command) as child:
            await asyncio.sleep(SETTLE_S)
            if child.ended:
                return Look(0.0, 0.0, first_words(child.said) or f"{name} ended at once")
            first = await self.load.mark()
            await asyncio.sleep(max(0.0, began + seconds - loop.time()))
            last = await self.load.mark()
            took_s = loop.time() - began
            code = 0 if endless and not child.ended else await child.wait()
        refused = (first_words(child.said) or f"{name} ended with {code}") if code else ""
        return self._looked(last.since(first), took_s, refused)

    def _looked(self, window: Report, took_s: float, refused: str = "") -> Look:
        rate = self.amount(window) / window.seconds
        return Look(rate * took_s, rate, refused)
