"""A clock that goes on only when something waits, so that a back-off is exact and takes no time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from userproxy.sources.kube.timing import Timing

__all__ = ["VirtualTime"]


class VirtualTime:
    """`timing` runs on it: a sleep is noted in `waits`, moves `now_s`, and is over."""

    def __init__(self, random: float = 0.0) -> None:
        self.now_s = 1000.0
        self.waits: list[float] = []
        self.random = random

    def timing(self, **changes: object) -> Timing:
        """The usual figures on this clock, with ``changes``."""
        timing = Timing(now=lambda: self.now_s, sleep=self._sleep, random=lambda: self.random)
        return replace(timing, **changes)  # type: ignore[arg-type]  # named fields of Timing

    async def _sleep(self, wait_s: float) -> None:
        self.waits.append(wait_s)
        self.now_s += wait_s
        await asyncio.sleep(0)
