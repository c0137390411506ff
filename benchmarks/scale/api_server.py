"""A bare HTTP server that sends bytes made beforehand, so that it is not what is measured."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

import orjson

from benchmarks.errors import BenchmarkError
from benchmarks.scale.cluster import PAGE_SIZE, RESOURCES, VERSION, endpoint_slice, pages

__all__ = ["PreparedApiServer"]

ACCEPT_LIMIT_S = 30.0
_REQUEST_BYTES = 65536


class PreparedApiServer:
    """Serves one cluster while its block runs. ``paged`` False: all of a list in one answer, as from a cache.

    Everything runs on the loop of the block; each answer is written from the same bytes, without a copy.
    """

    def __init__(self, services: int, *, paged: bool = True) -> None:
        self._lists = {
            listed.path: pages(resource, services, PAGE_SIZE if paged else services)
            for resource, listed in RESOURCES.items()
        }
        self._version = int(VERSION)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
        """The connection of the last watch of slices."""

    @property
    def url(self) -> str:
        host, port = self._listener.getsockname()
        return f"http://{host}:{port}"

    @property
    def bodies(self) -> Iterator[bytes]:
        """Every page of every list."""
        return (body for bodies in self._lists.values() for body in bodies)

    async def __aenter__(self) -> Self:
        self._spawn(self._accept())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listener.close()

    async def change(self, number: int, first_port: int) -> int:
        """Send one slice with other ports; the time when its first byte was sent, in ns of CLOCK_MONOTONIC.

        Raises BenchmarkError when nobody watches.
        """
        self._version += 1
        raw = endpoint_slice(number, first_port=first_port, version=str(self._version))
        raw = {"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", **raw}
        event = orjson.dumps({"type": "MODIFIED", "object": raw}) + b"\n"
        try:
            async with asyncio.timeout(ACCEPT_LIMIT_S):
                connection = await asyncio.shield(self._watch)
        except TimeoutError:
            raise BenchmarkError("nobody watches the slices") from None
        sent_ns = time.monotonic_ns()
        await asyncio.get_running_loop().sock_sendall(connection, b"%x\r\n%b\r\n" % (len(event), event))
        return sent_ns

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._listener)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._spawn(self._serve(connection))

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket) -> None:
        """Requests one after the other, until the client goes."""
        loop = asyncio.get_running_loop()
        with connection, suppress(ConnectionError):
            while request := await loop.sock_recv(connection, _REQUEST_BYTES):
                target = urlsplit(request.split(b" ", 2)[1].decode())
                query = {key: values[0] for key, values in parse_qs(target.query).items()}
                if "watch" in query:
                    await self._watched(connection, target.path)
                else:
                    await self._list(connection, target.path, query)
            if self._watch.done() and self._watch.result() is connection:
                self._watch = loop.create_future()

    async def _list(self, connection: socket.socket, path: str, query: dict[str, str]) -> None:
        bodies = self._lists[path]
        body = bodies[int(query.get("continue", "0")) // PAGE_SIZE]
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, head.encode())
        await loop.sock_sendall(connection, body)

    async def _watched(self, connection: socket.socket, path: str) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        await asyncio.get_running_loop().sock_sendall(connection, head)
        if path == RESOURCES["endpointslices"].path:
            if self._watch.done():
                self._watch = asyncio.get_running_loop().create_future()
            self._watch.set_result(connection)
