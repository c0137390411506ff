"""Datagrams by the batch: recvmmsg(2), sendmmsg(2), and UDP_SEGMENT (udp(7)) for runs of one size.

Nothing is allocated for a datagram but what the key of its client takes. A batch from clients is forwarded
before the next one is read; answers of many flows are gathered, and leave together.
"""

from __future__ import annotations

import ctypes
import errno
import operator
import os
import socket
import struct
from _socket import socket as Socket
from collections.abc import Sequence

from userproxy.dataplane.udp_answers import MmsgAnswers
from userproxy.dataplane.udp_batching import Batching, Run
from userproxy.dataplane.udp_clients import Address, Client, sockaddr_of
from userproxy.dataplane.udp_plain import PLAIN
from userproxy.dataplane.udp_slots import (
    BATCH,
    LEAST_SEGMENTS,
    Messages,
    Slots,
    equal_run,
    headers_over,
    parts_of,
    segments_work,
)
from userproxy.dataplane.udp_vectors import (
    HEADER_WORDS,
    NAME,
    NAME_BYTES,
    SIZE,
    VectorCalls,
    errno_now,
    vector_calls,
)

__all__ = ["MmsgArrivals", "best_batching", "mmsg"]

_NOW = socket.MSG_DONTWAIT
_NAME_BYTES = {socket.AF_INET: 16, socket.AF_INET6: 28}
"""``sockaddr_in`` and ``sockaddr_in6``."""


def mmsg() -> Batching | None:
    """None where the platform has no such calls."""
    calls = vector_calls()
    if calls is None:
        return None
    segments = segments_work(calls)
    return Batching(
        "mmsg",
        lambda: MmsgArrivals(calls, segments=segments),
        lambda: MmsgAnswers(calls, segments=segments),
    )


def best_batching() -> Batching:
    """What this platform has."""
    return mmsg() or PLAIN


class _Names:
    """Headers that also take the address of each sender, in one family."""

    __slots__ = ("_forms", "_memory", "at", "words")

    def __init__(self, slots: Slots, name_bytes: int) -> None:
        parts = parts_of(slots)
        self._memory = (ctypes.create_string_buffer(name_bytes * slots.count), parts)
        headers = headers_over(parts)
        for slot in range(slots.count):
            header = HEADER_WORDS * slot
            headers.view[header + NAME] = ctypes.addressof(self._memory[0]) + name_bytes * slot
            headers.view[header + NAME_BYTES] = name_bytes  # the kernel writes back the same
        self._forms = [struct.Struct(f"{name_bytes}s" * count) for count in range(slots.count + 1)]
        self.words = headers
        self.at = headers.at(0)

    def names(self, count: int) -> tuple[bytes, ...]:
        return self._forms[count].unpack_from(self._memory[0])


class MmsgArrivals:
    """A batch is up to 64 datagrams."""

    __slots__ = (
        "_calls", "_lengths", "_messages", "_names", "_segments", "_slots", "datagrams", "most", "sizes",
    )  # fmt: skip

    def __init__(self, calls: VectorCalls, *, segments: bool = True) -> None:
        """``segments``: the kernel knows them (`segments_work`)."""
        self._segments = segments
        self.most = BATCH
        self.sizes: list[int] = []
        self._calls = calls
        self._slots = Slots(BATCH)
        self.datagrams = self._slots.views.copy()
        self._lengths = list(map(len, self.datagrams))
        """Of those, which `_cut` may have to change."""
        self._messages = Messages(self._slots)
        self._names: dict[int, _Names] = {}

    def receive(self, sock: Socket) -> Sequence[Run]:
        names = self._names.get(sock.family)
        if names is None:
            names = self._names[sock.family] = _Names(
                self._slots, _NAME_BYTES[socket.AddressFamily(sock.family)]
            )
        count = self._calls.receive(sock.fileno(), names.at, BATCH, _NOW, None)
        if count < 0:
            code = errno_now()
            if code == errno.EAGAIN:
                return ()
            raise OSError(code, os.strerror(code))
        self.sizes = names.words.view[SIZE : HEADER_WORDS * count : HEADER_WORDS].tolist()
        self._cut()
        return _runs(names.names(count))

    def _cut(self) -> None:
        """To the sizes that came; where the batch before had the same, nothing is to be done."""
        sizes = self.sizes
        count = len(sizes)
        if self._lengths[:count] != sizes:
            self._lengths[:count] = sizes
            views = self._slots.views[:count]
            self.datagrams[:count] = [view[:size] for view, size in zip(views, sizes, strict=True)]

    def client(self, address: Address) -> Client:
        return sockaddr_of(address)

    def send(self, sock: Socket, first: int, end: int, *, segments: bool) -> tuple[int, int]:
        """One message of segments, so that its error is told; or those up to the next of one size."""
        sizes, messages = self.sizes, self._messages
        segments = segments and self._segments
        messages.clear()
        index = first
        while index < end:
            last = equal_run(sizes, index, end) if segments else index + 1
            if last - index >= LEAST_SEGMENTS:
                if index == first:
                    messages.add_segments(first, last, sizes[first])
                    index = last
                break
            messages.add(index, sizes[index])
            index += 1
        done = self._calls.send(sock.fileno(), messages.at[0], messages.count, _NOW)
        if done < 0:
            code = errno_now()
            raise OSError(code, os.strerror(code))
        return (index if done == messages.count else first + done), index


def _runs(names: tuple[bytes, ...]) -> list[Run]:
    count = len(names)
    if not any(map(operator.eq, names, names[1:])):
        return list(zip(names, range(count), range(1, count + 1), strict=True))
    runs: list[Run] = []
    first = 0
    client = names[0]
    for index, name in enumerate(names):
        if name != client:
            runs.append((client, first, index))
            client, first = name, index
    runs.append((client, first, count))
    return runs
