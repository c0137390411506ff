"""Datagrams one by one, as every platform can."""

from __future__ import annotations

from _socket import socket as Socket
from collections.abc import Sequence

from userproxy.dataplane.engine import Engine
from userproxy.dataplane.udp_batching import DATAGRAM_BYTES, Answering, Batching, Run
from userproxy.dataplane.udp_clients import Address, Client, address_of

__all__ = ["PLAIN", "PlainAnswers", "PlainArrivals"]

ANSWERS_PER_TURN = 32
"""Then other sockets have their turn."""


class PlainArrivals:
    """A batch is one datagram."""

    __slots__ = ("_buffer", "_view", "datagrams", "most", "sizes")

    def __init__(self) -> None:
        self.most = 1
        self.sizes = [0]
        self._buffer = bytearray(DATAGRAM_BYTES)
        self._view = memoryview(self._buffer)
        self.datagrams = [self._view]

    def receive(self, sock: Socket) -> Sequence[Run]:
        try:
            size, client = sock.recvfrom_into(self._buffer)
        except BlockingIOError:
            return ()
        self.sizes[0] = size
        self.datagrams[0] = self._view[:size]
        return ((client, 0, 1),)

    def client(self, address: Address) -> Client:
        return address

    def send(self, sock: Socket, first: int, end: int, *, segments: bool) -> tuple[int, int]:
        sock.send(self.datagrams[first])
        return first + 1, first + 1


class PlainAnswers:
    """Each answer leaves at once."""

    __slots__ = ("_buffer", "_view", "ready")

    def __init__(self) -> None:
        self.ready: list[Answering] = []
        self._buffer = bytearray(DATAGRAM_BYTES)
        self._view = memoryview(self._buffer)

    def serve(self) -> None:
        flows = self.ready.copy()
        self.ready.clear()
        for flow in flows:
            if flow.keeper.stopped:  # within this batch
                continue
            try:
                self.take(flow)
            except OSError:
                flow.refused()
            except Exception as error:
                Engine.contain(flow, error)

    def take(self, flow: Answering) -> bool:
        receive = flow.receive
        for turn in range(ANSWERS_PER_TURN):
            try:
                size = receive(self._view)
            except BlockingIOError:
                return turn > 0
            flow.answered(size)
            try:
                flow.keeper.sock.sendto(self._view[:size], address_of(flow.client))
            except OSError as error:
                flow.not_answered(size, error)
        return True

    def flush(self) -> None:
        """Nothing waits."""


PLAIN = Batching("plain", PlainArrivals, PlainAnswers)
