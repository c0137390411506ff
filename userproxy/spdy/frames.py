"""Frames as bytes: how each kind is written, and how a stream of bytes is cut into them (section 2.2)."""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from userproxy.errors import RemoteProtocolError
from userproxy.spdy.events import DataReceived

__all__ = [
    "FIN",
    "MAX_CONTROL_BYTES",
    "MAX_DATA_BYTES",
    "UNIDIRECTIONAL",
    "ControlFrame",
    "Decoder",
    "FrameType",
    "GoAwayStatus",
    "ResetStatus",
    "control_frame",
    "data_header",
]

VERSION = 3
FIN = 0x01
UNIDIRECTIONAL = 0x02
MAX_DATA_BYTES = 64 << 10
"""Of one DATA frame that we send: a longer one would keep the other streams waiting, and the peers that
there are make a buffer for each frame."""
MAX_CONTROL_BYTES = 64 << 10
"""Of one control frame that we take; 8,192 must be taken (section 2.2.1), and a few hundred are usual."""

_HEADER = struct.Struct("!II")
_CONTROL = 0x80000000
_LENGTH = 0x00FFFFFF


class FrameType(enum.IntEnum):
    """The kinds of control frames (section 2.6)."""

    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class ResetStatus(enum.IntEnum):
    """Why a stream was reset (section 2.6.3)."""

    PROTOCOL_ERROR = 1
    INVALID_STREAM = 2
    REFUSED_STREAM = 3
    UNSUPPORTED_VERSION = 4
    CANCEL = 5
    INTERNAL_ERROR = 6
    FLOW_CONTROL_ERROR = 7
    STREAM_IN_USE = 8
    STREAM_ALREADY_CLOSED = 9
    FRAME_TOO_LARGE = 11


class GoAwayStatus(enum.IntEnum):
    """Why a session takes no more streams (section 2.6.6)."""

    OK = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2


@dataclass(frozen=True, slots=True)
class ControlFrame:
    """Any frame but DATA; ``kind`` is a `FrameType` where it is one."""

    kind: int
    flags: int
    payload: bytes


def control_frame(kind: FrameType, payload: bytes, flags: int = 0) -> bytes:
    return _HEADER.pack(_CONTROL | VERSION << 16 | kind, flags << 24 | len(payload)) + payload


def data_header(stream_id: int, size_bytes: int, *, fin: bool) -> bytes:
    """What goes before ``size_bytes`` of data."""
    return _HEADER.pack(stream_id, (FIN << 24 if fin else 0) | size_bytes)


class Decoder:
    """Cuts bytes into frames, wherever they were split. DATA is never kept: it is handed on as it comes."""

    __slots__ = ("_buffer", "_fin", "_left_bytes", "_stream_id", "_wanted_bytes")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._wanted_bytes = _HEADER.size
        self._stream_id = 0
        self._left_bytes = 0
        self._fin = False

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[DataReceived | ControlFrame]:
        """The frames, or parts of DATA frames, that ``data`` brings.

        Raises RemoteProtocolError for another version, or a control frame that is too large.
        """
        view = memoryview(data)
        start, end = 0, len(view)
        while start < end:
            if self._left_bytes:
                stop = min(start + self._left_bytes, end)
                self._left_bytes -= stop - start
                fin = self._fin and not self._left_bytes
                piece, start = view[start:stop], stop
                yield DataReceived(self._stream_id, piece, fin)
                continue
            stop = min(start + self._wanted_bytes - len(self._buffer), end)
            self._buffer += view[start:stop]
            start = stop
            if len(self._buffer) == self._wanted_bytes:
                frame = self._on_header() if self._wanted_bytes == _HEADER.size else self._control()
                if frame is not None:
                    yield frame

    def _on_header(self) -> DataReceived | ControlFrame | None:
        """A frame that is nothing but its header; None where more is to come."""
        first, second = _HEADER.unpack(self._buffer)
        size = second & _LENGTH
        if first & _CONTROL:
            _check(first, size)
            self._wanted_bytes += size
            return None if size else self._control()
        self._buffer.clear()
        self._stream_id, self._left_bytes = first, size
        self._fin = bool(second >> 24 & FIN)
        return None if size else DataReceived(first, memoryview(b""), self._fin)

    def _control(self) -> ControlFrame:
        first, second = _HEADER.unpack_from(self._buffer)
        frame = ControlFrame(first & 0xFFFF, second >> 24, bytes(self._buffer[_HEADER.size :]))
        self._buffer.clear()
        self._wanted_bytes = _HEADER.size
        return frame


def _check(first: int, size_bytes: int) -> None:
    version = first >> 16 & 0x7FFF
    if version != VERSION:
        raise RemoteProtocolError(
            f"the peer speaks version {version} of SPDY, or something else; we speak 3.1"
        )
    if size_bytes > MAX_CONTROL_BYTES:
        raise RemoteProtocolError(
            f"a control frame of {size_bytes} bytes is larger than the {MAX_CONTROL_BYTES} that are taken"
        )
