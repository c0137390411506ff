"""A tool that looks into the proxy for a while, and how much the load had done meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.actors.remote import Load, Report
from benchmarks.errors import BenchmarkError
from benchmarks.processes import Child

__all__ = ["Look", "Target"]

SETTLE_S = 0.3
"""Until a tool is attached, as a margin at both ends of what is counted as its time."""


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

    async def look(self, name: str, command: Sequence[str], seconds: float, *, endless: bool = False) -> Look:
        """Run a tool that looks for ``seconds`` and ends, or that is ``endless`` and is told to end then.

        The rate is that in the middle of its time, since it takes a moment to attach.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with Child(name, command) as child:
            await asyncio.sleep(SETTLE_S)
            if child.ended:
                return Look(0.0, 0.0, await _ended(child, endless))
            first = await self.load.mark()
            await asyncio.sleep(max(seconds - 2 * SETTLE_S, SETTLE_S))
            last = await self.load.mark()
            await asyncio.sleep(max(0.0, began + seconds - loop.time()))
            took_s = loop.time() - began if endless else seconds
            refused = await _ended(child, endless)
        window = last.since(first)
        rate = self.amount(window) / window.seconds
        return Look(rate * took_s, rate, refused)


async def _ended(child: Child, endless: bool) -> str:
    """What the tool said first when it failed: perf goes on with advice."""
    if endless and not child.ended:
        await child.stop()
        return ""
    try:
        code = await child.wait()
    except BenchmarkError as error:
        return str(error)
    if code == 0 and not endless:
        return ""
    said = [line.strip() for line in child.said if line.strip() != "Error:"]
    return said[0] if said else f"{child.name} ended with {code}"
