"""Dialling: which endpoint to try next and for how long (pure), and the TCP connect itself.

A dial is a seam: `Dialler` turns an endpoint into a connected socket and the relay never knows how.
"""

from __future__ import annotations

import errno
import socket
from _socket import socket as Socket
from collections.abc import Callable, Collection
from typing import Protocol

from userproxy.dataplane.engine import ERR, HUP, OUT, Engine
from userproxy.dataplane.sockets import tune_endpoint_socket
from userproxy.model.routes import Endpoint

__all__ = ["Attempt", "DialDone", "DialPlan", "Dialler", "TcpDialler"]

_BROKEN = ERR | HUP
_OVER = OUT | _BROKEN

DialDone = Callable[[Socket | None, int, OSError | None], None]
"""``(socket, mask, None)`` with what readiness has been told of it, or ``(None, 0, error)``."""


class DialPlan:
    """One round of attempts (rule B4): each endpoint once before any twice, each attempt with its limit."""

    __slots__ = ("_last", "attempts", "timeouts_s", "total", "tried")

    def __init__(self, timeouts_s: tuple[float, ...]) -> None:
        self.timeouts_s = timeouts_s
        self.attempts = 0
        """Attempts of this round."""
        self.total = 0
        """Attempts of all rounds."""
        self.tried: Collection[Endpoint] = ()
        """Those that failed in this round; nearly always none."""
        self._last: Endpoint | None = None

    def next(
        self, choose: Callable[[Collection[Endpoint]], Endpoint | None]
    ) -> tuple[Endpoint, float] | None:
        """The endpoint to try now and its time limit in seconds; None when the round is over.

        ``choose`` is given the endpoints to leave out and returns None when there is no other.
        """
        attempts = self.attempts
        if attempts >= len(self.timeouts_s):
            return None
        if self._last is not None:
            self.tried = {*self.tried, self._last}
        endpoint = choose(self.tried)
        if endpoint is None and self.tried:
            self.tried = ()
            endpoint = choose(self.tried)
        if endpoint is None:
            return None
        self._last = endpoint
        self.attempts = attempts + 1
        self.total += 1
        return endpoint, self.timeouts_s[attempts]

    def new_round(self) -> None:
        """Start again after a pause (rule L9)."""
        self.attempts = 0
        self.tried = ()
        self._last = None


class Attempt(Protocol):
    """A dial under way."""

    def cancel(self) -> None:
        """Give it up; its ``done`` is not called any more."""
        ...


class Dialler(Protocol):
    """From an endpoint to a connected, non-blocking stream socket."""

    def dial(self, endpoint: Endpoint, done: DialDone) -> Attempt | None:
        """Start; ``done`` is called once, perhaps before this returns (then None is returned).

        The socket belongs to ``done``'s owner from that call on, watched by the engine or not. Through a TCP
        socket nothing has been sent yet: the kernel's count of what it takes is that of the client's bytes.
        """
        ...


class TcpDialler:
    """A plain TCP connect. Never blocks."""

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def dial(self, endpoint: Endpoint, done: DialDone) -> Attempt | None:
        family = socket.AF_INET6 if ":" in endpoint.ip else socket.AF_INET
        try:
            sock = Socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        except OSError as error:  # EMFILE, ENFILE, EAFNOSUPPORT
            done(None, 0, error)
            return None
        code = sock.connect_ex((endpoint.ip, endpoint.port))
        if code not in (0, errno.EINPROGRESS):
            sock.close()
            done(None, 0, OSError(code, f"connect to {endpoint} failed"))
            return None
        tune_endpoint_socket(sock)
        attempt = _Connecting(self._engine, sock, endpoint, done)
        self._engine.watch(sock.fileno(), attempt)
        return attempt


class _Connecting:
    """A TCP connect under way; owns the socket until it hands it to ``done``."""

    __slots__ = ("_done", "_endpoint", "_engine", "_sock")

    def __init__(self, engine: Engine, sock: Socket, endpoint: Endpoint, done: DialDone) -> None:
        self._engine = engine
        self._sock = sock
        self._endpoint = endpoint
        self._done: DialDone | None = done

    def ready(self, mask: int) -> None:
        done = self._done
        if done is None or not mask & _OVER:
            return
        self._done = None
        if mask & _BROKEN:
            # Nothing was sent, so a reset right after the connect may be tried elsewhere too.
            code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or errno.ECONNRESET
            self._fail(done, OSError(code, f"connect to {self._endpoint} failed"))
        elif self._connected_to_itself():
            self._fail(done, OSError(errno.ECONNREFUSED, f"nobody listens on {self._endpoint}"))
        else:
            done(self._sock, mask, None)

    def _connected_to_itself(self) -> bool:
        """Loopback and an ephemeral port: the kernel may have chosen the target as our own port.

        Such a simultaneous open with oneself (RFC 9293, section 3.5) would echo the client's bytes.
        """
        name = self._sock.getsockname()
        return bool(name[1] == self._endpoint.port and name[:2] == self._sock.getpeername()[:2])

    def _fail(self, done: DialDone, error: OSError) -> None:
        self._engine.close_later(self._sock, reset=True)
        done(None, 0, error)

    def failed(self, error: Exception) -> None:
        self.cancel()

    def cancel(self) -> None:
        if self._done is not None:
            self._done = None
            self._engine.close_later(self._sock, reset=True)
