"""Who sent a datagram: as ``socket`` writes an address, or as the kernel does."""

from __future__ import annotations

import socket
import struct

__all__ = ["Address", "Client", "address_of", "sockaddr_of"]

Address = tuple[str, int] | tuple[str, int, int, int]
"""What ``recvfrom`` gives: (host, port) or (host, port, flow info, scope)."""

Client = Address | bytes
"""The key of a client, as reading a datagram yields it: an address, or a ``sockaddr`` (ip(7), ipv6(7))."""

_IPV4 = struct.Struct("=H2s4s8x")
_IPV6 = struct.Struct("=H2s4s16sI")


def address_of(client: Client) -> Address:
    """In words that people read."""
    if not isinstance(client, bytes):
        return client
    if len(client) < _IPV6.size:
        _, port, host = _IPV4.unpack(client)
        return socket.inet_ntop(socket.AF_INET, host), int.from_bytes(port, "big")
    _, port, flow, host, scope = _IPV6.unpack(client)
    name = socket.inet_ntop(socket.AF_INET6, host)
    return name, int.from_bytes(port, "big"), int.from_bytes(flow, "big"), scope


def sockaddr_of(address: Address) -> bytes:
    """As the kernel writes it."""
    host, port = address[0], address[1].to_bytes(2, "big")
    if len(address) == 2:
        return _IPV4.pack(socket.AF_INET, port, socket.inet_pton(socket.AF_INET, host))
    flow = address[2].to_bytes(4, "big")
    return _IPV6.pack(socket.AF_INET6, port, flow, socket.inet_pton(socket.AF_INET6, host), address[3])
