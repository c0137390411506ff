"""Answers by the batch: read from the sockets of many flows, gathered, and sent by one sendmmsg(2)."""

from __future__ import annotations

import ctypes
import errno
import os
import socket

from userproxy.dataplane.engine import Engine
from userproxy.dataplane.udp_batching import Answering, Listening
from userproxy.dataplane.udp_clients import address_of
from userproxy.dataplane.udp_slots import (
    BATCH,
    LEAST_SEGMENTS,
    Messages,
    Slots,
    equal_run,
    headers_over,
    parts_of,
)
from userproxy.dataplane.udp_vectors import HEADER_WORDS, SIZE, VectorCalls, errno_now

__all__ = ["MmsgAnswers"]

ANSWERS_PER_TURN = 32
"""Of one flow; then other sockets have their turn."""
BURST_SIGNS = 4
"""Batches in a row in which a flow has an answer; then several are read at once, which costs more for one."""
_NOW = socket.MSG_DONTWAIT
_REFUSED_SEGMENTS = frozenset({errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.EOPNOTSUPP})


class MmsgAnswers:
    """Gathers the answers of the flows of one listener at a time."""

    __slots__ = (
        "_at", "_batch", "_calls", "_filled", "_flows", "_headers", "_keeper", "_messages", "_names",
        "_received", "_segments", "_sizes", "_slots", "_views", "ready",
    )  # fmt: skip

    def __init__(self, calls: VectorCalls, *, segments: bool = True) -> None:
        """``segments``: as for `MmsgArrivals`."""
        self._segments = segments
        self._calls = calls
        self._slots = Slots(BATCH + ANSWERS_PER_TURN)
        parts = parts_of(self._slots)
        headers = headers_over(parts)
        self._headers = (headers, parts)
        self._at = [headers.at(HEADER_WORDS * slot) for slot in range(self._slots.count)]
        self._received = headers.view[SIZE::HEADER_WORDS]
        self._messages = Messages(self._slots)
        self._views = self._slots.views
        self.ready: list[Answering] = []
        self._flows: list[Answering] = []
        """Of each message, and behind them of each in ``_sizes``."""
        self._sizes: list[int] = []
        self._names: list[int] = []
        """Of the last slots that are filled: single answers that are no messages yet."""
        self._keeper: Listening | None = None
        self._filled = 0
        self._batch = 1
        """The engine's batches in which there were answers."""

    def serve(self) -> None:
        """One answer of each flow that is ready, several of those that answer in bursts."""
        ready = self.ready.copy()
        self.ready.clear()
        before = self._batch
        self._batch = batch = before + 1
        views, flows, sizes, names = self._views, self._flows, self._sizes, self._names
        for flow in ready:
            try:
                if flow.keeper is not self._keeper or self._filled > BATCH:
                    if flow.keeper.stopped:  # within this batch
                        continue
                    self._begin(flow)
                if flow.answers_in_bursts:
                    self._take_several(flow)
                    continue
                slot = self._filled
                size = flow.receive(views[slot])
                if flow.seen_in == before:  # again and again: there may be more of them
                    flow.seen_running += 1
                    flow.answers_in_bursts = flow.seen_running >= BURST_SIGNS
                else:
                    flow.seen_running = 0
                flow.seen_in = batch
                flow.answered(size)
                sizes.append(size)
                names.append(flow.client_pointer or _point_to(flow))
                flows.append(flow)
                self._filled = slot + 1
            except BlockingIOError:
                pass
            except OSError:
                flow.refused()
            except Exception as error:
                Engine.contain(flow, error)
        self.flush()

    def take(self, flow: Answering) -> bool:
        if flow.keeper is not self._keeper or self._filled > BATCH:
            self._begin(flow)
        return self._take_several(flow)

    def _begin(self, flow: Answering) -> None:
        """What is gathered from here on leaves by the listener of ``flow``."""
        self.flush()
        self._keeper = flow.keeper
        self._messages.clear(len(flow.client))

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
        sizes = self._received[slot : slot + count].tolist()
        flow.answered(sum(sizes))
        self._add_singles()
        self._gather(flow, slot, sizes)
        self._filled = slot + count
        return True

    def _add_singles(self) -> None:
        if self._sizes:
            self._messages.add_all(self._filled - len(self._sizes), self._sizes, self._names)
            self._sizes.clear()
            self._names.clear()

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

    def flush(self) -> None:
        self._add_singles()
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
