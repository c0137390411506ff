"""Pushes or pulls parts of the pattern, one after the other by one stream; every byte is compared."""

from __future__ import annotations

import socket

from benchmarks.actors.assignment import Assignment
from benchmarks.actors.client import Client
from benchmarks.actors.messages import BULK_BYTES, PATTERN, PERIOD
from benchmarks.actors.reactor import IN, OUT
from benchmarks.actors.transfer_endpoint import ACKNOWLEDGEMENT, ASK, PULL, PUSH

__all__ = ["PART_BYTES", "PullClient", "PushClient"]

PART_BYTES = 16 * 1024 * 1024
"""Of one ask."""
_buffer = bytearray(BULK_BYTES)
_view = memoryview(_buffer)
_pattern = memoryview(PATTERN)


class _TransferClient(Client):
    way: bytes

    def __init__(self, assignment: Assignment) -> None:
        super().__init__(assignment)
        self._done_bytes = 0
        self._acknowledgement = b""

    def _open(self) -> socket.socket:
        sock = socket.create_connection(self._assignment.address, timeout=self.timeout_s)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _ask(self, sock: socket.socket) -> None:
        self._done_bytes = 0
        self._acknowledgement = b""
        sock.send(ASK.pack(self.way, PART_BYTES))

    def _count(self, size: int) -> None:
        self._since = self._reactor.now
        self._done_bytes += size
        self._assignment.tally.bytes += size


class PullClient(_TransferClient):
    """Compares what comes."""

    way = PULL

    def _ready(self, sock: socket.socket, events: int) -> None:
        size = sock.recv_into(_buffer)
        if not size:
            raise ValueError(f"the stream ended after {self._done_bytes} of {PART_BYTES} bytes")
        if not PATTERN.startswith(_view[:size], self._done_bytes % PERIOD):
            raise ValueError(f"a wrong byte behind byte {self._done_bytes}")
        self._count(size)
        if self._done_bytes > PART_BYTES:
            raise ValueError(f"{self._done_bytes - PART_BYTES} bytes that nobody asked for")
        if self._done_bytes == PART_BYTES:
            self._answered(sock)


class PushClient(_TransferClient):
    """The endpoint compares, and acknowledges."""

    way = PUSH
    events = OUT

    def _ask(self, sock: socket.socket) -> None:
        super()._ask(sock)
        self._reactor.change(sock.fileno(), OUT)

    def _ready(self, sock: socket.socket, events: int) -> None:
        if self._done_bytes < PART_BYTES:
            place = self._done_bytes % PERIOD
            size = min(BULK_BYTES, PART_BYTES - self._done_bytes)
            self._count(sock.send(_pattern[place : place + size]))
            if self._done_bytes == PART_BYTES:
                self._reactor.change(sock.fileno(), IN)
            return
        data = sock.recv(ACKNOWLEDGEMENT.size)
        self._acknowledgement += data
        if not data or len(self._acknowledgement) > ACKNOWLEDGEMENT.size:
            raise ValueError(f"the stream ended before {PART_BYTES} bytes were acknowledged")
        if self._acknowledgement == ACKNOWLEDGEMENT.pack(PART_BYTES):
            self._answered(sock)
