"""Datagrams by the batch: recvmmsg(2), sendmmsg(2), and UDP_SEGMENT (udp(7)) for runs of one size.

Nothing is allocated for a datagram but what the key of its client takes. A batch from clients is forwarded
before the next one is read; answers of many flows are gathered, and leave together.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from _socket import socket as Socket
from collections.abc import Sequence

from userproxy.dataplane.engine import Engine
from userproxy.dataplane.udp_batching import Answering, Batching, Listening, Run
from userproxy.dataplane.udp_clients import Address, Client, address_of, sockaddr_of
from userproxy.dataplane.udp_plain import PLAIN
from userproxy.dataplane.udp_slots import Messages, Slots, equal_run, headers_over, parts_of, segments_work
from userproxy.dataplane.udp_vectors import (
    HEADER_WORDS,
    NAME,
    NAME_BYTES,
    SIZE,
    VectorCalls,
    errno_now,
    vector_calls,
)

__all__ = ["MmsgAnswers", "MmsgArrivals", "best_batching", "mmsg"]

BATCH = 64
ANSWERS_PER_TURN = 32
"""Of one flow; then other sockets have their turn."""
LEAST_SEGMENTS = 2
BURST_SIGNS = 4
"""Batches in a row in which a flow has an answer; then several are read at once, which costs more for one."""
_NOW = socket.MSG_DONTWAIT
_NAME_BYTES = {socket.AF_INET: 16, socket.AF_INET6: 28}
"""``sockaddr_in`` and ``sockaddr_in6``."""
_REFUSED_SEGMENTS = frozenset({errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.EOPNOTSUPP})


def mmsg() -> Batching | None:
    """None where the platform has no such calls."""
    calls = vector_calls()
    if calls is None:
        return None
    segments = segments_work(calls)
    return Batching(
        "mmsg",
        lambda: MmsgArrivals(calls, segments=segments),
        lambda engine: MmsgAnswers(calls, engine, segments=segments),
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

    __slots__ = ("_calls", "_messages", "_names", "_segments", "_slots", "most", "sizes")

    def __init__(self, calls: VectorCalls, *, segments: bool = True) -> None:
        """``segments``: the kernel knows them (`segments_work`)."""
        self._segments = segments
        self.most = BATCH
        self.sizes: list[int] = []
        self._calls = calls
        self._slots = Slots(BATCH)
        self._messages = Messages(self._slots)
        self._names: dict[int, _Names] = {}

    def receive(self, sock: Socket) -> Sequence[Run]:
        names = self._names.get(sock.family)
        if names is None:
            names = self._names[sock.family] = _Names(
                self._slots, _NAME_BYTES[socket.AddressFamily(sock.family)]
            )
        count = self._calls.receive(sock.fileno(), names.at, BATCH, _NOW, None)
        if count == 1:
            self.sizes = [names.words.view[SIZE]]
            return ((names.names(1)[0], 0, 1),)
        if count < 0:
            code = errno_now()
            if code == errno.EAGAIN:
                return ()
            raise OSError(code, os.strerror(code))
        self.sizes = names.words.view[SIZE : HEADER_WORDS * count : HEADER_WORDS].tolist()
        return _runs(names.names(count))

    def client(self, address: Address) -> Client:
        return sockaddr_of(address)

    def datagram(self, index: int) -> memoryview:
        return self._slots.views[index][: self.sizes[index]]

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
    if names.count(names[0]) == len(names):
        return [(names[0], 0, len(names))]
    runs: list[Run] = []
    first = 0
    client = names[0]
    for index, name in enumerate(names):
        if name != client:
            runs.append((client, first, index))
            client, first = name, index
    runs.append((client, first, len(names)))
    return runs


class MmsgAnswers:
    """Gathers the answers of the flows of one listener at a time."""

    __slots__ = (
        "_at", "_batch", "_calls", "_engine", "_filled", "_flows", "_headers", "_keeper", "_messages",
        "_segments", "_sizes", "_slots", "_views", "_waits",
    )  # fmt: skip

    def __init__(self, calls: VectorCalls, engine: Engine, *, segments: bool = True) -> None:
        """``segments``: as for `MmsgArrivals`."""
        self._segments = segments
        self._calls = calls
        self._engine = engine
        self._slots = Slots(BATCH + ANSWERS_PER_TURN)
        parts = parts_of(self._slots)
        headers = headers_over(parts)
        self._headers = (headers, parts)
        self._at = [headers.at(HEADER_WORDS * slot) for slot in range(self._slots.count)]
        self._sizes = headers.view[SIZE::HEADER_WORDS]
        self._messages = Messages(self._slots)
        self._views = self._slots.views
        self._flows: list[Answering] = []
        """Of each message."""
        self._keeper: Listening | None = None
        self._filled = 0
        self._waits = False
        self._batch = 0
        """The engine's batches in which there were answers."""

    def take(self, flow: Answering) -> bool:
        if flow.keeper is not self._keeper or self._filled > BATCH:
            self.flush()
            self._keeper = flow.keeper
            self._messages.clear(len(flow.client))
        if not self._waits:
            self._waits = True
            self._engine.after_batch(self._flush_batch)
        if flow.answers_in_bursts:
            return self._take_several(flow)
        slot = self._filled
        try:
            size = flow.sock.recv_into(self._views[slot])
        except BlockingIOError:
            return False
        if flow.seen_in == self._batch - 1:  # again and again: there may be more of them
            flow.seen_running += 1
            flow.answers_in_bursts = flow.seen_running >= BURST_SIGNS
        else:
            flow.seen_running = 0
        flow.seen_in = self._batch
        flow.answered(size)
        self._messages.add(slot, size, flow.client_pointer or _point_to(flow))
        self._flows.append(flow)
        self._filled = slot + 1
        return True

    def _take_several(self, flow: Answering) -> bool:
        slot = self._filled
        count = self._calls.receive(flow.sock.fileno(), self._at[slot], ANSWERS_PER_TURN, _NOW, None)
        if count < 0:
            code = errno_now()
            if code == errno.EAGAIN:
                return False
            raise OSError(code, os.strerror(code))
        if count == 1:
            flow.answers_in_bursts = False
            flow.seen_running = 0
        sizes = self._sizes[slot : slot + count].tolist()
        flow.answered(sum(sizes))
        self._gather(flow, slot, sizes)
        self._filled = slot + count
        return True

    def _gather(self, flow: Answering, slot: int, sizes: list[int]) -> None:
        name = flow.client_pointer or _point_to(flow)
        segments = self._segments and flow.segments_to_client
        index = 0
        while index < len(sizes):
            last = equal_run(sizes, index, len(sizes)) if segments else index + 1
            if last - index >= LEAST_SEGMENTS:
                self._messages.add_segments(slot + index, slot + last, sizes[index], name)
            else:
                last = index + 1
                self._messages.add(slot + index, sizes[index], name)
            self._flows.append(flow)
            index = last

    def _flush_batch(self) -> None:
        self._waits = False
        self._batch += 1
        self.flush()

    def flush(self) -> None:
        messages, keeper = self._messages, self._keeper
        self._keeper = None
        self._filled = 0
        if keeper is None or not messages.count:
            return
        fd = keeper.sock.fileno()
        sent = 0
        while sent < messages.count:
            done = self._calls.send(fd, messages.at[sent], messages.count - sent, _NOW)
            if done < 0:
                self._send_singly(keeper, self._flows[sent], messages.slots_of(sent), errno_now())
                done = 1
            sent += done
        messages.clear(len(self._flows[0].client))
        self._flows.clear()

    def _send_singly(self, keeper: Listening, flow: Answering, slots: range, code: int) -> None:
        """A message failed; where it was one of segments, each datagram may still leave by itself."""
        if len(slots) == 1:
            flow.not_answered(self._messages.size_of(slots[0]), OSError(code, os.strerror(code)))
            return
        if code in _REFUSED_SEGMENTS:
            flow.segments_to_client = False
        for slot in slots:
            size = self._messages.size_of(slot)
            try:
                keeper.sock.sendto(self._views[slot][:size], address_of(flow.client))
            except OSError as error:
                flow.not_answered(size, error)


def _point_to(flow: Answering) -> int:
    """The flow keeps ``client`` alive, and bytes do not move."""
    name = flow.client
    assert isinstance(name, bytes), "as `MmsgArrivals` tells it"
    flow.client_pointer = ctypes.cast(ctypes.c_char_p(name), ctypes.c_void_p).value or 0
    return flow.client_pointer
