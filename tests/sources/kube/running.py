"""Runs a `KubeSource` against the scripted server, and keeps what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress

from tests.sources.kube.follower import told
from userproxy.model.events import Event
from userproxy.sources.kube.source import KubeSource

__all__ = ["Running", "running"]


class Running:
    """A source whose events are read as they come."""

    def __init__(self, source: KubeSource) -> None:
        self.source = source
        self.events: list[Event] = []
        self._changed = asyncio.Event()

    async def read(self) -> None:
        async with aclosing(self.source.events()) as events:
            async for event in events:
                self.events.append(event)
                self._changed.set()

    async def until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        """Wait until ``holds`` of what was said (see `told`); all of it."""
        while not holds(self.told):
            self._changed.clear()
            await self._changed.wait()
        return self.told

    async def until_synced(self) -> list[str]:
        return await self.until(lambda said: "Synced" in said)

    @property
    def told(self) -> list[str]:
        return [told(event) for event in self.events]


@asynccontextmanager
async def running(source: KubeSource) -> AsyncIterator[Running]:
    """Read ``source`` until the block ends; a failure of the source fails the test."""
    run = Running(source)
    task = asyncio.create_task(run.read())
    try:
        yield run
        assert not task.done(), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
