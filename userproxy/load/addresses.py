"""The name of a target, resolved once: from then on only the address that was found is used."""

from __future__ import annotations

import socket

from userproxy.errors import UserproxyError
from userproxy.load.targets import UDP, Target
from userproxy.load.tcp_exchange import SocketAddress

__all__ = ["resolve"]


def resolve(target: Target, family: int = socket.AF_UNSPEC) -> tuple[int, SocketAddress, str]:
    """(family, address, as text): the first address that the system gives for the name (RFC 6724).

    Raises UserproxyError when there is none.
    """
    kind = socket.SOCK_DGRAM if target.scheme == UDP else socket.SOCK_STREAM
    try:
        found = socket.getaddrinfo(target.host, target.port, family, kind)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UserproxyError(f"{target.url}: {target.host} has no address: {reason}") from error
    chosen, _, _, _, address = found[0]
    host = str(address[0])
    text = f"[{host}]:{target.port}" if ":" in host else f"{host}:{target.port}"
    return int(chosen), _socket_address(address), text


def _socket_address(address: tuple[object, ...]) -> SocketAddress:
    host, port, *more = address
    if more:
        flow, scope = more
        return str(host), int(str(port)), int(str(flow)), int(str(scope))
    return str(host), int(str(port))
