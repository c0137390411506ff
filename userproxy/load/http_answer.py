"""Bytes in, HTTP/1.1 answers out: the heads, the lengths and the chunks, each with a limit. No socket.

A server sends nearly the same head each time, so heads that were parsed are remembered by their bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from userproxy.load.http_head import AnswerError, Head, parse_head

__all__ = ["MAX_HEAD_BYTES", "AnswerReader", "HeadMemory"]

MAX_HEAD_BYTES = 64 * 1024
"""Of a head or of the trailer behind chunks; common servers and clients stop between 8 and 256 KiB."""
MAX_CHUNK_LINE_BYTES = 4096
START_BYTES = 128
"""So much of a body is kept, to read a name in its first line."""
_HEADS_REMEMBERED = 256
_CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_END = b"\r\n\r\n"


class HeadMemory:
    """Parsed heads by their bytes; shared by all connections of a run."""

    __slots__ = ("_who_field", "known")

    def __init__(self, who_field: str = "") -> None:
        self._who_field = who_field.lower().encode()
        self.known: dict[bytes, Head] = {}

    def parse(self, lines: bytes) -> Head:
        """Raises AnswerError."""
        head = self.known.get(lines)
        if head is None:
            head = parse_head(lines, self._who_field)
            if len(self.known) >= _HEADS_REMEMBERED:  # a date in each makes a new one every second
                self.known.clear()
            self.known[lines] = head
        return head


class AnswerReader:
    """One connection's answers, one at a time. `start` (of the body) is that of the last answer."""

    __slots__ = ("_body_bytes", "_head", "_heads", "_left", "_max_body", "_received", "_step", "start")

    def __init__(self, heads: HeadMemory, *, max_body_bytes: int) -> None:
        self._heads = heads
        self._max_body = max_body_bytes
        self._received = b""
        self.start = b""
        self._reset()

    def forget(self) -> None:
        """A new connection begins: nothing has come on it."""
        self._received = b""
        self._reset()

    def _reset(self) -> None:
        self._step: Callable[[], bool] = self._read_head
        self._head: Head | None = None
        self._body_bytes = 0
        self._left = 0

    def feed(self, data: bytes) -> Head | None:
        """The head of the answer that ends with ``data``; None while more must come.

        Raises AnswerError, also for bytes behind the answer: nobody asked for those.
        """
        if not self._received and self._head is None:
            # Nearly always: one answer in one read, with a head that is known.
            end = data.find(_END)
            head = self._heads.known.get(data[:end]) if end >= 0 else None
            if head is not None and head.length == len(data) - end - 4 <= self._max_body and not head.interim:
                self.start = data[end + 4 : end + 4 + START_BYTES]
                return head
        self._received = self._received + data if self._received else data
        while self._step():
            pass
        return self._finished() if self._step == self._over else None

    def end(self) -> Head:
        """The connection has ended: the head of the answer that ends so. Raises AnswerError if none does."""
        if self._step == self._read_until_close and self._head is not None:
            head = self._head
            self._reset()
            return head
        inside = self._received or self._head is not None
        raise AnswerError("closed inside the answer" if inside else "closed before the answer")

    def _finished(self) -> Head:
        head = self._head
        assert head is not None
        if self._received:
            raise AnswerError("bytes behind the answer")
        self._reset()
        return head

    def _read_head(self) -> bool:
        end = self._received.find(_END)
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._received) > MAX_HEAD_BYTES):
            raise AnswerError("the head is too large")
        if end < 0:
            # What is no HTTP at all need not be waited for.
            if not self._received.startswith(b"HTTP/1."[: len(self._received)]):
                raise AnswerError("not an HTTP/1 status line")
            return False
        head = self._heads.parse(self._received[:end])
        self._received = self._received[end + 4 :]
        if head.interim:
            return True
        self._head = head
        self.start = b""
        if head.chunked:
            self._step = self._read_chunk_line
        elif head.length is None:
            self._step = self._read_until_close
        else:
            self._count(head.length)
            self._left = head.length
            self._step = self._read_body
        return True

    def _count(self, size_bytes: int) -> None:
        self._body_bytes += size_bytes
        if self._body_bytes > self._max_body:
            raise AnswerError("the answer is too large")

    def _read_body(self) -> bool:
        self._drop()
        if not self._left:
            self._step = self._over
        return False

    def _drop(self) -> None:
        """Let go of body bytes that have come."""
        read = min(self._left, len(self._received))
        if len(self.start) < START_BYTES:
            self.start += self._received[: min(read, START_BYTES - len(self.start))]
        self._received = self._received[read:]
        self._left -= read

    def _read_until_close(self) -> bool:
        self._left = len(self._received)
        self._count(self._left)
        self._drop()
        return False

    def _line(self, limit_bytes: int) -> bytes | None:
        """The next line, without its end; None while it has not all come."""
        end = self._received.find(b"\r\n")
        if end > limit_bytes or (end < 0 and len(self._received) > limit_bytes):
            raise AnswerError("a line between chunks is too long")
        if end < 0:
            return None
        line, self._received = self._received[:end], self._received[end + 2 :]
        return line

    def _read_chunk_line(self) -> bool:
        line = self._line(MAX_CHUNK_LINE_BYTES)
        if line is None:
            return False
        size = _CHUNK_LINE.fullmatch(line)
        if size is None:
            raise AnswerError("a chunk without a size")
        self._left = int(size[1], 16)
        self._count(self._left)
        self._step = self._read_chunk if self._left else self._read_trailer
        return True

    def _read_chunk(self) -> bool:
        self._drop()
        if self._left or len(self._received) < 2:
            return False
        if not self._received.startswith(b"\r\n"):
            raise AnswerError("a chunk longer than its size")
        self._received = self._received[2:]
        self._step = self._read_chunk_line
        return True

    def _read_trailer(self) -> bool:
        line = self._line(MAX_HEAD_BYTES)
        if line is None:
            return False
        self._left += len(line)
        if self._left > MAX_HEAD_BYTES:
            raise AnswerError("the trailer is too large")
        if not line:
            self._step = self._over
        return bool(line)

    def _over(self) -> bool:
        return False
