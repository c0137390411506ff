"""What stands for a pod: it sends, swallows or echoes, as the first bytes of a connection say."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

__all__ = ["echoed", "endpoint", "received", "sent"]

_REQUEST = struct.Struct("!cQ")
_SEND, _SWALLOW, _ECHO = b"d", b"u", b"e"
_CHUNK = bytes(256 * 1024)


@contextlib.contextmanager
def endpoint() -> Iterator[str]:
    """Serves while its block runs; gives "ip:port"."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        host, port = listener.getsockname()
        yield f"{host}:{port}"
        listener.shutdown(socket.SHUT_RDWR)


def received(sock: socket.socket, size_bytes: int) -> None:
    """Take ``size_bytes`` from the endpoint."""
    sock.sendall(_REQUEST.pack(_SEND, size_bytes))
    _swallow(sock, size_bytes)


def sent(sock: socket.socket, size_bytes: int) -> None:
    """Give the endpoint ``size_bytes``, until it says that it has them."""
    sock.sendall(_REQUEST.pack(_SWALLOW, size_bytes))
    _fill(sock, size_bytes)
    _swallow(sock, 1)


def echoed(sock: socket.socket) -> None:
    """One byte there and back."""
    sock.sendall(_REQUEST.pack(_ECHO, 1))
    _swallow(sock, 1)


def _accept(listener: socket.socket) -> None:
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(sock,), daemon=True).start()


def _serve(sock: socket.socket) -> None:
    with sock, contextlib.suppress(ConnectionError):
        while request := sock.recv(_REQUEST.size, socket.MSG_WAITALL):
            kind, size_bytes = _REQUEST.unpack(request)
            if kind == _SEND:
                _fill(sock, size_bytes)
            elif kind == _SWALLOW:
                _swallow(sock, size_bytes)
                sock.sendall(b"!")
            else:
                sock.sendall(b"!")


def _fill(sock: socket.socket, size_bytes: int) -> None:
    left = size_bytes
    while left:
        left -= sock.send(memoryview(_CHUNK)[: min(left, len(_CHUNK))])


def _swallow(sock: socket.socket, size_bytes: int) -> None:
    left, buffer = size_bytes, bytearray(256 * 1024)
    while left:
        count = sock.recv_into(buffer, min(left, len(buffer)))
        if not count:
            raise ConnectionError(f"it ended {left} bytes early")
        left -= count
