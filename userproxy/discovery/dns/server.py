"""The two sockets of a DNS server at one address, and what to do when they cannot be had."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from types import TracebackType
from typing import NamedTuple, Self

from userproxy.discovery.dns.forwarding import Forwarder
from userproxy.discovery.dns.responder import Responder
from userproxy.discovery.dns.tcp import TcpShell
from userproxy.discovery.dns.udp import UdpShell
from userproxy.errors import ListenError

__all__ = ["DnsServer", "SocketAddress", "what_to_do"]

BACKLOG = 64
TRIES_FOR_A_NUMBER = 16
"""When the kernel chooses: it has to be free for UDP and for TCP."""
RECEIVE_BUFFER_BYTES = 1 << 20
"""Of the datagrams that wait for their turn; the kernel may give less."""


class SocketAddress(NamedTuple):
    """An IP address and a port; port 0: the kernel chooses."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class DnsServer:
    """Answers at ``address`` inside its ``async with`` block. Raises ListenError when that cannot be had."""

    def __init__(
        self, address: SocketAddress, responder: Responder, forwarder: Forwarder | None = None
    ) -> None:
        self.address = address
        """Where it answers: with the number that the kernel chose, once it is entered."""
        self._responder = responder
        self._forwarder = forwarder

    async def __aenter__(self) -> Self:
        try:
            udp, tcp = _bound(self.address)
        except OSError as error:
            raise ListenError(what_to_do(self.address, error)) from error
        self.address = SocketAddress(self.address.host, udp.getsockname()[1])
        self._udp = UdpShell(udp, self._responder, self._forwarder)
        self._tcp = await TcpShell(tcp, self._responder, self._forwarder).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._udp.close()
        await self._tcp.close()


def _bound(address: SocketAddress) -> tuple[socket.socket, socket.socket]:
    for left in range(TRIES_FOR_A_NUMBER - 1, -1, -1):
        with contextlib.ExitStack() as undo:
            udp = undo.enter_context(_socket(address.host, socket.SOCK_DGRAM))
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            udp.bind(address)
            tcp = undo.enter_context(_socket(address.host, socket.SOCK_STREAM))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # its own connections of a minute ago
            try:
                tcp.bind((address.host, udp.getsockname()[1]))
                tcp.listen(BACKLOG)
            except OSError as error:
                if error.errno == errno.EADDRINUSE and not address.port and left:
                    continue
                raise
            undo.pop_all()
            return udp, tcp
    raise AssertionError("the last try returns or raises")


def _socket(host: str, kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    made.setblocking(False)
    return made


def what_to_do(address: SocketAddress, error: OSError) -> str:
    """Why ``address`` cannot be had, and what helps, in one line."""
    if error.errno == errno.EADDRINUSE:
        return f"{address}: is taken; stop whoever answers there, or name another port"
    if error.errno == errno.EACCES:
        allow = f"sudo sysctl net.ipv4.ip_unprivileged_port_start={address.port}"
        return f"{address}: is not for user {os.geteuid()}; name a port from 1024 up, or allow it: {allow}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{address}: is no address of this host; name one that is, such as 127.0.0.1"
    return f"{address}: {error.strerror}"
