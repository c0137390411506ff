"""Sends each datagram back to where it came from, in batches, so that the proxy is what takes the time."""

from __future__ import annotations

import ctypes
import mmap
import socket

from benchmarks.actors.reactor import Reactor
from userproxy.dataplane.udp_vectors import (
    HEADER_WORDS,
    NAME,
    NAME_BYTES,
    PART_COUNT,
    PART_WORDS,
    PARTS,
    SIZE,
    VectorCalls,
    Words,
    vector_calls,
)

__all__ = ["UdpEndpoint"]

_DATAGRAMS = 64
_LARGEST = 65536
_ADDRESS_BYTES = 16
"""``sockaddr_in``."""
RECEIVE_BUFFER_BYTES = 1 << 22


class UdpEndpoint:
    """Owns one socket on 127.0.0.1."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._sock.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._sock.getsockname()
        calls = vector_calls()
        self._batch = None if calls is None else _Batch(calls)
        reactor.watch(self._sock.fileno(), self._ready)

    def close(self) -> None:
        self._reactor.forget(self._sock.fileno())
        self._sock.close()

    def _ready(self, _: int) -> None:
        if self._batch is not None:
            self._batch.echo(self._sock.fileno())
            return
        for _ in range(_DATAGRAMS):
            try:
                data, client = self._sock.recvfrom(_LARGEST)
                self._sock.sendto(data, client)
            except BlockingIOError:
                return
            except OSError:  # nobody there any more; the client counts what it misses
                continue


class _Batch:
    """Room for a batch: what recvmmsg fills in, names with it, is what sendmmsg reads."""

    def __init__(self, calls: VectorCalls) -> None:
        self._calls = calls
        self._memory = mmap.mmap(-1, _DATAGRAMS * _LARGEST)
        memory = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._names = ctypes.create_string_buffer(_DATAGRAMS * _ADDRESS_BYTES)
        self._parts = Words(PART_WORDS * _DATAGRAMS)
        self._headers = Words(HEADER_WORDS * _DATAGRAMS)
        for number in range(_DATAGRAMS):
            header = HEADER_WORDS * number
            self._headers.view[header + NAME] = ctypes.addressof(self._names) + _ADDRESS_BYTES * number
            self._headers.view[header + NAME_BYTES] = _ADDRESS_BYTES
            self._headers.view[header + PARTS] = self._parts.address + 8 * PART_WORDS * number
            self._headers.view[header + PART_COUNT] = 1
            self._parts.view[PART_WORDS * number] = memory + _LARGEST * number
            self._parts.view[PART_WORDS * number + 1] = _LARGEST
        self._at = [self._headers.at(HEADER_WORDS * number) for number in range(_DATAGRAMS)]

    def echo(self, fd: int) -> None:
        """Receive once, and send it all back."""
        count = self._calls.receive(fd, self._at[0], _DATAGRAMS, socket.MSG_DONTWAIT, None)
        if count < 1:
            return
        lengths = self._parts.view
        for number, size in enumerate(
            self._headers.view[SIZE : HEADER_WORDS * count : HEADER_WORDS].tolist()
        ):
            lengths[PART_WORDS * number + 1] = size
        sent = 0
        while sent < count:
            done = self._calls.send(fd, self._at[sent], count - sent, socket.MSG_DONTWAIT)
            sent += max(done, 1)  # one that cannot be sent is left out; the client counts what it misses
        for number in range(count):
            lengths[PART_WORDS * number + 1] = _LARGEST
