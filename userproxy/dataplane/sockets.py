"""Making and tuning sockets: the options, each with its reason, in one place."""

from __future__ import annotations

import logging
import socket
from _socket import socket as Socket

__all__ = [
    "BACKLOG",
    "bind_beside",
    "bind_keeping_address",
    "probe_when_idle",
    "share_address",
    "stream_listener",
    "tune_endpoint_socket",
    "unpace_on_loopback",
]

logger = logging.getLogger(__name__)

BACKLOG = 4096
"""Bounded by net.core.somaxconn; a burst of connects waits here, not in retransmitted SYNs."""
KEEPALIVE_IDLE_S = 60
KEEPALIVE_INTERVAL_S = 15
KEEPALIVE_PROBES = 4
"""A peer that vanished without a word is noticed after 60 + 4 x 15 = 120 s (rule C9)."""
PACING = b"bbr"
"""How the names of the congestion controls that always pace begin (bbr, bbr2, bbr3)."""
UNPACED = b"reno"
"""It never asks for pacing, is in every kernel, and needs no privilege."""
_NAME_BYTES = 16
"""TCP_CA_NAME_MAX."""


def tune_endpoint_socket(sock: Socket) -> None:
    """TCP_NODELAY (rule C9). Keep-alive is set on connections that last (see `probe_when_idle`)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def probe_when_idle(sock: Socket) -> None:
    """Keep-alive (rule C9); none for what is no TCP socket. The kernel counts from the last byte received,
    not from this call."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)


def unpace_on_loopback(sock: Socket) -> None:
    """Let a connection to a loopback address send without pacing; any other keeps the machine's choice.

    A machine whose default is BBR paces by timers. On loopback there is no link to spare, and the timers
    cost more than the bytes. Call it for bulk only: small messages are not paced, and it is three calls.
    """
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    try:
        host = sock.getpeername()[0]
        if not host.startswith("127.") and host != "::1":
            return
        if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, _NAME_BYTES).startswith(PACING):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, UNPACED)
    except OSError as error:  # it vanished meanwhile, or Reno is forbidden here: then it is paced
        logger.debug("pacing stays on: %s", error)


def stream_listener(host: str, port: int) -> Socket:
    """A bound TCP socket that does not listen yet. Raises OSError (EACCES, EADDRINUSE, EADDRNOTAVAIL).

    Accepted sockets inherit its options, so a connection pays nothing for them.
    """
    sock = bind_keeping_address(socket.SOCK_STREAM, host, port)
    tune_endpoint_socket(sock)
    probe_when_idle(sock)
    return sock


def bind_keeping_address(kind: int, host: str, port: int) -> Socket:
    """A socket that alone holds (host, port), also while it neither listens nor is unconnected.

    The kernel lets go of a number that it chose itself when the socket is shut down or disconnected, so
    for port 0 a second socket is bound to the number that the first one got.
    """
    first = _bound(kind, host, port, share=kind == socket.SOCK_STREAM or not port)
    if port:
        return _unshared(first)
    try:
        return _unshared(_bound(kind, host, first.getsockname()[1], share=True))
    finally:
        first.close()


def bind_beside(first: Socket) -> Socket:
    """One more socket at the address of ``first``, which was bound alone: the kernel shares clients out.

    SO_REUSEPORT, set after the bind: set before it, an address that another process of this user has
    would not be seen as taken. Raises OSError.
    """
    first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    host, port = first.getsockname()[:2]
    sock = _bound(first.type, host, port, share=first.type == socket.SOCK_STREAM, group=True)
    if first.type == socket.SOCK_STREAM:
        tune_endpoint_socket(sock)
    return _unshared(sock)


def share_address(sock: Socket, share: bool) -> None:
    """Set SO_REUSEADDR: a listening TCP socket shares (a restart may bind beside its old connections,
    nobody can beside a listener); one that only keeps its address must not, else anybody takes it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, share)


def _unshared(sock: Socket) -> Socket:
    share_address(sock, False)
    return sock


def _bound(kind: int, host: str, port: int, *, share: bool, group: bool = False) -> Socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = Socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        share_address(sock, share)
        if group:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
