"""Two proxies that hand over to one another, as two processes do, on one event loop."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.option import with_workers
from userproxy import Addresses, MemorySource, Proxy, Settings
from userproxy.succession.batches import close_items, unpack
from userproxy.succession.channel import Channel, Message
from userproxy.succession.items import Item
from userproxy.succession.protocol import MORE, SERVING, greeting
from userproxy.takeover.place import TakeoverPath
from userproxy.takeover.predecessor import Predecessor
from userproxy.takeover.server import TakeoverServer

EPHEMERAL = with_workers(Settings(addresses=Addresses.EPHEMERAL))


@dataclass
class Old:
    """The one that serves, and can be found at ``path``."""

    proxy: Proxy
    path: Path
    server: TakeoverServer
    replaced: list[tuple[int, str]] = field(default_factory=list)

    def connect(self) -> socket.socket:
        found = TakeoverPath(self.path).claim()
        assert found is not None
        return found

    def channel(self) -> Channel:
        """To be asked by hand."""
        return Channel(self.connect())


def holding(*objects: dict[str, object]) -> MemorySource:
    source = MemorySource()
    source.apply(*objects)
    return source


@contextlib.asynccontextmanager
async def serving(path: Path, source: MemorySource, settings: Settings = EPHEMERAL) -> AsyncIterator[Old]:
    """A proxy on ``source`` whose table is in force."""
    replaced: list[tuple[int, str]] = []
    place = TakeoverPath(path)
    place.publish()
    assert place.listener is not None
    try:
        async with Proxy(source, settings=settings) as proxy:
            await proxy.settled()
            server = TakeoverServer(place.listener, proxy, lambda pid, name: replaced.append((pid, name)))
            try:
                yield Old(proxy, path, server, replaced)
            finally:
                await server.close()
    finally:
        place.withdraw()


@contextlib.asynccontextmanager
async def successor(
    old: Old, source: MemorySource, settings: Settings = EPHEMERAL, table_file: str = ""
) -> AsyncIterator[Proxy]:
    """A proxy on ``source`` that has taken over from ``old``, which still drains."""
    async with Proxy(source, settings=settings, dormant=True) as proxy:
        predecessor = Predecessor(old.connect(), str(old.path))
        try:
            await predecessor.greet(table_file, proxy.workers)
            await predecessor.hand_over_to(proxy)
            await predecessor.gone_quiet()
            yield proxy
        finally:
            predecessor.close()


class Successor:
    """A new process whose part a test plays, message by message."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._items: list[Item] = []

    async def greet(self, workers: int = 1, **other: object) -> Message:
        self.channel.send({**greeting(workers), "table_file": "", **other})
        return await self.receive()

    async def ask(self, what: str, **more: object) -> list[Item]:
        """All of one answer; its sockets are closed with `close`."""
        self.channel.send({"ask": what, **more})
        items: list[Item] = []
        while True:
            message = await self.receive()
            came = unpack(message)
            self._items += came
            items += came
            if message.fields.get("over"):
                return items
            self.channel.send({"ask": MORE})

    async def receive(self) -> Message:
        return await self.channel.receive(10.0)

    def serving(self) -> None:
        self.channel.send({"ask": SERVING})

    def close(self) -> None:
        """As a process that ends."""
        self.channel.close()
        close_items(self._items)
