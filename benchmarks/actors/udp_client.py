"""Asks by datagrams, one at a time, and compares each answer byte by byte."""

from __future__ import annotations

import socket

from benchmarks.actors.assignment import Assignment
from benchmarks.actors.client import Client
from benchmarks.actors.messages import token

__all__ = ["DATAGRAM_BYTES", "UdpClient"]

DATAGRAM_BYTES = 64
_FILLER = b"." * DATAGRAM_BYTES


class UdpClient(Client):
    """One socket, so one flow; a flow whose datagram is not answered is left."""

    timeout_s = 2.0

    def __init__(self, assignment: Assignment, number: int) -> None:
        super().__init__(assignment)
        self._number = number
        self._count = 0
        self._datagram = b""

    def _open(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            if self._assignment.distinct_sources:
                sock.bind((self._assignment.source(), 0))
            sock.connect(self._assignment.address)
        except OSError:
            sock.close()
            raise
        return sock

    def _ask(self, sock: socket.socket) -> None:
        self._count += 1
        self._datagram = (token(self._number, self._count) + _FILLER)[:DATAGRAM_BYTES]
        sock.send(self._datagram)

    def _ready(self, sock: socket.socket, events: int) -> None:
        received = sock.recv(65536)
        if received != self._datagram:
            raise ValueError(f"{received!r} is no answer to {self._datagram!r}")
        self._answered(sock)
