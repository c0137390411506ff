"""Frames on a byte stream: a header, then a payload. Pure: bytes in, payloads out.

A frame may carry descriptors; the stream tells how many, the channel brings them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from userproxy.errors import WorkerError

__all__ = ["MOST_DESCRIPTORS", "MOST_PAYLOAD_BYTES", "Decoder", "frame"]

MOST_DESCRIPTORS = 128
"""In one frame; the kernel takes 253 in one message (SCM_MAX_FD)."""
MOST_PAYLOAD_BYTES = 64 << 20
"""A Service with 1,000,000 endpoints has less; a length above it is nonsense."""
_HEADER = struct.Struct("!IB")


def frame(payload: bytes, descriptors: int = 0) -> bytes:
    """Raises WorkerError for what the other side would refuse."""
    if len(payload) > MOST_PAYLOAD_BYTES or descriptors > MOST_DESCRIPTORS:
        raise WorkerError(f"a frame of {len(payload)} bytes and {descriptors} descriptors is too large")
    return _HEADER.pack(len(payload), descriptors) + payload


class Decoder:
    """Cuts frames out of bytes, wherever these were split."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """The frames that ``data`` completes: payload, and how many descriptors came with it.

        Raises WorkerError for a header that is nonsense.
        """
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= _HEADER.size:
            size, descriptors = _HEADER.unpack_from(self._buffer, start)
            if size > MOST_PAYLOAD_BYTES or descriptors > MOST_DESCRIPTORS:
                raise WorkerError(f"a frame of {size} bytes and {descriptors} descriptors: not our protocol")
            end = start + _HEADER.size + size
            if len(self._buffer) < end:
                break
            yield bytes(self._buffer[start + _HEADER.size : end]), descriptors
            start = end
        del self._buffer[:start]
