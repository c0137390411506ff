"""Answers each request with its token, and closes where the request asks for it."""

from __future__ import annotations

import socket

from benchmarks.actors.messages import TOKEN_BYTES, answer
from benchmarks.actors.reactor import Reactor

__all__ = ["HttpEndpoint"]

_BACKLOG = 4096
_ACCEPTS = 64
_READ_BYTES = 16 * 1024
_TOKEN = slice(len(b"GET /"), len(b"GET /") + TOKEN_BYTES)
_END = b"\r\n\r\n"
_CLOSE = b"Connection: close"


class HttpEndpoint:
    """Owns a listener on 127.0.0.1 and the connections that come by it; `close` cuts those."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._connections: set[_Connection] = set()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(_BACKLOG)
        self.address: tuple[str, int] = self._listener.getsockname()
        reactor.watch(self._listener.fileno(), self._accept)

    def close(self) -> None:
        self._reactor.forget(self._listener.fileno())
        self._listener.close()
        for connection in tuple(self._connections):
            connection.close()

    def _accept(self, _: int) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, _ = self._listener.accept()
            except OSError:  # nobody is left, or gone again: the next event tells
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Connection(self._reactor, sock, self._connections)


class _Connection:
    def __init__(self, reactor: Reactor, sock: socket.socket, siblings: set[_Connection]) -> None:
        self._reactor = reactor
        self._sock = sock
        self._siblings = siblings
        self._received = b""
        siblings.add(self)
        reactor.watch(sock.fileno(), self._ready)

    def close(self) -> None:
        self._siblings.discard(self)
        self._reactor.forget(self._sock.fileno())
        self._sock.close()

    def _ready(self, _: int) -> None:
        try:
            data = self._sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:  # reset: the client counts what it misses
            data = b""
        if not data:
            self.close()
            return
        if self._received:
            data = self._received + data
        *requests, self._received = data.split(_END)
        for request in requests:
            closes = _CLOSE in request
            try:
                # A client waits for its answer before it asks again: there is always room for one.
                self._sock.send(answer(request[_TOKEN], closes=closes))
            except OSError:
                closes = True
            if closes:
                self.close()
                return
