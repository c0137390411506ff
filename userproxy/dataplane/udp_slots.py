"""Memory for a batch of datagrams, and the messages that carry them out of it."""

from __future__ import annotations

import ctypes
import functools
import mmap
import socket
from array import array
from collections.abc import Sequence

from userproxy.dataplane.udp_batching import DATAGRAM_BYTES
from userproxy.dataplane.udp_vectors import (
    CONTROL,
    CONTROL_BYTES,
    HEADER_WORDS,
    NAME_BYTES,
    PART_COUNT,
    PART_WORDS,
    PARTS,
    VectorCalls,
    Words,
)

__all__ = [
    "BATCH",
    "LEAST_SEGMENTS",
    "UDP_SEGMENT",
    "Messages",
    "Slots",
    "equal_run",
    "headers_over",
    "parts_of",
    "segments_work",
]

BATCH = 64
"""Datagrams that are received or sent by one call."""
LEAST_SEGMENTS = 2
"""Of one message; a single datagram is sent as it is."""
MOST_SEGMENTS = 64
"""Of one message (UDP_MAX_SEGMENTS of Linux 4.18; later ones take more)."""
MOST_SEGMENTED_BYTES = 65_000
"""Of one message that the kernel cuts; with all headers it has to fit into 65,535 (RFC 791)."""
SEGMENTS_LIMIT_S = 0.1
"""For two datagrams on loopback, where the first try tells."""
UDP_SEGMENT = 103
"""``linux/udp.h``; Python's socket module has no name for it."""
_CONTROL_WORDS = 3
_LENGTH = 18
"""CMSG_LEN of the 16 bits that are the size of a segment (cmsg(3), udp(7))."""


class Slots:
    """Places of DATAGRAM_BYTES in one mapping: a page that no datagram ever touched takes no memory."""

    __slots__ = ("_mapping", "count", "starts", "views")

    def __init__(self, count: int) -> None:
        self.count = count
        self._mapping = mmap.mmap(-1, count * DATAGRAM_BYTES)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._mapping))
        whole = memoryview(self._mapping)
        self.starts = [start + DATAGRAM_BYTES * slot for slot in range(count)]
        self.views = [whole[DATAGRAM_BYTES * slot :][:DATAGRAM_BYTES] for slot in range(count)]


def parts_of(slots: Slots) -> Words:
    """An ``iovec`` over each slot, all of it."""
    parts = Words(PART_WORDS * slots.count)
    for slot, start in enumerate(slots.starts):
        parts.view[PART_WORDS * slot] = start
        parts.view[PART_WORDS * slot + 1] = DATAGRAM_BYTES
    return parts


def headers_over(parts: Words) -> Words:
    """A message of one part for each slot."""
    count = len(parts.view) // PART_WORDS
    headers = Words(HEADER_WORDS * count)
    for slot in range(count):
        headers.view[HEADER_WORDS * slot + PARTS] = parts.address + 8 * PART_WORDS * slot
        headers.view[HEADER_WORDS * slot + PART_COUNT] = 1
    return headers


class Messages:
    """What sendmmsg is to send: each message is one slot, or several of one size that leave as segments.

    As long as message n is slot n and nothing more, its header stays as it is, save for the name.
    """

    __slots__ = (
        "_controls", "_headers", "_lengths", "_name_bytes", "_parts", "_reshaped", "_words", "at", "count",
    )  # fmt: skip

    def __init__(self, slots: Slots) -> None:
        self._parts = parts_of(slots)
        self._lengths = self._parts.view
        self._headers = headers_over(self._parts)
        self._words = self._headers.view
        self._controls = Words(_CONTROL_WORDS * slots.count)
        for message in range(slots.count):
            control = _CONTROL_WORDS * message
            self._controls.view[control] = _LENGTH
            self._controls.view[control + 1] = socket.IPPROTO_UDP | UDP_SEGMENT << 32
            self._words[HEADER_WORDS * message + CONTROL] = self._controls.address + 8 * control
        self.at = [self._headers.at(HEADER_WORDS * message) for message in range(slots.count)]
        self.count = 0
        """Messages that were added since `clear`."""
        self._reshaped = False
        self._name_bytes = 0

    def clear(self, name_bytes: int = 0) -> None:
        """Begin anew; ``name_bytes`` is the size of the ``sockaddr`` that each message goes to."""
        if self._reshaped:
            for message in range(self.count):
                self._shape(message, message, 1, 0)
            self._reshaped = False
        self.count = 0
        if name_bytes != self._name_bytes:
            self._name_bytes = name_bytes
            for message in range(len(self.at)):
                self._words[HEADER_WORDS * message + NAME_BYTES] = name_bytes

    def add(self, slot: int, size: int, name: int = 0) -> None:
        """A datagram; ``name`` is where the ``sockaddr`` lies."""
        count = self.count
        self._lengths[2 * slot + 1] = size
        self._words[HEADER_WORDS * count] = name
        if slot != count:
            self._shape(count, slot, 1, 0)
        self.count = count + 1

    def add_all(self, first: int, sizes: Sequence[int], names: Sequence[int]) -> None:
        """`add` for slots one behind the other, from ``first``."""
        count = self.count
        if first != count or len(sizes) == 1:
            for slot, (size, name) in enumerate(zip(sizes, names, strict=True), first):
                self.add(slot, size, name)
            return
        end = self.count = count + len(sizes)
        # Strided, from arrays: a fifth of the time of one word after the other.
        self._lengths[2 * count + 1 : 2 * end : 2] = memoryview(array("Q", sizes))
        self._words[HEADER_WORDS * count : HEADER_WORDS * end : HEADER_WORDS] = memoryview(array("Q", names))

    def add_segments(self, first: int, end: int, size: int, name: int = 0) -> None:
        """Datagrams of one size."""
        self._lengths[2 * first + 1 : 2 * end : 2] = memoryview(array("Q", [size]) * (end - first))
        self._words[HEADER_WORDS * self.count] = name
        self._controls.view[_CONTROL_WORDS * self.count + 2] = size
        self._shape(self.count, first, end - first, 8 * _CONTROL_WORDS)
        self.count += 1

    def slots_of(self, message: int) -> range:
        """Which slots it carries."""
        header = HEADER_WORDS * message
        first = (self._words[header + PARTS] - self._parts.address) // 16
        return range(first, first + self._words[header + PART_COUNT])

    def size_of(self, slot: int) -> int:
        """Of a slot that was added."""
        return self._lengths[2 * slot + 1]

    def _shape(self, message: int, slot: int, parts: int, control_bytes: int) -> None:
        self._reshaped = True
        words = self._words
        header = HEADER_WORDS * message
        words[header + PARTS] = self._parts.address + 16 * slot
        words[header + PART_COUNT] = parts
        words[header + CONTROL_BYTES] = control_bytes


@functools.cache
def segments_work(calls: VectorCalls) -> bool:
    """Whether the kernel cuts a message into segments.

    Linux before 4.18, or something that only looks like Linux, may send it whole.
    """
    slots = Slots(2)
    for view, byte in zip(slots.views, (b"1", b"2"), strict=True):
        view[:1] = byte
    messages = Messages(slots)
    messages.add_segments(0, 2, 1)
    try:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            receiver.bind(("127.0.0.1", 0))
            receiver.settimeout(SEGMENTS_LIMIT_S)
            sender.connect(receiver.getsockname())
            done = calls.send(sender.fileno(), messages.at[0], 1, socket.MSG_DONTWAIT)
            return done == 1 and [receiver.recv(8) for _ in range(2)] == [b"1", b"2"]
    except OSError:
        return False


def equal_run(sizes: Sequence[int], first: int, end: int) -> int:
    """Where the datagrams end that may leave as segments of one message with the first one."""
    size = sizes[first]
    if not size:  # a message of nothing has no segments
        return first + 1
    last = min(end, first + MOST_SEGMENTS, first + max(1, MOST_SEGMENTED_BYTES // size))
    if sizes[last - 1] == size and sizes[first:last].count(size) == last - first:
        return last
    index = first + 1
    while sizes[index] == size:
        index += 1
    return index
