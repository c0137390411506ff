"""Takes streams of the pattern, checks every byte, and answers the end of a stream with its length."""

from __future__ import annotations

import contextlib
import socket
import struct

from benchmarks.actors.messages import BULK_BYTES, PATTERN, PERIOD
from benchmarks.actors.reactor import Reactor

__all__ = ["BulkEndpoint"]

_RESET = struct.pack("ii", 1, 0)
_buffer = bytearray(BULK_BYTES)
_view = memoryview(_buffer)


class BulkEndpoint:
    """Owns a listener on 127.0.0.1 and the streams that come by it; a wrong byte resets a stream."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._streams: set[_Stream] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.address: tuple[str, int] = self._listener.getsockname()
        reactor.watch(self._listener.fileno(), self._accept)

    def close(self) -> None:
        self._reactor.forget(self._listener.fileno())
        self._listener.close()
        for stream in tuple(self._streams):
            stream.close(reset=True)

    def _accept(self, _: int) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        _Stream(self._reactor, sock, self._streams)


class _Stream:
    def __init__(self, reactor: Reactor, sock: socket.socket, siblings: set[_Stream]) -> None:
        self._reactor = reactor
        self._sock = sock
        self._siblings = siblings
        self._total_bytes = 0
        siblings.add(self)
        reactor.watch(sock.fileno(), self._ready)

    def close(self, *, reset: bool) -> None:
        self._siblings.discard(self)
        self._reactor.forget(self._sock.fileno())
        if reset:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._sock.close()

    def _ready(self, _: int) -> None:
        try:
            size = self._sock.recv_into(_buffer)
        except BlockingIOError:
            return
        except OSError:
            self.close(reset=False)
            return
        if not size:
            self._answer()
        elif PATTERN.startswith(_view[:size], self._total_bytes % PERIOD):
            self._total_bytes += size
        else:
            self.close(reset=True)

    def _answer(self) -> None:
        with contextlib.suppress(OSError):  # the client has gone, and counts this stream as failed
            self._sock.send(b"%d\n" % self._total_bytes)
        self.close(reset=False)
