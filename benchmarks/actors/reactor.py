"""One level-triggered epoll, and standard input as a stream of commands."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable

__all__ = ["IN", "OUT", "Reactor", "read_commands"]

IN = select.EPOLLIN
OUT = select.EPOLLOUT
TICK_S = 0.1
_BATCH = 256


class Reactor:
    """Calls the handler of each descriptor that is ready.

    A handler may be called once for nothing after its descriptor's number was given to a new socket.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self.now = time.monotonic()
        """Seconds, at the last tick: a clock that costs nothing."""

    def watch(self, fd: int, handler: Callable[[int], None], events: int = IN) -> None:
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        """Before ``fd`` is closed."""
        del self._handlers[fd]
        self._epoll.unregister(fd)

    def run(self, going_on: Callable[[], bool], tick: Callable[[], None] = lambda: None) -> None:
        """Serve while ``going_on``; ``tick`` is called about ten times a second."""
        poll = self._epoll.poll
        handlers = self._handlers
        while going_on():
            for fd, events in poll(TICK_S, _BATCH):
                handler = handlers.get(fd)
                if handler is not None:
                    handler(events)
            now = time.monotonic()
            if now - self.now >= TICK_S:
                self.now = now
                tick()
        self._epoll.close()


def read_commands(reactor: Reactor, on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
    """Give each line of standard input (a pipe) to ``on_line``; its end is told once."""
    fd = sys.stdin.fileno()
    received = b""

    def readable(_: int) -> None:
        nonlocal received
        data = os.read(fd, 4096)
        if not data:
            reactor.forget(fd)
            on_end()
            return
        *lines, received = (received + data).split(b"\n")
        for line in lines:
            on_line(line.decode())

    reactor.watch(fd, readable)
