"""A client that forwards by SPDY, in either way, and remembers what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count

import aiohttp

from userproxy.spdy import DataReceived, Event, RemoteProtocolError, Role, Session, StreamReset
from userproxy.testing import ApiServer
from userproxy.testing.api_server.port_forward.faults import Way

__all__ = ["SpdyClient", "spdy_client"]

PATH = "/api/v1/namespaces/default/pods/web-0/portforward"
POST = (
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
    "X-Stream-Protocol-Version: portforward.k8s.io\r\nContent-Length: 0\r\n\r\n"
)
TUNNEL = "SPDY/3.1+portforward.k8s.io"


class SpdyClient:
    """One upgrade to the Pod web-0. What comes is taken in by `until`."""

    def __init__(
        self, read: Callable[[], Awaitable[bytes]], write: Callable[[bytes], Awaitable[None]]
    ) -> None:
        self.session = Session(Role.CLIENT)
        self.events: list[Event] = []
        self.received: dict[int, bytes] = {}
        """Bytes of each stream."""
        self.over: list[int] = []
        """Streams that the server has ended or reset, in order."""
        self.fault = ""
        """Why there is nothing more: what the server did wrong, or "end"."""
        self._read = read
        self._write = write
        self._requests = count()

    async def open(self, port: int) -> tuple[int, int]:
        """A pair: the data stream and the error stream."""
        headers = {"port": str(port), "requestid": str(next(self._requests))}
        error = self.session.open_stream({"streamtype": "error", **headers}, fin=True)
        data = self.session.open_stream({"streamtype": "data", **headers})
        await self.flush()
        return data, error

    async def send(self, stream_id: int, data: bytes = b"", *, fin: bool = False) -> None:
        self.session.send_data(stream_id, data, fin=fin)
        await self.flush()

    async def flush(self) -> None:
        await self._write(self.session.data_to_send())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Take in what comes until ``condition`` holds."""
        async with asyncio.timeout(30):
            while not condition():
                assert not self.fault, self.fault
                await self._take()

    async def ended(self, *streams: int) -> None:
        """Until all of these are over."""
        await self.until(lambda: set(streams) <= set(self.over))

    async def _take(self) -> None:
        try:
            data = await self._read()
            for event in self.session.receive(data):
                self._on(event)
            if not data:
                self.fault = "end"
        except (RemoteProtocolError, OSError) as error:
            self.fault = str(error) or type(error).__name__

    def _on(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, DataReceived):
            before = self.received.get(event.stream_id, b"")
            self.received[event.stream_id] = before + bytes(event.data)
            if event.fin:
                self.over.append(event.stream_id)
        elif isinstance(event, StreamReset):
            self.over.append(event.stream_id)


@asynccontextmanager
async def spdy_client(server: ApiServer, way: Way) -> AsyncIterator[SpdyClient]:
    """A client while the block runs."""
    opened = _plain(server) if way is Way.SPDY else _tunnelled(server)
    async with opened as client:
        yield client


@asynccontextmanager
async def _plain(server: ApiServer) -> AsyncIterator[SpdyClient]:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(POST.encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n" in head

    async def read() -> bytes:
        return await reader.read(1 << 16)

    async def write(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    try:
        yield SpdyClient(read, write)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def _tunnelled(server: ApiServer) -> AsyncIterator[SpdyClient]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url + PATH, protocols=(TUNNEL,)) as socket,
    ):
        assert socket.protocol == TUNNEL

        async def read() -> bytes:
            message = await socket.receive()
            return bytes(message.data) if message.type is aiohttp.WSMsgType.BINARY else b""

        async def write(data: bytes) -> None:
            # A message is taken whole: only between messages can a server hold its client up.
            for start in range(0, len(data), 1 << 16):
                await socket.send_bytes(data[start : start + (1 << 16)])

        yield SpdyClient(read, write)
