"""Clients and endpoint in one thread: each step is taken by all before the next, while the proxy is held.

So it meets the same batches of events in every run, and the count depends on the code alone.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from benchmarks.actors.messages import answer, request, token
from benchmarks.errors import BenchmarkError

__all__ = ["CLIENTS", "Lockstep", "Pairs"]

CLIENTS = 64
LIMIT_S = 60.0
_READ_BYTES = 4096
_NAME = slice(len(b"GET /"), len(b"GET /") + len(token(0, 0)))


class Lockstep:
    """Owns the endpoint's listener, whose address is ``endpoint``. Its calls block: for a thread."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=CLIENTS)
        self._listener.settimeout(LIMIT_S)
        self.endpoint = "{}:{}".format(*self._listener.getsockname())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.close()

    def pairs(self, address: str, hold: Callable[[bool], None]) -> Pairs:
        """Connected through the proxy at ``address``; each has asked and was answered once."""
        return Pairs(address, self._listener, hold)

    def connections(self, address: str, hold: Callable[[bool], None], times: int) -> int:
        """``times`` over, all connect, ask once, and are closed by the endpoint; how many they were."""
        for _ in range(times):
            self.pairs(address, hold).close()
        return times * CLIENTS


class Pairs:
    """So many connections through the proxy. Raises BenchmarkError for wrong bytes, or for none."""

    def __init__(self, address: str, listener: socket.socket, hold: Callable[[bool], None]) -> None:
        self._sockets = ExitStack()
        self._hold = hold
        host, _, port = address.rpartition(":")
        try:
            with self._held():
                self._clients = [self._connect(host, int(port)) for _ in range(CLIENTS)]
                self._ask(0)
            self._endpoints = [self._own(listener.accept()[0]) for _ in range(CLIENTS)]
            self._answer(0)
        except OSError as error:
            self._sockets.close()
            raise BenchmarkError(f"a connection failed: {error}") from error

    def requests(self, times: int) -> int:
        """All ask and are answered, ``times`` over; how many answers there were."""
        for number in range(times):
            with self._held():
                self._ask(number)
            self._answer(number)
        return times * CLIENTS

    def close(self) -> None:
        """The endpoint ends every connection, and then the clients do."""
        with self._sockets:
            with self._held():
                for endpoint in self._endpoints:
                    endpoint.shutdown(socket.SHUT_WR)
            for client in self._clients:
                if client.recv(_READ_BYTES):
                    raise BenchmarkError("a client received more than its answer")
            with self._held():
                for client in self._clients:
                    client.close()
            for endpoint in self._endpoints:
                if endpoint.recv(_READ_BYTES):
                    raise BenchmarkError("the endpoint received more than it was asked")

    @contextmanager
    def _held(self) -> Iterator[None]:
        self._hold(True)
        try:
            yield
        finally:
            self._hold(False)

    def _connect(self, host: str, port: int) -> socket.socket:
        return self._own(socket.create_connection((host, port), timeout=LIMIT_S))

    def _own(self, sock: socket.socket) -> socket.socket:
        sock.settimeout(LIMIT_S)
        return self._sockets.enter_context(sock)

    def _ask(self, number: int) -> None:
        for index, client in enumerate(self._clients):
            client.sendall(request(token(index, number), closes=False))

    def _answer(self, number: int) -> None:
        size = len(request(token(0, 0), closes=False))
        names = [_exactly(endpoint, size)[_NAME] for endpoint in self._endpoints]
        with self._held():
            for endpoint, name in zip(self._endpoints, names, strict=True):
                endpoint.sendall(answer(name, closes=False))
        for index, client in enumerate(self._clients):
            expected = answer(token(index, number), closes=False)
            if _exactly(client, len(expected)) != expected:
                raise BenchmarkError("a client received another one's answer")


def _exactly(sock: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = sock.recv(size - len(received))
        if not part:
            raise BenchmarkError("a connection ended in the middle")
        received += part
    return received
