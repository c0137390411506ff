"""Many UDP clients behind one socket: each has a source address of its own, and numbers its datagrams.

The socket is bound to every address. ``IP_PKTINFO`` (ip(7)) states which one a datagram leaves from, and
tells which one an answer came to; all of 127.0.0.0/8 belongs to this host, so nothing has to be set up.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator

from benchmarks.actors.udp_sequences import Sequences
from userproxy.dataplane.udp_vectors import (
    CONTROL,
    CONTROL_BYTES,
    HEADER_WORDS,
    NAME,
    NAME_BYTES,
    PART_COUNT,
    PART_WORDS,
    PARTS,
    SIZE,
    Words,
    errno_now,
    vector_calls,
)

__all__ = ["BATCH", "FIRST_SOURCE", "HEADS", "IP_PKTINFO", "MAX_FLOWS", "MIN_BYTES", "Crowd"]

BATCH = 64
"""Datagrams sent or received by one call."""
MIN_BYTES = 8
"""A datagram begins with its flow and its number, 32 bits each."""
MAX_FLOWS = 1 << 16
FIRST_SOURCE = 0x7F40_0000
"""127.64.0.0"""
_BUFFER_BYTES = 1 << 22
IP_PKTINFO = 8
"""``linux/in.h``; Python's socket module has no name for it before 3.14."""
_INFO = struct.Struct("=QiiI4s4s4x")
"""``cmsghdr`` and ``in_pktinfo``: length, level, type; interface, source, destination."""
HEADS = struct.Struct("=II")
"""What a datagram begins with."""


class Crowd:
    """``flows`` clients of one IPv4 address. Owns the socket."""

    def __init__(self, address: tuple[str, int], flows: int, size_bytes: int, run: int = 1) -> None:
        """``run`` datagrams of a client leave one behind the other, before the next client has its turn."""
        calls = vector_calls()
        if calls is None:
            raise OSError(errno.ENOSYS, "this load needs recvmmsg and sendmmsg of 64-bit Linux")
        self._calls = calls
        self._size = size_bytes
        self.filler = bytes(index % 251 for index in range(size_bytes - MIN_BYTES))
        """What follows the head of each."""
        self.sequences = Sequences(flows)
        self.corrupted = 0
        """Answers that are no datagram of ours."""
        self.misdelivered = 0
        """Answers that came to another client."""
        self._turns = _turns(flows, run)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        self.sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self.sock.bind(("0.0.0.0", 0))
        self.fd = self.sock.fileno()
        self._lay_out_sending(address)
        self._lay_out_receiving()

    def _lay_out_sending(self, address: tuple[str, int]) -> None:
        """Each message: a head of its own, and the filler that all share."""
        host, port = address
        name = struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(host)
        self._target = ctypes.create_string_buffer(name, 16)
        self._shared = ctypes.create_string_buffer(self.filler, max(1, len(self.filler)))
        self._heads = Words(BATCH)
        self._infos = ctypes.create_string_buffer(
            _INFO.pack(28, socket.IPPROTO_IP, IP_PKTINFO, 0, bytes(4), bytes(4)) * BATCH, _INFO.size * BATCH
        )
        self._sources = memoryview(self._infos).cast("B").cast("I")
        self._out_parts = Words(2 * PART_WORDS * BATCH)
        self._out = Words(HEADER_WORDS * BATCH)
        for number in range(BATCH):
            self._out_parts.view[2 * PART_WORDS * number : 2 * PART_WORDS * (number + 1)] = memoryview(
                struct.pack(
                    "=4Q",
                    self._heads.address + 8 * number,
                    MIN_BYTES,
                    ctypes.addressof(self._shared),
                    len(self.filler),
                )
            ).cast("Q")
            header = HEADER_WORDS * number
            self._out.view[header + NAME] = ctypes.addressof(self._target)
            self._out.view[header + NAME_BYTES] = 16
            self._out.view[header + PARTS] = self._out_parts.address + 8 * 2 * PART_WORDS * number
            self._out.view[header + PART_COUNT] = 2
            self._out.view[header + CONTROL] = ctypes.addressof(self._infos) + _INFO.size * number
            self._out.view[header + CONTROL_BYTES] = _INFO.size

    def _lay_out_receiving(self) -> None:
        """One byte more than is sent, so that a longer answer is noticed."""
        self._room = self._size + 1
        self._memory = bytearray(BATCH * self._room)
        self._buffers = (ctypes.c_char * len(self._memory)).from_buffer(self._memory)
        self._in_infos = ctypes.create_string_buffer(_INFO.size * BATCH)
        self._in_parts = Words(PART_WORDS * BATCH)
        self._in = Words(HEADER_WORDS * BATCH)
        for number in range(BATCH):
            self._in_parts.view[PART_WORDS * number] = ctypes.addressof(self._buffers) + self._room * number
            self._in_parts.view[PART_WORDS * number + 1] = self._room
            header = HEADER_WORDS * number
            self._in.view[header + PARTS] = self._in_parts.address + 8 * PART_WORDS * number
            self._in.view[header + PART_COUNT] = 1
            self._in.view[header + CONTROL] = ctypes.addressof(self._in_infos) + _INFO.size * number
            self._in.view[header + CONTROL_BYTES] = _INFO.size
        self._receive_at, self._send_at = self._in.at(0), self._out.at(0)

    def send(self, count: int) -> int:
        """Send up to ``count`` datagrams, at most BATCH; how many the kernel took."""
        sequences, heads, sources = self.sequences, self._heads.view, self._sources
        flows = [next(self._turns) for _ in range(min(count, BATCH))]
        for index, flow in enumerate(flows):
            heads[index] = flow | sequences.number(flow) << 32
            sources[8 * index + 5] = socket.htonl(FIRST_SOURCE + flow)
        sent = max(0, self._calls.send(self.fd, self._send_at, len(flows), socket.MSG_DONTWAIT))
        for flow in reversed(flows[sent:]):
            sequences.unsent(flow)
        return sent

    def receive(self) -> int:
        """Take in the answers that have come, at most BATCH; how many that were. Raises OSError."""
        count = self._calls.receive(self.fd, self._receive_at, BATCH, socket.MSG_DONTWAIT, None)
        if count < 0:
            code = errno_now()
            if code == errno.EAGAIN:
                return 0
            raise OSError(code, os.strerror(code))
        sizes = self._in.view[SIZE : HEADER_WORDS * count : HEADER_WORDS].tolist()
        came, memory, room, filler = self.sequences.came, self._memory, self._room, self.filler
        for index, size in enumerate(sizes):
            start = room * index
            if size != self._size or memory[start + MIN_BYTES : start + size] != filler:
                self.corrupted += 1
                continue
            flow, number = HEADS.unpack_from(memory, start)
            destination = _INFO.unpack_from(self._in_infos, _INFO.size * index)[5]
            if int.from_bytes(destination, "big") != FIRST_SOURCE + flow:
                self.misdelivered += 1
            else:
                came(flow, number)
        return count

    def close(self) -> None:
        self.sock.close()


def _turns(flows: int, run: int) -> Iterator[int]:
    """Which client sends next."""
    while True:
        for flow in range(flows):
            for _ in range(run):
                yield flow
