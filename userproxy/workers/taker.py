"""A new worker's part in a takeover: it asks the old worker of the same number for what that one has."""

from __future__ import annotations

import asyncio
import socket

from userproxy.dataplane.inheritance import SharedListener
from userproxy.dataplane.plane import DataPlane
from userproxy.succession.asking import ask
from userproxy.succession.batches import close_items
from userproxy.succession.channel import Channel
from userproxy.succession.items import Item
from userproxy.succession.protocol import FLOWS, FREEZE, LISTENERS

__all__ = ["Taker"]


class Taker:
    """Owns the line to the old worker. ``plane`` is dormant, and has all its listening sockets."""

    def __init__(self, plane: DataPlane, descriptor: int) -> None:
        sock = socket.socket(fileno=descriptor)
        sock.setblocking(False)
        self._channel = Channel(sock)
        self._heir = plane.heir()
        self._unwanted: tuple[int, ...] = ()
        self._asking: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Take no more."""
        if self._asking is None or self._asking.done():
            self._channel.close()
        else:
            self._asking.cancel()
            self._asking.add_done_callback(lambda _: self._channel.close())

    async def take(self) -> None:
        """Have what the old worker has, while it serves. Raises TakeoverError."""
        self._asking = asyncio.current_task()
        items: list[Item] = []
        try:
            await ask(self._channel, {"ask": LISTENERS}, items.append)
            listeners = [item for item in items if isinstance(item, SharedListener)]
            self._unwanted = self._heir.unwanted(listeners)
        finally:
            close_items(items)  # duplicates: ours came from the parent
        await ask(self._channel, {"ask": FLOWS}, self._heir.adopt)

    async def complete(self) -> tuple[int, int]:
        """Have it freeze, and have the rest: how many flows, and clients that wait. Raises TakeoverError."""
        self._asking = asyncio.current_task()
        await ask(self._channel, {"ask": FREEZE, "unwanted": self._unwanted}, self._heir.adopt)
        return self._heir.flows, self._heir.clients
