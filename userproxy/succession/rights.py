"""Descriptors in the messages of a Unix socket (SCM_RIGHTS, unix(7)); `socket.send_fds` sends them."""

from __future__ import annotations

import array
import os
import socket
from collections.abc import Iterable

__all__ = ["close_all", "receive"]

_NUMBER_BYTES = array.array("i").itemsize


def receive(sock: socket.socket, size_bytes: int, most: int) -> tuple[bytes, list[int], int]:
    """What came, the descriptors with it, which are the caller's, and the flags of recvmsg(2).

    As `socket.recv_fds`, which would let programs that are started later inherit them. A message that was cut
    short (MSG_CTRUNC) may end within a number. Raises OSError.
    """
    data, ancillary, flags, _ = sock.recvmsg(
        size_bytes, socket.CMSG_SPACE(most * _NUMBER_BYTES), socket.MSG_CMSG_CLOEXEC
    )
    found = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(content[: len(content) - len(content) % _NUMBER_BYTES])
    return data, found.tolist(), flags


def close_all(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
