"""What echo servers are sent: each message is different, so that an answer can be told from any other."""

from __future__ import annotations

import struct

__all__ = ["HEADER_BYTES", "Messages"]

_HEADER = struct.Struct("<QII")
HEADER_BYTES = _HEADER.size
MARK = 0x75707278
_PATTERN = bytes((7 * n + n // 256) % 256 for n in range(4096))
"""No run of equal bytes: a shifted or repeated block differs."""


class Messages:
    """Those of one run, ``size_bytes`` each: a number, a connection and a mark, as far as there is room."""

    __slots__ = ("_filler", "size_bytes")

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        length = max(0, size_bytes - HEADER_BYTES)
        self._filler = (_PATTERN * (length // len(_PATTERN) + 1))[:length]

    def make(self, number: int, connection: int) -> bytes:
        header = _HEADER.pack(number, connection, MARK)
        return header + self._filler if self.size_bytes >= HEADER_BYTES else header[: self.size_bytes]

    def number(self, message: bytes, connection: int) -> int | None:
        """The number of a message that `make` made for ``connection``; None for any other bytes."""
        if len(message) != self.size_bytes or not message.endswith(self._filler):
            return None
        number, owner, mark = _HEADER.unpack_from(message)
        return int(number) if (owner, mark) == (connection, MARK) else None
