"""What the kernel knows of a TCP socket: how many bytes it was given to send (tcp(7), TCP_INFO).

The fast path counts nothing itself: an addition for each message took 7 % of its instructions in user space.
"""

from __future__ import annotations

import socket
import struct
from _socket import socket as Socket
from contextlib import closing
from functools import cache

__all__ = ["kernel_counts", "taken_bytes"]

_FIELDS = struct.Struct("=144xI52xQQ")
"""``struct tcp_info``: tcpi_notsent_bytes, tcpi_bytes_sent and tcpi_bytes_retrans (Linux 4.19)."""
_FAMILIES = (socket.AF_INET, socket.AF_INET6)


def taken_bytes(sock: Socket) -> int:
    """Bytes that ``sock`` has taken from us, be they sent, acknowledged or neither.

    A FIN that waits behind them counts as one more, so ask before the shutdown. A segment that this host
    itself throws away (a rule of its own firewall) counts again each time that it is tried.
    """
    waiting, sent, sent_again = _FIELDS.unpack(
        sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _FIELDS.size)
    )
    return int(waiting + sent - sent_again)


def kernel_counts(sock: Socket) -> bool:
    """Whether `taken_bytes` can be trusted for ``sock``: one of TCP, in a kernel that counts."""
    try:
        return sock.family in _FAMILIES and _works()
    except OSError:  # no descriptor, perhaps: the next one asks again
        return False


@cache
def _works() -> bool:
    """Old kernels, and those that only look like Linux, leave the fields out, or empty. Raises OSError."""
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        closing(Socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)) as sock,
    ):
        sock.connect(listener.getsockname())
        try:
            return taken_bytes(sock) == 0 and sock.send(b"12345") == taken_bytes(sock)
        except struct.error:
            return False
