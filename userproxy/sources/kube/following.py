"""One run of following an API server: a task for each collection, all into one queue."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

from userproxy.model.events import Synced
from userproxy.sources.base import EventQueue
from userproxy.sources.kube.client import ApiClient
from userproxy.sources.kube.connection import Connection
from userproxy.sources.kube.outages import Outages
from userproxy.sources.kube.plan import node_name
from userproxy.sources.kube.problems import no_such_node
from userproxy.sources.kube.reflector import Reflector
from userproxy.sources.kube.resources import Collection
from userproxy.sources.kube.timing import Timing

__all__ = ["Crash", "Following"]


@dataclass(frozen=True, slots=True)
class Crash:
    """Token of the mark by which the failure of a task reaches the reader of the queue."""

    error: BaseException


class Following:
    """Follows ``served`` and ``node`` into ``queue``, from `start` to `aclose`. Owns its tasks and client."""

    def __init__(
        self,
        connection: Connection,
        served: Sequence[Collection],
        node: Collection | None,
        *,
        node_optional: bool = False,
        queue: EventQueue,
        timing: Timing,
    ) -> None:
        self._queue = queue
        self._timing = timing
        self._client = ApiClient(connection, timing)
        self._outages = Outages(self._client.server, timing, queue.put)
        self._served = [self._reflector(collection) for collection in served]
        self._node_optional = node_optional
        self._node = None if node is None else self._reflector(node)
        self._tasks: list[asyncio.Task[None]] = []
        self._scopes: dict[str, asyncio.Timeout] = {}

    def start(self) -> None:
        """Begin; needs a running loop."""
        for reflector in self._reflectors:
            self._spawn(self._pump(reflector), f"follow {reflector.collection.name}")
        self._spawn(self._announce(), "announce Synced")

    async def aclose(self) -> None:
        """End every task and connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def reload(self) -> None:
        """Read credentials again, connect anew and go on from where each collection is, without back-off."""
        self._client.reload()
        for scope in self._scopes.values():
            if not scope.expired():
                scope.reschedule(asyncio.get_running_loop().time())

    @property
    def resource_versions(self) -> dict[str, str]:
        """Version up to which each collection has been told; those not listed yet are left out."""
        versions = {reflector.collection.name: reflector.version for reflector in self._reflectors}
        return {name: version for name, version in versions.items() if version}

    @property
    def last_contact_s(self) -> float | None:
        """When the server last sent something for the collection that it has been silent on longest."""
        contacts = [reflector.last_contact_s for reflector in self._served]
        return min((contact for contact in contacts if contact is not None), default=None)

    @property
    def _reflectors(self) -> list[Reflector]:
        return self._served if self._node is None else [*self._served, self._node]

    def _reflector(self, collection: Collection) -> Reflector:
        return Reflector(self._client, collection, self._outages, self._timing)

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        # Reflectors go on for ever and handle what can fail; anything else is a fault that must be seen.
        if not task.cancelled() and (error := task.exception()) is not None:
            self._queue.mark(Crash(error))

    async def _pump(self, reflector: Reflector) -> None:
        while True:
            try:
                # The scope has no time limit: reload() ends it.
                async with asyncio.timeout(None) as scope:
                    self._scopes[reflector.collection.name] = scope
                    async with aclosing(reflector.batches()) as batches:
                        async for batch in batches:
                            self._queue.extend(batch)
                            if reflector is self._node:
                                self._say_whether_node_exists(reflector)
            except TimeoutError:
                if not scope.expired():
                    raise

    async def _announce(self) -> None:
        """Say Synced once services and slices are listed (rule R2).

        The Node is waited for a moment, as zone hints would choose wrongly at first; it may be forbidden,
        so not for longer (rule N2, without its wait).
        """
        for reflector in self._served:
            await reflector.listed.wait()
        if self._node is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timing.node_wait_s):
                    await self._node.answered.wait()
        self._queue.put(Synced())

    def _say_whether_node_exists(self, node: Reflector) -> None:
        if self._node_optional or not node.listed.is_set():
            return
        missing = no_such_node(self._outages.source, node_name(node.collection))
        self._outages.note("node", None if node.known else missing)
