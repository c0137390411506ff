"""Line framing: chunks of bytes in, whole lines out. Pure; knows nothing of JSON or sockets."""

from __future__ import annotations

from collections.abc import Iterator

from userproxy.sources.kube.failures import WrongStream

__all__ = ["MAX_LINE_BYTES", "LineFramer"]

MAX_LINE_BYTES = 32 * 1024 * 1024
"""Rule R8. etcd refuses objects over 1.5 MiB by default, and JSON is a few times larger than protobuf;
aiohttp's own line reading would stop at 512 KiB."""


class LineFramer:
    """Cuts a stream into lines, wherever its chunks are split (rule R8).

    A line ends with LF or CRLF; blank lines are left out. What it keeps is bounded by one line.
    """

    __slots__ = ("_kept", "_kept_bytes", "_max_line_bytes")

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._kept: list[bytes] = []
        self._kept_bytes = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield each line that ``chunk`` completes; read to the end, or give up the stream.

        Raises WrongStream at the first line that is too long, after the lines before it.
        """
        start = 0
        # Only the new chunk is searched, so a long line costs its length once, however finely it is split.
        while (end := chunk.find(b"\n", start)) >= 0:
            self._keep(chunk[start:end])
            start = end + 1
            line = b"".join(self._kept).strip()
            self._kept.clear()
            self._kept_bytes = 0
            if line:
                yield line
        self._keep(chunk[start:])

    def rest(self) -> bytes:
        """What came after the last line end: a stream that ends here was cut, or spared its last LF."""
        return b"".join(self._kept).strip()

    def _keep(self, part: bytes) -> None:
        self._kept_bytes += len(part)
        if self._kept_bytes > self._max_line_bytes:
            raise WrongStream(f"a line of the watch is longer than {self._max_line_bytes} bytes")
        if part:
            self._kept.append(part)
