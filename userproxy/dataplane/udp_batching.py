"""The seam between forwarding UDP and the system calls of it: how datagrams are read and sent.

Two ways exist: `udp_mmsg` does it by the batch, `udp_plain` one by one, on whatever platform there is. Each
data plane has one `Arrivals` and one `Answers`, whose memory all its service ports share.
"""

from __future__ import annotations

from _socket import socket as Socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from userproxy.dataplane.engine import Handler
from userproxy.dataplane.udp_clients import Address, Client

__all__ = ["DATAGRAM_BYTES", "Answering", "Answers", "Arrivals", "Batching", "Listening", "Run"]

DATAGRAM_BYTES = 1 << 16
"""More than any datagram has: 65,507 bytes over IPv4, 65,527 over IPv6 (RFC 768, RFC 8200)."""

Run = tuple[Client, int, int]
"""A client, and which datagrams of the batch it sent one behind the other: the first, and the end."""


class Arrivals(Protocol):
    """A batch of datagrams that clients sent, kept until the next batch."""

    most: int
    """Datagrams of a full batch; behind one that is not full there are no more for now."""

    @property
    def sizes(self) -> Sequence[int]:
        """Bytes of each datagram of the batch."""
        ...

    def receive(self, sock: Socket) -> Sequence[Run]:
        """The next batch, in order; empty when there is none. Raises OSError."""
        ...

    def client(self, address: Address) -> Client:
        """The client as this way of reading tells it."""
        ...

    @property
    def datagrams(self) -> Sequence[memoryview]:
        """Each datagram of the batch, and nothing to count on behind them."""
        ...

    def send(self, sock: Socket, first: int, end: int, *, segments: bool) -> tuple[int, int]:
        """Send to the peer of ``sock``: the end of those that were sent, and of those that were tried.

        ``segments``: the kernel may cut runs of one size out of one message (``UDP_SEGMENT``, udp(7)). Raises
        OSError when the first was not sent.
        """
        ...


class Listening(Protocol):
    """Whose socket answers leave by."""

    stopped: bool
    """Its socket is closed: answers have no way any more."""

    @property
    def sock(self) -> Socket: ...


class Answering(Handler, Protocol):
    """A flow, as `Answers` sees it."""

    receive: Callable[[memoryview], int]
    """``recv_into`` of its socket, which is connected to the endpoint."""

    client_pointer: int
    """Where the kernel may read ``client``; 0: not asked for yet."""
    segments_to_client: bool
    """False after the kernel refused to cut a message into segments."""
    answers_in_bursts: bool
    """Read several at once."""
    seen_in: int
    seen_running: int
    """When answers came, for `Answers` to find bursts."""

    @property
    def keeper(self) -> Listening: ...

    @property
    def client(self) -> Client: ...

    @property
    def sock(self) -> Socket:
        """The same, for calls that take its descriptor."""
        ...

    def answered(self, size_bytes: int) -> None:
        """That many bytes of answers are on their way."""
        ...

    def refused(self) -> None:
        """Reading an answer raised what ICMP said of an earlier datagram."""
        ...

    def not_answered(self, size_bytes: int, error: OSError) -> None:
        """One of them could not be sent."""
        ...


class Answers(Protocol):
    """Passes answers on from endpoints to clients, each flow's in order."""

    ready: list[Answering]
    """Flows that the engine's batch has told of; `serve` empties it."""

    def serve(self) -> None:
        """Read answers of each flow that is ready, a turn's worth at most, and send them."""
        ...

    def take(self, flow: Answering) -> bool:
        """Read a turn's worth of answers; False when there is none. Follow with `flush`.

        Raises OSError: what ICMP said of an earlier datagram.
        """
        ...

    def flush(self) -> None:
        """Send now what was read."""
        ...


@dataclass(frozen=True, slots=True)
class Batching:
    """A way of doing it."""

    name: str
    arrivals: Callable[[], Arrivals]
    answers: Callable[[], Answers]
