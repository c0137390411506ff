"""What TCP backends have in common: a listener that comes and goes, connections, counters."""

from __future__ import annotations

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self, cast

__all__ = ["StreamBackend", "StreamConnection"]

_LINGER_0 = struct.pack("ii", 1, 0)
_BACKLOG = 1024


class StreamBackend(ABC):
    """A TCP server on one address. Counters only grow, but for ``open_connections``."""

    def __init__(self, name: str = "", *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Port 0: the kernel chooses, once; it stays the same over `refuse` and `accept`."""
        self.name = name
        self.host = host
        self.port = port
        self.connections = 0
        """Accepted so far."""
        self.bytes_received = 0
        self.stalled = False
        """Connections are accepted, and nothing is read or answered."""
        self.resets = False
        """Each new connection is reset at once."""
        self._server: asyncio.Server | None = None
        self._open: set[StreamConnection] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.refuse()
        self.reset_connections()
        await self._idle.wait()

    @property
    def endpoint(self) -> str:
        """ "ip:port", as `endpoint_slice` takes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def open_connections(self) -> int:
        return len(self._open)

    async def accept(self) -> None:
        """Listen, again if need be. Raises OSError when the port cannot be had."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._connection, self.host, self.port, backlog=_BACKLOG)
            self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Stop listening: the kernel refuses new connections. Open ones live on."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def reset_connections(self) -> None:
        """Reset every open connection."""
        for connection in tuple(self._open):
            connection.reset()

    def stall(self) -> None:
        """Leave connections open, and read and answer nothing, until `resume`."""
        self.stalled = True
        for connection in self._open:
            connection.pause()

    def resume(self) -> None:
        """Go on where `stall` stopped."""
        self.stalled = False
        for connection in self._open:
            connection.resume()

    def opened(self, connection: StreamConnection) -> None:
        """Count ``connection`` among the open ones."""
        self.connections += 1
        self._open.add(connection)
        self._idle.clear()

    def closed(self, connection: StreamConnection) -> None:
        """Forget ``connection``."""
        self._open.discard(connection)
        if not self._open:
            self._idle.set()

    @abstractmethod
    def _connection(self) -> StreamConnection:
        """A new connection."""


class StreamConnection(asyncio.Protocol, ABC):
    """One accepted connection; it knows its backend, and its backend knows it while it is open."""

    transport: asyncio.Transport

    def __init__(self, backend: StreamBackend) -> None:
        self.backend = backend
        self._held = b""
        """What came while the backend was stalled."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A stream server has no other transports; those of uvloop are not of asyncio's classes.
        self.transport = cast(asyncio.Transport, transport)
        self.backend.opened(self)
        if self.backend.resets:
            self.reset()
        elif self.backend.stalled:
            self.pause()

    def connection_lost(self, exc: Exception | None) -> None:
        self.backend.closed(self)

    def data_received(self, data: bytes) -> None:
        if self.backend.stalled:
            # uvloop delivers once more although reading was paused when the connection was made.
            self._held += data
            self.pause()
            return
        self.backend.bytes_received += len(data)
        self.received(data)

    @abstractmethod
    def received(self, data: bytes) -> None:
        """Answer ``data``."""

    def pause(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        held, self._held = self._held, b""
        if held:
            self.data_received(held)
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def reset(self) -> None:
        """Close by RST instead of FIN."""
        connected = self.transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
        self.transport.abort()

    # Back-pressure: a client that does not read its answers is not read from.

    def pause_writing(self) -> None:
        self.pause()

    def resume_writing(self) -> None:
        if not self.backend.stalled:
            self.resume()
