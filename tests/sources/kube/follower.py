"""Runs one reflector against the scripted server, and keeps what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress

from tests.sources.kube.scripted_server import ScriptedServer
from tests.sources.kube.virtual_time import VirtualTime
from userproxy.model.events import Delete, Event, SourceProblems, Upsert
from userproxy.model.service import Service
from userproxy.sources.kube.client import ApiClient
from userproxy.sources.kube.connection import AnonymousConnection, Connection
from userproxy.sources.kube.outages import Outages
from userproxy.sources.kube.reflector import Reflector
from userproxy.sources.kube.resources import SERVICES, Collection
from userproxy.sources.kube.timing import Timing

__all__ = ["Follower", "follow", "told"]


class Follower:
    """A reflector under way; ``events`` are all that it has said."""

    def __init__(self, reflector: Reflector, problems: list[SourceProblems], changed: asyncio.Event) -> None:
        self.reflector = reflector
        self.problems = problems
        self.events: list[Event] = []
        self._changed = changed

    async def run(self) -> None:
        async with aclosing(self.reflector.batches()) as batches:
            async for batch in batches:
                self.events.extend(batch)
                self._changed.set()

    async def until(self, *expected: str) -> None:
        """Wait until exactly this has been said, in order (see `told`)."""
        await self._until(lambda: len(self.events) >= len(expected))
        assert [told(event) for event in self.events] == list(expected)

    async def until_problem(self) -> str:
        """Wait until something is wrong; its message."""
        await self._until(lambda: bool(self.messages))
        return self.messages[0]

    async def until_restored(self) -> None:
        """Wait until something has been wrong and is no more."""
        await self._until(lambda: bool(self.problems) and not self.messages)

    async def until_version(self, wanted: Callable[[], str]) -> None:
        """Wait until all up to the version that ``wanted`` names then has been said."""
        await self._until(lambda: self.reflector.version == wanted())

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    @property
    def messages(self) -> list[str]:
        """What is wrong now, as last said."""
        return [problem.message for problem in self.problems[-1].problems] if self.problems else []


def told(event: Event) -> str:
    """``+web:80`` for a Service with its first port, ``-web`` for one that is gone."""
    match event:
        case Upsert(Service(name=name, ports=ports)):
            return f"+{name}:{ports[0].port}"
        case Upsert(object):
            return f"+{object.ref.name}"
        case Delete(ref):
            return f"-{ref.name}"
        case other:
            return type(other).__name__


@asynccontextmanager
async def follow(
    server: ScriptedServer,
    time: VirtualTime,
    *,
    collection: Collection | None = None,
    connection: Connection | None = None,
    timing: Timing | None = None,
) -> AsyncIterator[Follower]:
    """Follow ``collection`` (all Services) at ``server``; a failure of the reflector fails the test."""
    timing = timing or time.timing()
    client = ApiClient(connection or AnonymousConnection(server.url), timing)
    problems: list[SourceProblems] = []
    changed = asyncio.Event()

    def say(found: SourceProblems) -> None:
        problems.append(found)
        changed.set()

    outages = Outages(client.server, timing, say)
    reflector = Reflector(client, collection or Collection(SERVICES), outages, timing)
    follower = Follower(reflector, problems, changed)
    task = asyncio.create_task(follower.run())
    try:
        yield follower
        assert not task.done(), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await client.aclose()
