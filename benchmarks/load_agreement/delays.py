"""Answers over HTTP after known delays, and says what they came to: ``python -m ... 5x49 50x1``.

``5x49`` is 49 answers after 5 ms each; the parts follow each other and repeat. Each line of standard input
asks for the percentiles of the delays since the last one: from the moment when the kernel had a request
(SO_TIMESTAMPNS), so that a server which had to wait for a core says so, to having written its answer.
Independent of userproxy, whose load generator is what is tested with it.
"""

from __future__ import annotations

import heapq
import itertools
import json
import os
import select
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from math import ceil
from time import monotonic, time_ns

__all__ = ["ANSWER", "SO_TIMESTAMPNS", "DelayServer", "cycle_of", "percentile", "waited_s"]

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
_END = b"\r\n\r\n"
_READ_BYTES = 16 * 1024
_TIMESPEC = struct.Struct("@qq")
SO_TIMESTAMPNS = getattr(socket, "SO_TIMESTAMPNS", 35)
"""asm-generic/socket.h; CPython names it from 3.14 on."""


def cycle_of(parts: Sequence[str]) -> list[float]:
    """Milliseconds of "5x2 50x1" are [5, 5, 50]. Raises ValueError for anything else."""
    delays = []
    for part in parts:
        delay, _, count = part.partition("x")
        delays += [float(delay)] * int(count)
    return delays


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that ``percent`` of all do not exceed. Raises IndexError for no value."""
    return sorted(values)[max(0, ceil(percent * len(values) / 100) - 1)]


class DelayServer:
    """Owns a listener on 127.0.0.1 and its connections."""

    def __init__(self, delays_ms: Sequence[float]) -> None:
        self._delays = itertools.cycle([delay / 1000 for delay in delays_ms])
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self.address = "{}:{}".format(*self._listener.getsockname())
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._connections: dict[int, socket.socket] = {}
        self._due: list[tuple[float, float, int]] = []
        """(when to answer, when it was asked, descriptor)."""
        self._took_ms: list[float] = []

    def run(self, commands: int) -> Iterator[str]:
        """Serve until ``commands``, a descriptor, ends; gives a report for each line of it."""
        self._epoll.register(commands, select.EPOLLIN)
        while True:
            wait_s = max(0.0, self._due[0][0] - monotonic()) if self._due else 1.0
            # epoll_wait counts whole milliseconds; select(2) counts microseconds.
            select.select((self._epoll,), (), (), wait_s)
            for fd, _ in self._epoll.poll(0):
                if fd == self._listener.fileno():
                    self._accept()
                elif fd == commands:
                    if not os.read(commands, _READ_BYTES):
                        return
                    yield self._report()
                else:
                    self._read(fd)
            while self._due and self._due[0][0] <= monotonic():
                _, asked, fd = heapq.heappop(self._due)
                self._answer(fd, asked)

    def close(self) -> None:
        for connection in (self._listener, *self._connections.values()):
            connection.close()
        self._epoll.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._connections[connection.fileno()] = connection
        self._epoll.register(connection, select.EPOLLIN)

    def _read(self, fd: int) -> None:
        """Small requests, one at a time, come in one piece."""
        try:
            data, notes, _, _ = self._connections[fd].recvmsg(_READ_BYTES, socket.CMSG_SPACE(_TIMESPEC.size))
        except ConnectionResetError:
            data, notes = b"", []
        now = monotonic()
        if data.endswith(_END):
            asked = now - waited_s(notes)
            heapq.heappush(self._due, (now + next(self._delays), asked, fd))
        elif not data:
            self._epoll.unregister(fd)
            self._connections.pop(fd).close()
            # Its number may be given to the next connection.
            self._due = [due for due in self._due if due[2] != fd]
            heapq.heapify(self._due)

    def _answer(self, fd: int, asked: float) -> None:
        try:
            self._connections[fd].send(ANSWER)
        except (BrokenPipeError, ConnectionResetError):
            return  # the next read tells
        self._took_ms.append((monotonic() - asked) * 1000)

    def _report(self) -> str:
        took, self._took_ms = self._took_ms, []
        values = {f"p{percent}_ms": percentile(took, percent) if took else 0.0 for percent in (50, 99)}
        return json.dumps({"answered": len(took), **values})


def waited_s(notes: Sequence[tuple[int, int, bytes]]) -> float:
    """How long the kernel has had what `recvmsg` gave with ``notes``, in seconds."""
    for level, kind, data in notes:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            stamp: tuple[int, int] = _TIMESPEC.unpack(data)
            return max(0, time_ns() - stamp[0] * 1_000_000_000 - stamp[1]) / 1e9
    return 0.0


def main() -> None:
    server = DelayServer(cycle_of(sys.argv[1:]))
    try:
        print(server.address, flush=True)
        for report in server.run(sys.stdin.fileno()):
            print(report, flush=True)
    finally:
        server.close()


if __name__ == "__main__":
    main()
