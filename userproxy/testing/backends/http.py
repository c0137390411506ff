"""An HTTP/1.1 server that says its name: enough of RFC 9112 for load generators and for curl."""

from __future__ import annotations

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

    def _connection(self) -> StreamConnection:
        return _HttpConnection(self)


class _HttpConnection(StreamConnection):
    backend: HttpBackend

    def __init__(self, backend: HttpBackend) -> None:
        super().__init__(backend)
        self._received = bytearray()
        self._body_left = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._received += data
        while self._received and not self.transport.is_closing():
            if self._body_left:
                read = min(self._body_left, len(self._received))
                del self._received[:read]
                self._body_left -= read
                continue
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                if len(self._received) > _MAX_HEAD_BYTES:
                    self._answer("431 Request Header Fields Too Large", close=True)
                return
            head = bytes(self._received[:end]).decode("latin-1")
            del self._received[: end + 4]
            self._request(head)

    def _request(self, head: str) -> None:
        start, _, lines = head.partition("\r\n")
        method, version = start.partition(" ")[0], start.rpartition(" ")[2]
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines.split("\r\n"))
        }
        if "transfer-encoding" in fields:
            self._answer("501 Not Implemented", close=True)
            return
        length = fields.get("content-length", "0")
        if not version.startswith("HTTP/1.") or not length.isdigit():
            self._answer("400 Bad Request", close=True)
            return
        self._body_left = int(length)
        connection = fields.get("connection", "").lower()
        close = connection == "close" or (version == "HTTP/1.0" and connection != "keep-alive")
        self.backend.requests += 1
        self._answer("200 OK", close=close, body=method != "HEAD")

    def _answer(self, status: str, *, close: bool, body: bool = True) -> None:
        name = self.backend.name
        content = f"{name}\n".encode() if status.startswith("200") else f"{status}\n".encode()
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nX-Backend: {name}\r\n"
            f"Content-Length: {len(content)}\r\nConnection: {'close' if close else 'keep-alive'}\r\n\r\n"
        )
        self.transport.write(head.encode() + (content if body else b""))
        if close:
            self.transport.close()
