"""One TCP connection that asks and is answered, one message at a time; made anew when it is gone."""

from __future__ import annotations

import errno
import os
import socket
from _socket import socket as Socket
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic_ns

from userproxy.load.dispatcher import Dispatcher
from userproxy.load.farewells import Farewells
from userproxy.load.http_head import AnswerError
from userproxy.load.plan import Plan
from userproxy.load.reactor import ENDED, IN, OUT, Reactor
from userproxy.load.tally import Tally

__all__ = ["SocketAddress", "TcpExchange", "Wiring"]

READ_BYTES = 16 * 1024
SocketAddress = tuple[str, int] | tuple[str, int, int, int]


@dataclass(slots=True)
class Wiring:
    """What all connections of a run share."""

    plan: Plan
    family: int
    address: SocketAddress
    reactor: Reactor
    tally: Tally
    dispatcher: Dispatcher
    farewells: Farewells
    now_ns: Callable[[], int] = monotonic_ns


class TcpExchange:
    """Owns its socket. Subclasses say what is sent and when it is answered."""

    __slots__ = ("_asked_ns", "_began_ns", "_connecting", "_fd", "_intended_ns", "_opened", "_sock",
                 "_unsent", "_wiring", "busy")  # fmt: skip

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._sock: Socket | None = None
        self._fd = -1
        self._connecting = False
        self._opened: Callable[[str], None] | None = None
        self._unsent = memoryview(b"")
        self._intended_ns = 0
        self._began_ns = 0
        self._asked_ns = 0
        self.busy = False
        """A request is on its way."""

    # What a protocol adds.

    def _message(self) -> bytes:
        """The next request."""
        raise NotImplementedError

    def _received(self, data: bytes) -> bool:
        """Take bytes that came for the request; True when it is answered. Raises AnswerError."""
        raise NotImplementedError

    def _stream_ended(self) -> None:
        """The server has ended the stream while a request waits: answered by that, or AnswerError."""
        raise AnswerError("closed before the answer")

    def _stays(self) -> bool:
        """After an answer: the connection can be used again."""
        return True

    def _server_closes(self) -> bool:
        """It has said that it will end the connection behind its answer."""
        return False

    def _is_connected(self) -> bool:
        """A connection was made; True when a request may be sent at once."""
        return True

    # Its life.

    @property
    def slots(self) -> tuple[TcpExchange]:
        return (self,)

    def open(self, opened: Callable[[str], None]) -> None:
        """Connect before the start; ``opened`` is told "" or what is wrong, once.

        Where each request has a connection of its own, there is nothing to open.
        """
        if not self._wiring.plan.keep_alive:
            opened("")
            return
        self._opened = opened
        self._connect(self._wiring.now_ns())

    def start(self, intended_ns: int, now_ns: int) -> None:
        self.busy = True
        self._intended_ns = intended_ns
        self._began_ns = now_ns
        if self._fd < 0:
            self._connect(now_ns)
        else:
            self._send(now_ns)

    def expire(self, now_ns: int, timeout_ns: int) -> None:
        """Give up what has taken longer than ``timeout_ns``."""
        if (self.busy or self._opened is not None) and now_ns - self._began_ns > timeout_ns:
            self._fail("connect: timeout" if self._connecting else "timeout", now_ns)

    def close(self) -> None:
        if self._sock is not None:
            self._wiring.reactor.close_later(self._sock)
            self._sock = None
        self._fd = -1
        self._connecting = False
        self._unsent = memoryview(b"")

    def ready(self, mask: int) -> None:
        """Serve the events of ``mask``."""
        if self._connecting and not self._connect_ready():
            return
        if mask & (IN | ENDED) and self._fd >= 0:
            self._read(mask)
        if self._unsent and mask & OUT:
            self._write(self._unsent)

    def _connect(self, now_ns: int) -> None:
        wiring = self._wiring
        self._began_ns = now_ns
        try:
            sock = Socket(wiring.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        except OSError as error:  # no descriptor is left
            self._fail(_kind("connect: ", error), now_ns, rest=True)
            return
        self._sock = sock
        self._fd = sock.fileno()
        wiring.reactor.watch(self._fd, self.ready)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connecting = True
        code = sock.connect_ex(wiring.address)
        if code not in (0, errno.EINPROGRESS):
            self._fail(_kind("connect: ", OSError(code, "")), now_ns, rest=True)

    def _connect_ready(self) -> bool:
        """True when it is connected and the events that came may mean more."""
        sock = self._sock
        assert sock is not None
        now_ns = self._wiring.now_ns()
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._fail(_kind("connect: ", OSError(code, "")), now_ns, rest=True)
            return False
        self._connecting = False
        self._wiring.tally.connect.record(now_ns - self._began_ns)
        if self._is_connected():
            self._usable(now_ns)
        return self._fd >= 0

    def _usable(self, now_ns: int) -> None:
        """Connected, and whatever comes before requests has come."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened("")
        elif self.busy:
            self._send(now_ns)

    def _send(self, now_ns: int) -> None:
        self._asked_ns = now_ns
        self._write(self._message())

    def _write(self, data: bytes | memoryview) -> None:
        try:
            written = os.write(self._fd, data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._fail(_kind("", error), self._wiring.now_ns())
            return
        if written != len(data):
            self._unsent = memoryview(data)[written:]
        elif self._unsent:
            self._unsent = memoryview(b"")

    def _read(self, mask: int) -> None:
        """Read until nothing waits; edges come once."""
        fd = self._fd
        while True:
            try:
                data = os.read(fd, READ_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                self._broken(_kind("", error))
                return
            try:
                if not data:
                    self._end_of_stream()
                    return
                if not self._take(data, mask):
                    return
            except AnswerError as error:
                self._broken(str(error))
                return
            if len(data) < READ_BYTES and not mask & ENDED:
                return

    def _take(self, data: bytes, mask: int) -> bool:
        """False when this connection is over. Raises AnswerError."""
        if not self.busy and self._opened is None:
            self.close()  # a word that nobody asked for, as a 408 before a close
            return False
        if not self._received(data):
            return True
        if mask & ENDED or not self._stays():
            self._part(mask)
            self._answered()
            return False
        self._answered()
        return True

    def _part(self, mask: int) -> None:
        """Done with this connection. A server that has not ended it yet, and said that it will, may do so."""
        if mask & ENDED or not self._server_closes() or self._sock is None:
            self.close()
            return
        sock, self._sock = self._sock, None
        self._fd = -1
        self._wiring.farewells.take(sock, self._wiring.now_ns())

    def _answered(self) -> None:
        self.busy = False
        self._wiring.dispatcher.free(self, self._wiring.now_ns())

    def _end_of_stream(self) -> None:
        if self.busy or self._opened is not None:
            self._stream_ended()
            self.close()
            self._answered()
        else:
            self.close()

    def _broken(self, kind: str) -> None:
        if self.busy or self._opened is not None:
            self._fail(kind, self._wiring.now_ns())
        else:
            self.close()

    def _fail(self, kind: str, now_ns: int, *, rest: bool = False) -> None:
        self.close()
        opened, self._opened = self._opened, None
        if opened is not None:
            opened(kind)
            return
        self.busy = False
        self._wiring.tally.failed(kind, self._intended_ns, now_ns)
        self._wiring.dispatcher.free(self, now_ns, rest=rest)


def _kind(prefix: str, error: OSError) -> str:
    return f"{prefix}{os.strerror(error.errno or 0).lower()}"
