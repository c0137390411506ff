"""Frames of a WebSocket as a server sends them, cut anywhere (RFC 6455, section 5). Pure.

What is in them is handed on as it comes, without waiting for the end of a frame or message: a tunnel does not
care where those end, and nothing has to be stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from userproxy.errors import RemoteProtocolError

__all__ = ["Opcode", "Piece", "WebSocketReader"]

_MAX_CONTROL_BYTES = 125


class Opcode(IntEnum):
    """What a frame is (section 11.8)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Piece(NamedTuple):
    """A part of a data frame, or a control frame as a whole."""

    opcode: Opcode
    data: memoryview
    begins: bool
    """It is the first of its message."""


class WebSocketReader:
    """Bytes in, pieces out."""

    __slots__ = ("_begins", "_head", "_in_message", "_left", "_opcode")

    def __init__(self) -> None:
        self._head = bytearray()
        """Of a frame whose header, or whose control data, is not there as a whole."""
        self._opcode = Opcode.BINARY
        self._left = 0
        """Bytes of the data frame that are to come."""
        self._begins = False
        self._in_message = False

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Raises RemoteProtocolError, after the pieces before the fault."""
        view = memoryview(data)
        while view:
            if self._left:
                part = view[: self._left]
                self._left -= len(part)
                yield Piece(self._opcode, part, self._begins)
                self._begins = False
                view = view[len(part) :]
                continue
            if self._head:
                self._head += view
                view = memoryview(bytes(self._head))
                self._head.clear()
            taken, control = self._frame(view)
            if not taken:
                self._head += view
                return
            if control is not None:
                yield control
            view = view[taken:]

    def _frame(self, view: memoryview) -> tuple[int, Piece | None]:
        """Bytes taken by the header, and by what is in a control frame; 0: more is needed."""
        if len(view) < 2:
            return 0, None
        first, second = view[0], view[1]
        if first & 0x70 or second & 0x80:
            raise RemoteProtocolError("a WebSocket frame with reserved bits or a mask: no server sends such")
        length, taken = second & 0x7F, 2
        if length >= 126:
            taken = 4 if length == 126 else 10
            if len(view) < taken:
                return 0, None
            length = int.from_bytes(view[2:taken], "big")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise RemoteProtocolError(f"a WebSocket frame with opcode {first & 0x0F}") from None
        final = bool(first & 0x80)
        if opcode >= Opcode.CLOSE:
            if length > _MAX_CONTROL_BYTES or not final:
                raise RemoteProtocolError("a WebSocket control frame that is too long, or in parts")
            if len(view) < taken + length:
                return 0, None
            return taken + length, Piece(opcode, view[taken : taken + length], True)
        if (opcode is Opcode.CONTINUATION) != self._in_message:
            raise RemoteProtocolError("a WebSocket message within another one, or a part of none")
        if opcode is not Opcode.CONTINUATION:
            self._opcode, self._begins = opcode, True
        self._in_message = not final
        self._left = length
        return taken, None
