"""Queries over TCP, one after the other on each connection (RFC 7766)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Self

from userproxy.discovery.dns.forwarding import Forwarder
from userproxy.discovery.dns.outside import Outside
from userproxy.discovery.dns.responder import Responder

__all__ = ["TcpShell"]

MOST_CONNECTIONS = 64
IDLE_TIMEOUT_S = 10.0
"""For the next whole query, and for the client to take an answer (RFC 7766, 6.2.3)."""
_LENGTH = struct.Struct("!H")


class TcpShell:
    """Owns ``listener``, a listening socket. Beyond the limits a connection is closed."""

    def __init__(
        self,
        listener: socket.socket,
        responder: Responder,
        forwarder: Forwarder | None,
        *,
        most_connections: int = MOST_CONNECTIONS,
        idle_timeout_s: float = IDLE_TIMEOUT_S,
    ) -> None:
        self._listener = listener
        self._responder = responder
        self._forwarder = forwarder
        self._most_connections = most_connections
        self._idle_timeout_s = idle_timeout_s
        self._turn = asyncio.Lock()
        """Taken for a turn of the loop by each query, however many connections have one."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> Self:
        self._server = await asyncio.start_server(
            self._accepted, sock=self._listener, limit=_LENGTH.size + 65535
        )
        return self

    async def close(self) -> None:
        """Close the listener and all connections."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= self._most_connections:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # A connection that broke, that ended in the middle of a query, or that idles.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                while True:
                    async with asyncio.timeout(self._idle_timeout_s):
                        [length] = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                        query = await reader.readexactly(length)
                    response = await self._answer(query)
                    if response is None:
                        return
                    async with asyncio.timeout(self._idle_timeout_s):
                        writer.write(_LENGTH.pack(len(response)) + response)
                        await writer.drain()
        finally:
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, query: bytes) -> bytes | None:
        async with self._turn:
            response = self._responder.respond(query, udp=False)
            await asyncio.sleep(0)
        if isinstance(response, Outside):
            assert self._forwarder is not None
            return await self._forwarder.answer(response)
        return response
