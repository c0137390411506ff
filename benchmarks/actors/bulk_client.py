"""Sends the pattern as fast as it is taken, and compares the length that the backend saw."""

from __future__ import annotations

import socket

from benchmarks.actors.assignment import Assignment
from benchmarks.actors.client import Client
from benchmarks.actors.messages import BULK_BYTES, PATTERN, PERIOD
from benchmarks.actors.reactor import IN, OUT

__all__ = ["BulkClient"]

_pattern = memoryview(PATTERN)


class BulkClient(Client):
    """One stream, which ends with the assignment."""

    events = OUT

    def __init__(self, assignment: Assignment) -> None:
        super().__init__(assignment)
        self._sent_bytes = 0
        self._shut = False
        self._received = b""

    def _open(self) -> socket.socket:
        sock = socket.create_connection(self._assignment.address, timeout=self.timeout_s)
        sock.setblocking(False)
        return sock

    def _ask(self, sock: socket.socket) -> None:
        self._sent_bytes = 0
        self._shut = False
        self._received = b""

    def _ready(self, sock: socket.socket, events: int) -> None:
        self._since = self._reactor.now
        if self._shut:
            self._read_length(sock)
        elif self._assignment.ending:
            sock.shutdown(socket.SHUT_WR)
            self._shut = True
            self._reactor.change(sock.fileno(), IN)
        else:
            position = self._sent_bytes % PERIOD
            sent = sock.send(_pattern[position : position + BULK_BYTES])
            self._sent_bytes += sent
            self._assignment.tally.bytes += sent

    def _read_length(self, sock: socket.socket) -> None:
        data = sock.recv(64)
        self._received += data
        if not data:
            if self._received != b"%d\n" % self._sent_bytes:
                raise ValueError(f"{self._sent_bytes} bytes sent, the backend says {self._received!r}")
            self._answered(sock, over=True)
