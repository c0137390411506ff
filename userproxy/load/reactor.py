"""One edge-triggered epoll. Each descriptor is registered once; a turn serves one batch of events."""

from __future__ import annotations

import select
from _socket import socket as Socket
from collections.abc import Callable

__all__ = ["ENDED", "IN", "OUT", "READS", "Reactor"]

IN = select.EPOLLIN
OUT = select.EPOLLOUT
ENDED = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
"""Any of these: the stream has an end, or an error."""
_STREAM = IN | OUT | select.EPOLLRDHUP | select.EPOLLET
READS = IN | select.EPOLLET
"""For datagrams: each one that leaves would bring an edge that says writable."""
LONG_NS = 4_000_000
"""Waits from here on end up to half of it earlier, and the rest is waited for more exactly."""
BATCH = 64
"""Events before the clock is looked at again."""


class Reactor:
    """Calls the handler of each descriptor that is ready."""

    __slots__ = ("_closing", "_epoll", "_handlers")

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._closing: list[Socket] = []

    def watch(self, fd: int, handler: Callable[[int], None], events: int = _STREAM) -> None:
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def hand_over(self, fd: int, handler: Callable[[int], None]) -> None:
        """``handler`` is told of ``fd`` from now on."""
        self._handlers[fd] = handler

    def forget(self, fd: int) -> None:
        del self._handlers[fd]
        self._epoll.unregister(fd)

    def close_later(self, sock: Socket) -> None:
        """Close at the end of the batch, so that no event of this batch meets a reused number."""
        del self._handlers[sock.fileno()]
        self._closing.append(sock)

    def turn(self, wait_ns: int) -> None:
        """Wait at most so long for events, and serve one batch."""
        wait_s = 0.0
        if wait_ns >= LONG_NS:
            wait_s = (wait_ns - LONG_NS // 2) / 1e9
        elif wait_ns > 0:
            # epoll_wait counts whole milliseconds and select(2) microseconds, but it costs one more call.
            select.select((self._epoll,), (), (), wait_ns / 1e9)
        handlers = self._handlers
        for fd, mask in self._epoll.poll(wait_s, BATCH):
            handler = handlers.get(fd)
            if handler is not None:
                handler(mask)
        for sock in self._closing:
            sock.close()
        self._closing.clear()

    def close(self) -> None:
        """Sockets are their owners' to close."""
        for sock in self._closing:
            sock.close()
        self._epoll.close()
