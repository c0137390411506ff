"""One side of a relayed pair: its socket, and how far the direction that starts there has come."""

from __future__ import annotations

from _socket import socket as Socket
from typing import TYPE_CHECKING

from userproxy.dataplane.closing import Who
from userproxy.dataplane.engine import SMALL_READ_BYTES
from userproxy.dataplane.pipes import Pipe

if TYPE_CHECKING:
    from userproxy.dataplane.relay import Relay

__all__ = ["Side"]


class Side:
    """One socket of a pair, and the direction that starts at it."""

    __slots__ = (
        "ended", "fd", "forwarded", "full_reads", "hung_up", "peer", "peer_fd", "pipe", "queued",
        "read_bytes", "readable", "relay", "shut", "sock", "waiting",
    )  # fmt: skip

    relay: Relay
    peer: Side

    def __init__(self, sock: Socket) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.peer_fd = -1
        self.read_bytes = SMALL_READ_BYTES
        """What the fast path reads at once."""
        self.forwarded = 0
        """Bytes that were read here and taken by the peer; of a pair on the fast path, see `Relay.count`."""
        self.readable = False
        """An edge said so, and no read has come back short since."""
        self.hung_up = False
        """RDHUP was told, which comes once: only an empty read is the end now."""
        self.ended = False
        """The peer's FIN was read."""
        self.shut = False
        """And it was passed on to our peer."""
        self.waiting: memoryview | None = None
        """Read here, not yet taken by the peer."""
        self.full_reads = 0
        self.pipe: Pipe | None = None
        self.queued = False

    def ready(self, mask: int) -> None:
        self.relay.ready(self, mask)

    def failed(self, error: Exception) -> None:
        self.relay.cut(Who.ERROR)

    def leave_fast(self, data: bytes, sent: int) -> None:
        self.relay.leave_fast(self, data, sent)

    def read_failed(self, error: OSError) -> None:
        self.relay.gone(self)

    def write_failed(self, data: bytes, error: OSError) -> None:
        self.relay.gone(self.peer)
