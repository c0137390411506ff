"""Asks over HTTP, one request at a time, and compares each answer byte by byte."""

from __future__ import annotations

import errno
import os
import socket

from benchmarks.actors.assignment import Assignment
from benchmarks.actors.client import Client
from benchmarks.actors.messages import answer, request, token
from benchmarks.actors.reactor import IN, OUT

__all__ = ["HttpClient"]

_READ_BYTES = 4096


class HttpClient(Client):
    """Keeps its connection, or with ``closes`` lets the backend end it behind each answer (RFC 9112)."""

    def __init__(self, assignment: Assignment, number: int, *, closes: bool = False) -> None:
        super().__init__(assignment)
        self._number = number
        self._closes = closes
        self._count = 0
        self._request = self._expected = self._received = b""

    def _open(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        code = sock.connect_ex(self._assignment.address)
        if code not in (0, errno.EINPROGRESS):
            sock.close()
            raise OSError(code, os.strerror(code))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _ask(self, sock: socket.socket) -> None:
        self._count += 1
        name = token(self._number, self._count)
        self._request = request(name, closes=self._closes)
        self._expected = answer(name, closes=self._closes)
        self._received = b""
        self._send(sock)

    def _send(self, sock: socket.socket) -> None:
        try:
            # Over loopback the handshake is over by now, most times.
            sock.send(self._request)
        except BlockingIOError:
            self._reactor.change(sock.fileno(), OUT)

    def _ready(self, sock: socket.socket, events: int) -> None:
        if events & OUT:
            self._reactor.change(sock.fileno(), IN)
            self._send(sock)
            return
        data = sock.recv(_READ_BYTES)
        received = self._received = self._received + data if self._received else data
        if not data:
            if not self._closes or received != self._expected:
                raise ValueError("the connection ended before its answer")
            self._answered(sock, over=True)
        elif not self._closes and received == self._expected:
            self._answered(sock)
        elif not self._expected.startswith(received):
            raise ValueError(f"{received!r} is no answer to {self._request!r}")
