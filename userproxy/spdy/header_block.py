"""Header blocks: names and values, compressed along one history for each direction (section 2.6.10)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from userproxy.errors import LocalProtocolError, RemoteProtocolError
from userproxy.spdy.dictionary import DICTIONARY

__all__ = ["MAX_HEADER_BLOCK_BYTES", "HeaderCompressor", "HeaderDecompressor"]

MAX_HEADER_BLOCK_BYTES = 64 << 10
"""Of one block when it is uncompressed, both ways; those of port-forward have about a hundred."""

_NUMBER = struct.Struct("!I")
_WINDOW_BITS = 11
"""2 KiB, enough for the dictionary: a compressor of zlib's default size takes 256 KiB, this one 10."""


class HeaderCompressor:
    """Writes the blocks of one direction; they must be sent in the order in which they were made."""

    __slots__ = ("_zlib",)

    def __init__(self) -> None:
        self._zlib = zlib.compressobj(wbits=_WINDOW_BITS, memLevel=1, zdict=DICTIONARY)

    def compress(self, headers: Mapping[str, str]) -> bytes:
        """The block, to its last byte. Names are written in lower case.

        Raises LocalProtocolError for a name that is empty or comes twice, and for a block that is too large.
        """
        named = {name.lower(): value for name, value in headers.items()}
        if len(named) < len(headers) or "" in named:
            raise LocalProtocolError(f"header names must be there once each, not {', '.join(headers)!r}")
        block = _NUMBER.pack(len(named)) + b"".join(
            _NUMBER.pack(len(part)) + part
            for pair in named.items()
            for part in (text.encode() for text in pair)
        )
        if len(block) > MAX_HEADER_BLOCK_BYTES:
            raise LocalProtocolError(
                f"headers of {len(block)} bytes are more than the {MAX_HEADER_BLOCK_BYTES} that are sent"
            )
        return self._zlib.compress(block) + self._zlib.flush(zlib.Z_SYNC_FLUSH)


class HeaderDecompressor:
    """Reads the blocks of one direction; every block must go through it, also one that is not wanted."""

    __slots__ = ("_zlib",)

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zdict=DICTIONARY)

    def decompress(self, compressed: bytes) -> dict[str, str]:
        """The headers of a block. Raises RemoteProtocolError for one that is broken or too large."""
        try:
            block = self._zlib.decompress(compressed, MAX_HEADER_BLOCK_BYTES)
        except zlib.error as error:
            raise RemoteProtocolError(f"a header block cannot be decompressed: {error}") from error
        if self._zlib.unconsumed_tail:
            raise RemoteProtocolError(f"a header block has more than {MAX_HEADER_BLOCK_BYTES} bytes")
        if self._zlib.eof:
            raise RemoteProtocolError(
                "a header block ends the compression, which lasts as long as the session"
            )
        return _parse(block)


def _parse(block: bytes) -> dict[str, str]:
    reader = _Reader(block)
    headers: dict[str, str] = {}
    for _ in range(reader.number()):
        name, value = reader.text(), reader.text()
        if not name or name != name.lower() or name in headers:
            raise RemoteProtocolError(f"a header block holds a wrong name, or one twice: {name[:100]!r}")
        headers[name] = value
    if reader.rest:
        raise RemoteProtocolError(f"a header block has {reader.rest} bytes behind its last header")
    return headers


class _Reader:
    """Takes numbers and texts off a block."""

    __slots__ = ("_at", "_block")

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._at = 0

    @property
    def rest(self) -> int:
        return len(self._block) - self._at

    def number(self) -> int:
        number: int = _NUMBER.unpack(self._take(_NUMBER.size))[0]
        return number

    def text(self) -> str:
        try:
            return self._take(self.number()).decode()
        except UnicodeDecodeError as error:
            raise RemoteProtocolError(f"a header is no UTF-8: {error.reason}") from error

    def _take(self, size_bytes: int) -> bytes:
        if size_bytes > self.rest:
            raise RemoteProtocolError("a header block ends before its last header does")
        start, self._at = self._at, self._at + size_bytes
        return self._block[start : self._at]
