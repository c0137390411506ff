"""An HTTP/1.1 server that says its name: enough of RFC 9112 for load generators and for curl."""

from __future__ import annotations

from dataclasses import dataclass

from userproxy.testing.backends.stream import StreamBackend, StreamConnection

__all__ = ["HttpBackend"]

_MAX_HEAD_BYTES = 64 * 1024


class HttpBackend(StreamBackend):
    """Answers every request with its name and a line end; header ``X-Backend`` has the name too.

    Connections are kept alive unless the client says otherwise, and may be pipelined. Bodies of requests
    are read and dropped; chunked ones are refused (501).
    """

    requests = 0
    """Answered so far."""
    closes = False
    """Each answer ends its connection, as those of a server that is about to stop."""

    def _connection(self) -> StreamConnection:
        return _HttpConnection(self)


class _HttpConnection(StreamConnection):
    backend: HttpBackend

    def __init__(self, backend: HttpBackend) -> None:
        super().__init__(backend)
        self._received = bytearray()
        self._request: _Request | None = None
        """The request whose body is being read."""

    def received(self, data: bytes) -> None:
        self._received += data
        while not self.transport.is_closing():
            if self._request is None and not self._read_head():
                return
            if self._request is not None and not self._read_body(self._request):
                return

    def _read_head(self) -> bool:
        """Take the next head; False when it has not all come."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            if len(self._received) > _MAX_HEAD_BYTES:
                self._refuse("431 Request Header Fields Too Large")
            return False
        head = bytes(self._received[:end]).decode("latin-1")
        del self._received[: end + 4]
        start, _, lines = head.partition("\r\n")
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines.split("\r\n"))
        }
        length = fields.get("content-length", "0")
        version = start.rpartition(" ")[2]
        if "transfer-encoding" in fields:
            self._refuse("501 Not Implemented")
        elif not version.startswith("HTTP/1.") or not length.isdigit():
            self._refuse("400 Bad Request")
        else:
            connection = fields.get("connection", "").lower()
            closes = connection == "close" or (version == "HTTP/1.0" and connection != "keep-alive")
            self._request = _Request(start.partition(" ")[0], int(length), closes)
        return True

    def _read_body(self, request: _Request) -> bool:
        """Drop the body and answer behind it; False when it has not all come."""
        read = min(request.body_left, len(self._received))
        del self._received[:read]
        request.body_left -= read
        if request.body_left:
            return False
        self._request = None
        self.backend.requests += 1
        closes = request.closes or self.backend.closes
        self._answer("200 OK", f"{self.backend.name}\n", closes=closes, head=request.method == "HEAD")
        return True

    def _refuse(self, status: str) -> None:
        self._answer(status, f"{status}\n", closes=True)

    def _answer(self, status: str, content: str, *, closes: bool, head: bool = False) -> None:
        body = content.encode()
        fields = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"X-Backend: {self.backend.name}\r\nContent-Length: {len(body)}\r\n"
            f"Connection: {'close' if closes else 'keep-alive'}\r\n\r\n"
        )
        self.transport.write(fields.encode() + (b"" if head else body))
        if closes:
            self.transport.close()


@dataclass(slots=True)
class _Request:
    method: str
    body_left: int
    """Bytes of its body that have not come yet."""
    closes: bool
    """The client wants the connection closed behind the answer."""
