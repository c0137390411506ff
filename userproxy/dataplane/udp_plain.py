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

    __slots__ = ("_buffer", "_view", "most", "sizes")

    def __init__(self) -> None:
        self.most = 1
        self.sizes = [0]
        self._buffer = bytearray(DATAGRAM_BYTES)
        self._view = memoryview(self._buffer)

    def receive(self, sock: Socket) -> Sequence[Run]:
        try:
            size, client = sock.recvfrom_into(self._buffer)
        except BlockingIOError:
            return ()
        self.sizes[0] = size
        return ((client, 0, 1),)

    def client(self, address: Address) -> Client:
        return address

    def datagram(self, index: int) -> memoryview:
        return self._view[: self.sizes[index]]

    def send(self, sock: Socket, first: int, end: int, *, segments: bool) -> tuple[int, int]:
        sock.send(self.datagram(first))
        return first + 1, first + 1


class PlainAnswers:
    """Each answer leaves at once."""

    __slots__ = ("_buffer", "_view")

    def __init__(self, engine: Engine) -> None:
        self._buffer = bytearray(DATAGRAM_BYTES)
        self._view = memoryview(self._buffer)

    def take(self, flow: Answering) -> bool:
        receive = flow.sock.recv_into
        for turn in range(ANSWERS_PER_TURN):
            try:
                size = receive(self._buffer)
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
