"""Connections that ask once, so that it is sure that they lead somewhere, and are silent from then on."""

from __future__ import annotations

import asyncio
import resource
import socket
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from benchmarks.actors.messages import answer, request, token
from benchmarks.errors import BenchmarkError

__all__ = ["Connections", "provide_descriptors"]

AT_ONCE = 64
LIMIT_S = 30.0
_READ_BYTES = 4096
_BESIDE = 200
"""Descriptors that a process has open beside its connections, generously."""


def provide_descriptors(connections: int) -> None:
    """See that this process and those that it starts may open enough: a proxy has two for each connection.

    Raises BenchmarkError when the hard limit does not allow that.
    """
    wanted = 2 * connections + _BESIDE
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise BenchmarkError(
            f"{connections} connections take a proxy {wanted} descriptors, and may have {hard} (ulimit -Hn)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Connections:
    """Owns its sockets until the end of its block."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._address = (host, int(port))
        self._sockets = ExitStack()
        self._made = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sockets.close()

    async def open(self, count: int) -> None:
        """So many more. Raises BenchmarkError when one of them fails, or gets a wrong answer."""
        for first in range(0, count, AT_ONCE):
            try:
                async with asyncio.timeout(LIMIT_S):
                    await asyncio.gather(*(self._open() for _ in range(first, min(count, first + AT_ONCE))))
            except TimeoutError:
                raise BenchmarkError(f"no answer within {LIMIT_S:g} s, of {self._made} connections") from None
            except OSError as error:
                raise BenchmarkError(f"connection {self._made} failed: {error.strerror or error}") from error

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        sock = self._sockets.enter_context(socket.socket())
        sock.setblocking(False)
        self._made += 1
        name = token(self._made % 1000, self._made)
        await loop.sock_connect(sock, self._address)
        await loop.sock_sendall(sock, request(name, closes=False))
        expected = answer(name, closes=False)
        received = b""
        while len(received) < len(expected):
            part = await loop.sock_recv(sock, _READ_BYTES)
            received += part
            if not part or not expected.startswith(received):
                raise BenchmarkError(f"{received!r} is no answer to {name!r}")
