"""An upgrade with v4.channel.k8s.io: a byte in front of each message says which port, and data or errors."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from userproxy.testing.api_server.port_forward.carriers import WebSocketCarrier
from userproxy.testing.api_server.port_forward.inbox import Inbox
from userproxy.testing.api_server.port_forward.spdy_upgrade import Forward

__all__ = ["ChannelUpgrade"]


class ChannelUpgrade:
    """Serves one upgrade: one connection for each port, made at once. There is no end of one direction."""

    def __init__(self, carrier: WebSocketCarrier, forward: Forward, ports: Sequence[int]) -> None:
        self._carrier = carrier
        self._forward = forward
        self._ports = ports
        self._inboxes = [Inbox() for _ in ports]

    async def serve(self) -> None:
        """Until the client goes, or all of its connections have ended."""
        for index, port in enumerate(self._ports):
            for channel in (2 * index, 2 * index + 1):
                await self._carrier.write(bytes([channel]) + port.to_bytes(2, "little"))
        forwards = [
            asyncio.ensure_future(self._forward(_ChannelClient(self._carrier, index, inbox), port))
            for index, (port, inbox) in enumerate(zip(self._ports, self._inboxes, strict=True))
        ]
        reading = asyncio.ensure_future(self._read())
        ended = asyncio.ensure_future(asyncio.wait(forwards))
        try:
            await asyncio.wait({reading, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = [reading, ended, *forwards]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def abort(self) -> None:
        """Break the connection."""
        self._carrier.abort()

    async def _read(self) -> None:
        while message := await self._carrier.read():
            index, is_error = divmod(message[0], 2)
            if not is_error and index < len(self._inboxes):
                await self._inboxes[index].put(memoryview(message)[1:])


class _ChannelClient:
    """The two channels of a port."""

    def __init__(self, carrier: WebSocketCarrier, index: int, inbox: Inbox) -> None:
        self._carrier = carrier
        self._index = index
        self._inbox = inbox

    async def read(self) -> bytes | memoryview:
        return await self._inbox.get()

    async def write(self, data: bytes) -> None:
        await self._carrier.write(bytes([2 * self._index]) + data)

    async def finish(self) -> None:
        """Nothing says so: only the end of all connections ends the WebSocket."""
        self._inbox.discard()

    async def report(self, text: str, *, resets: bool) -> None:
        if text:
            await self._carrier.write(bytes([2 * self._index + 1]) + text.encode())
