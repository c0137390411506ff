"""What an upgrade runs on: the connection itself, or the messages of a WebSocket in it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from aiohttp import WSMsgType, web

__all__ = ["Carrier", "PlainCarrier", "WebSocketCarrier"]

_READ_BYTES = 256 << 10
_MESSAGE_BYTES = 256 << 10
"""Of one message that is sent; clients limit the size of those that they take."""


class Carrier(Protocol):
    """Bytes both ways. Errors of the connection are OSErrors."""

    async def read(self) -> bytes:
        """What came, at least one byte; b"" at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Return once it is on its way, and more may be written."""
        ...

    def abort(self) -> None:
        """Break the connection now."""
        ...

    async def close(self) -> None:
        """End it in order."""
        ...


class PlainCarrier:
    """Takes the connection of a request away from aiohttp, answers 101, and carries bytes as they are."""

    def __init__(self, request: web.Request, headers: dict[str, str]) -> None:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the client has gone")
        head = ["HTTP/1.1 101 Switching Protocols", *(f"{name}: {value}" for name, value in headers.items())]
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_READ_BYTES, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport.write("\r\n".join([*head, "", ""]).encode())
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        self._request = request
        self._reader = reader
        self._writer = asyncio.StreamWriter(transport, protocol, reader, loop)

    async def read(self) -> bytes:
        return await self._reader.read(_READ_BYTES)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def abort(self) -> None:
        self._writer.transport.abort()

    async def close(self) -> None:
        """Ends the handler too: aiohttp learns here of the end of a connection that it has no part in."""
        self._writer.close()
        self._request.protocol.connection_lost(None)


class WebSocketCarrier:
    """Carries bytes in binary messages."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._request = request
        self.socket = socket

    async def read(self) -> bytes:
        while True:
            message = await self.socket.receive()
            if message.type is not WSMsgType.BINARY:
                return b""
            if message.data:
                data: bytes = message.data
                return data

    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), _MESSAGE_BYTES):
            await self.socket.send_bytes(data[start : start + _MESSAGE_BYTES])

    def abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

    async def close(self) -> None:
        await self.socket.close()
