"""What came from the pod and the client has not taken."""

from __future__ import annotations

from _socket import socket as Socket
from collections import deque

__all__ = ["Unread"]


class Unread:
    """In order, behind what the socket has taken. A socket whose other end is gone takes everything."""

    __slots__ = ("_parts", "size_bytes")

    def __init__(self) -> None:
        self._parts: deque[bytes | memoryview] = deque()
        self.size_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._parts)

    def put(self, sock: Socket, data: memoryview) -> None:
        """Give ``data`` to ``sock``, and keep what it does not take."""
        sent = _sent(sock, data) if not self._parts else 0
        if sent < len(data):
            self._parts.append(bytes(data[sent:]))
            self.size_bytes += len(data) - sent

    def flush(self, sock: Socket) -> None:
        """Give ``sock`` what it takes now."""
        while self._parts:
            data = self._parts[0]
            sent = _sent(sock, data)
            self.size_bytes -= sent
            if sent < len(data):
                self._parts[0] = memoryview(data)[sent:]
                return
            self._parts.popleft()

    def clear(self) -> None:
        self._parts.clear()
        self.size_bytes = 0


def _sent(sock: Socket, data: bytes | memoryview) -> int:
    try:
        return sock.send(data)
    except BlockingIOError:
        return 0
    except (BrokenPipeError, ConnectionResetError):  # the relay is gone, and says so itself
        return len(data)
