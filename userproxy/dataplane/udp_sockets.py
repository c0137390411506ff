"""The system calls of UDP forwarding: sockets to endpoints, and a listener that refuses (rules T8, C5)."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import struct
import sys
import termios
from _socket import socket as Socket
from collections.abc import Iterable

from userproxy.model.routes import Endpoint

__all__ = [
    "accept_again", "endpoint_socket", "is_refusing", "queued_bytes", "readable", "refuse", "tune_listener",
]  # fmt: skip

RECEIVE_BUFFER_BYTES = 1 << 20
"""The kernel doubles it, for its own accounting, and caps it at net.core.rmem_max. Its default holds two
datagrams of 64 KiB, or 250 small ones: too few for what comes in while another socket has its turn."""
WAITING_BUFFER_BYTES = 1 << 24
"""More than net.core.rmem_max usually is, which caps it."""
_NO_PEER = struct.pack("H14x", socket.AF_UNSPEC)

_libc = ctypes.CDLL(None, use_errno=True)


def tune_listener(sock: Socket, *, waits: bool = False) -> None:
    """``waits``: nobody reads for some milliseconds, and nothing may be lost."""
    size_bytes = WAITING_BUFFER_BYTES if waits else RECEIVE_BUFFER_BYTES
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size_bytes)


def endpoint_socket(endpoint: Endpoint) -> Socket:
    """A non-blocking socket connected to ``endpoint``: it gets that one's datagrams and ICMP errors only.

    Raises OSError: no route, no descriptor, or nobody is there.
    """
    family = socket.AF_INET6 if ":" in endpoint.ip else socket.AF_INET
    sock = Socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        sock.connect((endpoint.ip, endpoint.port))
        # Loopback and a port of the ephemeral range: the kernel may have given us the endpoint's own
        # address, which says that nobody listens there; our datagrams would come back as answers.
        if sock.getsockname()[:2] == (endpoint.ip, endpoint.port):
            raise ConnectionRefusedError(f"nobody listens on {endpoint}")
    except BaseException:
        sock.close()
        raise
    return sock


def queued_bytes(sock: Socket) -> int:
    """What the kernel has taken and not sent yet (TIOCOUTQ, udp(7)), with its own accounting."""
    return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def readable(descriptors: Iterable[int]) -> list[int]:
    """Those on which a datagram or an error waits."""
    poll = select.poll()
    for fd in descriptors:
        poll.register(fd, select.POLLIN)
    return [fd for fd, _ in poll.poll(0)]


def refuse(sock: Socket) -> None:
    """Let the kernel answer port unreachable to everybody; what is queued stays, and ``sendto`` works on.

    The socket is connected to itself: a connected socket takes datagrams from its peer only, and nobody
    else can hold that address.
    """
    sock.connect(sock.getsockname())


def is_refusing(sock: Socket) -> bool:
    """Whether `refuse` is in force."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def accept_again(sock: Socket) -> None:
    """Undo `refuse`. The socket keeps its port only if it was bound by number (`bind_keeping_address`).

    connect(2) to AF_UNSPEC, which the socket module has no way to say.
    """
    if _libc.connect(sock.fileno(), _NO_PEER, len(_NO_PEER)):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
