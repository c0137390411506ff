"""Sends each datagram back to where it came from."""

from __future__ import annotations

import socket

from benchmarks.actors.reactor import Reactor

__all__ = ["UdpEndpoint"]

_DATAGRAMS = 64
_LARGEST = 65536
RECEIVE_BUFFER_BYTES = 1 << 20


class UdpEndpoint:
    """Owns one socket on 127.0.0.1."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._sock.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._sock.getsockname()
        reactor.watch(self._sock.fileno(), self._ready)

    def close(self) -> None:
        self._reactor.forget(self._sock.fileno())
        self._sock.close()

    def _ready(self, _: int) -> None:
        for _ in range(_DATAGRAMS):
            try:
                data, client = self._sock.recvfrom(_LARGEST)
                self._sock.sendto(data, client)
            except BlockingIOError:
                return
            except OSError:  # nobody there any more; the client counts what it misses
                continue
