"""A TCP server that sends back what it gets."""

from __future__ import annotations

import asyncio

from userproxy.testing.backends.stream import StreamBackend, StreamConnection

__all__ = ["TcpEcho"]


class TcpEcho(StreamBackend):
    """Says its name and a line end first, if it has a name; then it echoes, and ends when the client ends."""

    def _connection(self) -> StreamConnection:
        return _Echo(self)


class _Echo(StreamConnection):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.backend.name and not self.transport.is_closing():
            self.transport.write(f"{self.backend.name}\n".encode())

    def received(self, data: bytes) -> None:
        self.transport.write(data)

    def eof_received(self) -> bool:
        # False: what waits is still written, then this side ends too.
        return False
