"""Takes or sends parts of the pattern, as a client asks: ``PUSH`` or ``PULL``, and how many bytes.

No half-close is needed, which some proxies do not pass on. What was pushed is compared, and then
acknowledged by its length; a wrong byte resets the stream.
"""

from __future__ import annotations

import socket
import struct

from benchmarks.actors.messages import BULK_BYTES, PATTERN, PERIOD
from benchmarks.actors.reactor import IN, OUT, Reactor

__all__ = ["ACKNOWLEDGEMENT", "ASK", "PULL", "PUSH", "TransferEndpoint"]

ASK = struct.Struct("!cQ")
ACKNOWLEDGEMENT = struct.Struct("!Q")
PULL = b"<"
PUSH = b">"
_RESET = struct.pack("ii", 1, 0)
_buffer = bytearray(BULK_BYTES)
_view = memoryview(_buffer)
_pattern = memoryview(PATTERN)


class TransferEndpoint:
    """Owns a listener on 127.0.0.1 and the streams that come by it; each serves one ask at a time."""

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
            stream.close()

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
        self._asked = b""
        self._pushing = False
        self._position = self._end = 0
        siblings.add(self)
        reactor.watch(sock.fileno(), self._ready)

    def close(self, *, reset: bool = False) -> None:
        self._siblings.discard(self)
        self._reactor.forget(self._sock.fileno())
        if reset:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._sock.close()

    def _ready(self, events: int) -> None:
        try:
            if self._position == self._end:
                self._read_ask()
            elif self._pushing:
                self._take()
            else:
                self._give()
        except BlockingIOError:
            return
        except OSError:  # the client has gone, and counts this stream as failed
            self.close()

    def _read_ask(self) -> None:
        data = self._sock.recv(ASK.size - len(self._asked))
        if not data:
            self.close()
            return
        self._asked += data
        if len(self._asked) == ASK.size:
            way, self._end = ASK.unpack(self._asked)
            self._asked = b""
            self._position = 0
            self._pushing = way == PUSH
            if not self._pushing:
                self._reactor.change(self._sock.fileno(), OUT)

    def _take(self) -> None:
        size = self._sock.recv_into(_view[: self._end - self._position])
        if not size or not PATTERN.startswith(_view[:size], self._position % PERIOD):
            self.close(reset=True)
            return
        self._position += size
        if self._position == self._end:
            self._sock.send(ACKNOWLEDGEMENT.pack(self._end))

    def _give(self) -> None:
        size = min(BULK_BYTES, self._end - self._position)
        place = self._position % PERIOD
        self._position += self._sock.send(_pattern[place : place + size])
        if self._position == self._end:
            self._reactor.change(self._sock.fileno(), IN)
