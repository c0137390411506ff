"""Peers that play a script of their own on one connection: send, read, half-close, reset, stall, vanish."""

from __future__ import annotations

import _socket
import asyncio
import contextlib
import errno
import random
import socket
import struct
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import pytest

from userproxy.dataplane import dialling, sockets

__all__ = ["Act", "Actor", "Endpoints", "Script", "narrow_proxy", "random_script", "shrink", "stream"]

_tune = sockets.tune_endpoint_socket
_RESET = struct.pack("ii", 1, 0)
_BROKEN = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN, errno.ETIMEDOUT})
HEADER = struct.Struct("!I")
"""What each client says first: the number of its connection, so that the endpoint knows its part."""


def stream(number: int, side: int, size: int) -> bytes:
    """The bytes that this side of connection ``number`` sends; each position has a value of its own."""
    return random.Random(2 * number + side).randbytes(-(-size // 4) * 4)[:size]


class Act(StrEnum):
    SEND = "send"
    READ = "read"
    FIN = "fin"
    RESET = "reset"
    CLOSE = "close"
    STALL = "stall"
    """Do nothing until the other acts of this round are over."""


Script = Sequence[tuple[Act, int]]


def random_script(chance: random.Random, *, side: int, bulk: int) -> Script:
    """Acts of one peer; most end in order, the others as networks end them."""
    acts: list[tuple[Act, int]] = []
    for _ in range(chance.randrange(5)):
        size = chance.choice((1, 100, 16383, 16384, 16385, 65536, chance.randrange(1, bulk)))
        acts.append((chance.choice((Act.SEND, Act.SEND, Act.READ)), size))
    if chance.random() < 0.1:
        acts.append((Act.STALL, 0))
    end = chance.random()
    if end < 0.6:
        acts += [(Act.FIN, 0), (Act.READ, -1), (Act.CLOSE, 0)]
    elif end < 0.7 and side:  # one that waits for the end of the other; two would wait for ever
        acts += [(Act.READ, -1), (Act.FIN, 0), (Act.CLOSE, 0)]
    elif end < 0.85:
        acts.append((Act.RESET, 0))
    else:
        acts.append((Act.CLOSE, 0))
    return acts


@dataclass
class Actor:
    """One peer of one connection: what it has sent and seen."""

    number: int
    side: int
    """0 the client, 1 the endpoint."""
    script: Script
    sent: int = 0
    received: bytearray = field(default_factory=bytearray)
    saw_end: bool = False
    saw_error: bool = False

    @property
    def orderly(self) -> bool:
        """It never resets and reads all before it closes."""
        acts = [act for act, _ in self.script]
        return acts[-1] is Act.CLOSE and Act.FIN in acts and (Act.READ, -1) in self.script

    async def play(self, sock: socket.socket, go_on: asyncio.Event) -> None:
        """Act on ``sock``, and close it. Once ``go_on`` is set, nothing is waited for but the end."""
        total = sum(size for act, size in self.script if act is Act.SEND)
        data = memoryview(stream(self.number, self.side, total))
        try:
            for act, size in self.script:
                if act is Act.SEND:
                    await self._send(sock, data[self.sent : self.sent + size], go_on)
                elif act is Act.READ:
                    await self._read(sock, size, go_on)
                elif act is Act.FIN:
                    sock.shutdown(socket.SHUT_WR)
                elif act is Act.STALL:
                    await go_on.wait()
                elif act is Act.RESET:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        except OSError as error:
            if error.errno not in _BROKEN:
                raise
            self.saw_error = True
        finally:
            # Unread data turns this into a reset: the kernel decides.
            sock.close()

    async def _send(self, sock: socket.socket, data: memoryview, go_on: asyncio.Event) -> None:
        """All of ``data``, or what is taken before ``go_on`` is set."""
        while data:
            try:
                count = sock.send(data[: 1 << 16])
            except BlockingIOError:
                if go_on.is_set():
                    return
                await ready(sock, go_on, write=True)
                continue
            self.sent += count
            data = data[count:]

    async def _read(self, sock: socket.socket, size: int, go_on: asyncio.Event) -> None:
        """``size`` bytes, or fewer when ``go_on`` is set; -1: to the end, whatever happens."""
        while size and not self.saw_end:
            try:
                part = sock.recv(65536 if size < 0 else min(size, 65536))
            except BlockingIOError:
                if size > 0 and go_on.is_set():
                    return
                await ready(sock, go_on if size > 0 else None, write=False)
                continue
            if not part:
                self.saw_end = True
            self.received += part
            if size > 0:
                size -= len(part)


async def ready(sock: socket.socket, go_on: asyncio.Event | None, *, write: bool) -> None:
    """Wait until ``sock`` may be read or written, or ``go_on`` is set."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[None] = loop.create_future()

    def done() -> None:
        if not waiting.done():
            waiting.set_result(None)

    other = asyncio.ensure_future(go_on.wait()) if go_on is not None else None
    if other is not None:
        other.add_done_callback(lambda _: done())
    (loop.add_writer if write else loop.add_reader)(sock, done)
    try:
        await waiting
    finally:
        (loop.remove_writer if write else loop.remove_reader)(sock)
        if other is not None:
            other.cancel()


class Endpoints:
    """Listening sockets that play the endpoints' parts."""

    def __init__(self, count: int, go_on: asyncio.Event) -> None:
        self.socks = [listening() for _ in range(count)]
        self.actors: dict[int, Actor] = {}
        """The endpoint's part of each connection, by its number."""
        self.strangers = 0
        """Connections that ended before they said who they were: dials given up, or vanished clients."""
        self._go_on = go_on
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def names(self) -> list[str]:
        return [f"127.0.0.1:{sock.getsockname()[1]}" for sock in self.socks]

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        accepting = [asyncio.create_task(self._accept(sock)) for sock in self.socks]
        try:
            yield
        finally:
            for task in accepting:
                task.cancel()
            await asyncio.gather(*accepting, return_exceptions=True)
            for sock in self.socks:
                sock.close()
            await asyncio.gather(*self._tasks)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(listener)
            task = asyncio.create_task(self._serve(sock))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        sock.setblocking(False)
        header = b""
        try:
            while len(header) < HEADER.size:
                part = await loop.sock_recv(sock, HEADER.size - len(header))
                if not part:
                    break
                header += part
        except OSError:
            header = b""
        if len(header) < HEADER.size:
            self.strangers += 1
            sock.close()
            return
        [number] = HEADER.unpack(header)
        await self.actors[number].play(sock, self._go_on)


def shrink(sock: _socket.socket) -> None:
    """Small buffers: every write of some size is a partial one.

    Loopback's own segments of 64 KiB would not fit into these, and wait for timers of the kernel.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@contextlib.contextmanager
def narrow_proxy() -> Iterator[None]:
    """The proxy's own sockets get small buffers too, so that little stands in the kernel's."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (sockets, dialling):
            patch.setattr(module, "tune_endpoint_socket", _tune_and_shrink)
        yield


def _tune_and_shrink(sock: _socket.socket) -> None:
    _tune(sock)
    shrink(sock)


def listening() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(256)
    sock.setblocking(False)
    return sock
