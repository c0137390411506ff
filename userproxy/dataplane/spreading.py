"""Which socket of a group that shares an address gets a client: by a hash of the client's address.

Without it the kernel hashes ports too, and a client's connections meet several workers, each with a memory
of its own (rules B2, B3). The program is classic BPF, which needs no privilege (socket(7),
SO_ATTACH_REUSEPORT_CBPF).
"""

from __future__ import annotations

import ctypes
import logging
import socket
import struct
from _socket import socket as Socket

__all__ = ["can_spread", "spread", "spread_clients"]

logger = logging.getLogger(__name__)

_ATTACH_REUSEPORT_CBPF = getattr(socket, "SO_ATTACH_REUSEPORT_CBPF", 51)
_DETACH_REUSEPORT_BPF = getattr(socket, "SO_DETACH_REUSEPORT_BPF", 68)
_NETWORK_HEADER = -0x100000 & 0xFFFFFFFF
"""SKF_NET_OFF of linux/filter.h: loads count from the IP header on."""
_LOAD, _TO_X, _XOR_X, _MULTIPLY, _SHIFT_RIGHT, _MODULO, _RETURN = 0x20, 0x07, 0xAC, 0x24, 0x74, 0x94, 0x16
"""BPF_LD|W|ABS, BPF_MISC|TAX, then BPF_ALU with XOR|X, MUL|K, RSH|K, MOD|K, and BPF_RET|A."""
_SOURCE_WORDS = {socket.AF_INET: (12,), socket.AF_INET6: (8, 12, 16, 20)}
"""Where the words of the source address are (RFC 791, section 3.1; RFC 8200, section 3)."""
_GOLDEN = 0x9E3779B1
"""2**32 by the golden ratio: neighbouring addresses land far apart (Knuth's multiplicative hash)."""


def can_spread() -> bool:
    """Whether this kernel takes the program."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind(("127.0.0.1", 0))
            probe.listen()
            spread_clients(probe, 2)
        except OSError:
            return False
    return True


def spread(sock: Socket, count: int) -> None:
    """`spread_clients`; with ``count`` 0 the kernel's own choice, by address and port, is in force again."""
    try:
        if count:
            spread_clients(sock, count)
        else:
            sock.setsockopt(socket.SOL_SOCKET, _DETACH_REUSEPORT_BPF, 0)
    except OSError as error:  # as without it: served all the same, by whichever socket the kernel chooses
        logger.debug("spreading clients on %s failed: %s", sock.getsockname(), error)


def spread_clients(sock: Socket, count: int) -> None:
    """Give each client of ``sock``'s group, by its address alone, to one of its ``count`` sockets.

    A TCP socket must listen: before, the program would keep its neighbours from listening. Raises OSError.
    """
    program = _program(_SOURCE_WORDS[socket.AddressFamily(sock.family)], count)
    code = ctypes.create_string_buffer(program)
    # struct sock_fprog: how many instructions of 8 bytes, and where they are.
    pointer = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    sock.setsockopt(socket.SOL_SOCKET, _ATTACH_REUSEPORT_CBPF, pointer)


def _program(words: tuple[int, ...], count: int) -> bytes:
    steps = [(_LOAD, _NETWORK_HEADER + words[0])]
    for word in words[1:]:
        steps += [(_TO_X, 0), (_LOAD, _NETWORK_HEADER + word), (_XOR_X, 0)]
    steps += [(_MULTIPLY, _GOLDEN), (_SHIFT_RIGHT, 16), (_MODULO, count), (_RETURN, 0)]
    return b"".join(struct.pack("@HBBI", code, 0, 0, operand) for code, operand in steps)
