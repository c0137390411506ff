"""A UDP server that sends back what it gets, behind its name."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

__all__ = ["UdpEcho"]


class UdpEcho:
    """Answers each datagram with its name, a colon and the datagram; without a name with the datagram alone.

    Counters only grow.
    """

    def __init__(self, name: str = "", *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Port 0: the kernel chooses, once; it stays the same over `refuse` and `accept`."""
        self.name = name
        self.host = host
        self.port = port
        self.datagrams = 0
        self.bytes_received = 0
        self.clients: set[tuple[str, int]] = set()
        """Address and port of everyone that a datagram came from."""
        self.stalled = False
        """Datagrams are received and not answered."""
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.refuse()
        # The transport closes in the next turn of the loop.
        await asyncio.sleep(0)

    @property
    def endpoint(self) -> str:
        """ "ip:port", as `endpoint_slice` takes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def accept(self) -> None:
        """Open the socket, again if need be. Raises OSError when the port cannot be had."""
        if self._transport is None:
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: _Echo(self), local_addr=(self.host, self.port)
            )
            self.port = self._transport.get_extra_info("sockname")[1]

    def refuse(self) -> None:
        """Close the socket: the kernel answers datagrams with port unreachable."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def stall(self) -> None:
        """Take datagrams and answer none, until `resume`."""
        self.stalled = True

    def resume(self) -> None:
        self.stalled = False


class _Echo(asyncio.DatagramProtocol):
    transport: asyncio.DatagramTransport

    def __init__(self, backend: UdpEcho) -> None:
        self._backend = backend
        self._prefix = f"{backend.name}:".encode() if backend.name else b""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # datagram endpoints have no other transport
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._backend.datagrams += 1
        self._backend.bytes_received += len(data)
        self._backend.clients.add(addr[:2])
        if not self._backend.stalled:
            self.transport.sendto(self._prefix + data, addr)
