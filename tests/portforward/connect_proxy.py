"""An HTTP proxy that opens tunnels (RFC 9110, section 9.3.6), all of them to one port of this host."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator

__all__ = ["ConnectProxy", "connect_proxy"]

USER = "jane:secret"


class ConnectProxy:
    """Tunnels for `USER` alone."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = ""
        self.targets: list[str] = []
        """Of the tunnels, in the order in which they were asked for."""
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self._tunnel(reader, writer)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self.tasks.discard(task)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        method, target, _ = request.split(" ")
        credentials = base64.b64encode(USER.encode()).decode()
        if method != "CONNECT" or f"proxy-authorization: basic {credentials}".lower() not in [
            line.lower() for line in lines
        ]:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        self.targets.append(target)
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))
        finally:
            inner_writer.transport.abort()
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


@contextlib.asynccontextmanager
async def connect_proxy(port: int) -> AsyncIterator[ConnectProxy]:
    """``port``: where every tunnel leads, on 127.0.0.1."""
    proxy = ConnectProxy(port)
    listener = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    host, number = listener.sockets[0].getsockname()
    proxy.url = f"http://{USER}@{host}:{number}"
    try:
        yield proxy
    finally:
        listener.close()
        tasks = tuple(proxy.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()
