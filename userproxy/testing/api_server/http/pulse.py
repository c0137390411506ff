"""Waiting until something holds that changes by single steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Pulse"]


class Pulse:
    """Everyone who waits looks again with each beat."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def beat(self) -> None:
        """Something changed."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return once ``condition`` holds."""
        while not condition():
            await self._next.wait()
