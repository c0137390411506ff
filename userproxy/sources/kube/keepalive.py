"""Socket options by which a connection that died without a FIN is noticed (rule R9)."""

from __future__ import annotations

import asyncio
import socket

__all__ = ["DEAD_AFTER_S", "notice_silent_death"]

_IDLE_S = 30
_INTERVAL_S = 10
_PROBES = 3
DEAD_AFTER_S = _IDLE_S + _INTERVAL_S * _PROBES
"""60 s: a little more than the 45 s after which client-go gives up an HTTP/2 connection without a pong."""

# By name, as not every platform has each of them. Keep-alive finds a dead peer while nothing is sent,
# the user time-out while something is.
_TCP_OPTIONS = {
    "TCP_KEEPIDLE": _IDLE_S,
    "TCP_KEEPALIVE": _IDLE_S,  # macOS' name of TCP_KEEPIDLE
    "TCP_KEEPINTVL": _INTERVAL_S,
    "TCP_KEEPCNT": _PROBES,
    "TCP_USER_TIMEOUT": DEAD_AFTER_S * 1000,
}


def notice_silent_death(transport: asyncio.BaseTransport) -> None:
    """Make the kernel end ``transport``'s connection when its peer has been silent for `DEAD_AFTER_S`.

    The transport may be TLS or plain, asyncio's or uvloop's; one without a TCP socket is left alone.
    """
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _TCP_OPTIONS.items():
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
