"""What every source of objects promises, and the queue that most of them are built on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Protocol

from userproxy.model.events import Event, Mark

__all__ = ["EventQueue", "Source"]


class Source(Protocol):
    """Where objects come from. One consumer at a time; `Proxy` is it."""

    @property
    def cluster_ip_required(self) -> bool:
        """True where objects come complete, as from an API server: no clusterIP means ignored (rule S1)."""
        ...

    @property
    def remote(self) -> bool:
        """Whether this host may be outside of the cluster that the objects are of, as with a kubeconfig."""
        ...

    def events(self) -> AsyncGenerator[Event]:
        """Say what exists, then `Synced`, then every change, for ever.

        What the source can mend by itself (an unreachable server, a bad file) it reports as a value and
        goes on. Raises UserproxyError only for what waiting cannot mend; `Proxy` then stops with it.
        Closing the iterator ends all that the source started.
        """
        ...

    def mark(self, token: object) -> None:
        """Make ``Mark(token)`` come out of `events` behind all that the source holds now."""
        ...

    def reload(self) -> None:
        """Read files and credentials again, soon (SIGHUP)."""
        ...


class EventQueue:
    """Events in order, for one reader. Unbounded by number: a source holds at most what exists."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._filled = asyncio.Event()

    def put(self, *events: Event) -> None:
        """Append; never waits."""
        self.extend(events)

    def extend(self, events: Iterable[Event]) -> None:
        self._events.extend(events)
        if self._events:
            self._filled.set()

    def mark(self, token: object) -> None:
        self.put(Mark(token))

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield events for ever; waits only when there is none."""
        while True:
            while self._events:
                yield self._events.popleft()
            self._filled.clear()
            await self._filled.wait()
