"""Connections whose server ends them behind an answer: they are left to it for a moment.

Whoever closes first keeps the pair of ports for a minute (TIME-WAIT, RFC 9293, 3.6.1). If that were always
this side, a load of new connections would run out of ports at some hundred a second.
"""

from __future__ import annotations

import os
from _socket import socket as Socket

from userproxy.load.reactor import Reactor

__all__ = ["MOST", "Farewells"]

WAIT_NS = 1_000_000_000
MOST = 256
"""The oldest is closed for one more."""


class Farewells:
    """Owns the sockets that it is given until it has closed them."""

    __slots__ = ("_reactor", "_since_ns", "_sockets")

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._sockets: dict[int, Socket] = {}
        """By descriptor, in the order in which they came."""
        self._since_ns: dict[int, int] = {}

    def take(self, sock: Socket, now_ns: int) -> None:
        """A socket that the reactor watches, whose answer is read to its end."""
        fd = sock.fileno()
        self._sockets[fd] = sock
        self._since_ns[fd] = now_ns
        self._reactor.hand_over(fd, lambda _: self._ready(fd))
        if len(self._sockets) > MOST:
            self._close(next(iter(self._sockets)))

    def _ready(self, fd: int) -> None:
        """The end has come, or an error, or bytes that nobody asked for: it is over in any case."""
        try:
            os.read(fd, 1)
        except BlockingIOError:
            return
        except OSError:  # reset: it is gone as well
            pass
        self._close(fd)

    def expire(self, now_ns: int) -> None:
        """Close what the server has not closed within a second."""
        while self._sockets:
            fd = next(iter(self._sockets))
            if now_ns - self._since_ns[fd] <= WAIT_NS:
                return
            self._close(fd)

    def close(self) -> None:
        """Close all."""
        for fd in tuple(self._sockets):
            self._close(fd)

    def _close(self, fd: int) -> None:
        del self._since_ns[fd]
        self._reactor.close_later(self._sockets.pop(fd))
