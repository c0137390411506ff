"""What all clients do alike: begin, count, give up waiting, and begin anew after a failure."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod

from benchmarks.actors.assignment import Assignment
from benchmarks.actors.reactor import IN

__all__ = ["Client"]

RETRY_S = 0.1


class Client(ABC):
    """One socket at a time, one ask at a time; owns its socket. Ends when nothing more is to be asked."""

    timeout_s = 10.0
    """An ask that does not go on for so long has failed."""
    events = IN
    """What is waited for on a new socket."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._reactor = assignment.reactor
        self._sock: socket.socket | None = None
        self._asks_left: int | None = None
        self._since = 0.0
        """When something last went on."""
        self._retry_at: float | None = None
        assignment.active += 1

    def start(self) -> None:
        """Ask by a new socket, unless enough was asked."""
        self._retry_at = None
        if not self._assignment.take():
            self._assignment.active -= 1
            return
        self._asks_left = self._assignment.asks
        try:
            sock = self._sock = self._open()
            self._reactor.watch(sock.fileno(), self._handle, self.events)
            self._ask_now(sock)
        except OSError as error:
            self._fail(str(error))

    def tick(self) -> None:
        """To be called now and then."""
        now = self._reactor.now
        if self._retry_at is not None:
            if now >= self._retry_at:
                self.start()
        elif self._sock is not None and now - self._since > self.timeout_s:
            self._fail(f"no answer within {self.timeout_s:g} s")

    @abstractmethod
    def _open(self) -> socket.socket:
        """A new socket that does not block, on its way to be connected. Raises OSError, with it closed."""

    @abstractmethod
    def _ask(self, sock: socket.socket) -> None:
        """Begin one ask. Raises OSError."""

    @abstractmethod
    def _ready(self, sock: socket.socket, events: int) -> None:
        """Go on; the end is told to `_answered`. Raises OSError, ValueError for a wrong answer."""

    def _ask_now(self, sock: socket.socket) -> None:
        self._since = self._reactor.now
        self._ask(sock)

    def _handle(self, events: int) -> None:
        sock = self._sock
        if sock is None:
            return
        try:
            self._ready(sock, events)
        except BlockingIOError:
            return
        except (OSError, ValueError) as error:
            self._fail(str(error))

    def _answered(self, sock: socket.socket, *, over: bool = False) -> None:
        """The answer was right; ask again, by a new socket when this one is ``over`` or has asked enough."""
        self._assignment.tally.done += 1
        if self._asks_left is not None:
            self._asks_left -= 1
            over = over or not self._asks_left
        if over:
            self._close()
            self.start()
        elif self._assignment.take():
            self._ask_now(sock)
        else:
            self._close()
            self._assignment.active -= 1

    def _fail(self, error: str) -> None:
        self._assignment.tally.fail(error)
        self._close()
        self._retry_at = self._reactor.now + RETRY_S

    def _close(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            self._reactor.forget(sock.fileno())
            sock.close()
