"""Readiness: one edge-triggered epoll for all sockets of the data plane, nested in whatever loop runs.

The loop watches a single descriptor, that of the epoll; a wake-up hands a batch of events to their
handlers. A registration costs one ``epoll_ctl`` in the life of a socket, which is what makes short
connections cheap (docs/architecture.md). The engine owns the epoll only; handlers own their sockets
and give them back with `close_later`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import socket
import struct
import sys
from _socket import socket as Socket
from collections.abc import Callable
from typing import Protocol

__all__ = ["ERR", "HUP", "IN", "OUT", "RDHUP", "READS", "Engine", "FastSide", "Handler"]

logger = logging.getLogger(__name__)

IN = select.EPOLLIN
OUT = select.EPOLLOUT
RDHUP = select.EPOLLRDHUP
ERR = select.EPOLLERR
HUP = select.EPOLLHUP
_ALL = IN | OUT | RDHUP | select.EPOLLET
READS = IN
"""For datagram sockets: by level, so that whoever reads some of what has come is told again of the rest."""
_PLAIN = IN | OUT
"""There is something to read, and what can be written is more than nothing, as it nearly always is."""

BATCH = 42
"""Events a wake-up; more stay in the epoll, whose descriptor stays readable. Room for so many is below 512
bytes, up to which CPython has an allocator that is cheaper than malloc(3)."""
SMALL_READ_BYTES = 512 - sys.getsizeof(b"")
"""A read on the fast path until a message fills it: as much as that allocator holds."""
LARGE_READ_BYTES = 16 * 1024
"""From then on. A read that fills this is no message any more: the slow path takes over."""
_RESET = struct.pack("ii", 1, 0)
_NONE, _SERVED, _UNSETTLED = range(3)
"""Of a batch: there is none; it is being served; and something is left for its end."""


class Handler(Protocol):
    """Whoever is told about one descriptor. Edges: a condition is told once, until it is used up."""

    def ready(self, mask: int) -> None:
        """``mask`` is made of IN, OUT, RDHUP, ERR, HUP. IN stays true until a read would block."""
        ...

    def failed(self, error: Exception) -> None:
        """`ready` raised: a fault of ours. Ends what the handler stands for, and nothing else."""
        ...


class FastSide(Protocol):
    """A side of an idle, unblocked pair, served inside `Engine` without a call (see `Engine.fast`)."""

    peer_fd: int
    read_bytes: int

    def leave_fast(self, data: bytes, sent: int) -> None:
        """``data`` was read and ``sent`` bytes of it written: go on with the slow path.

        What was written without this call is not counted here: the kernel does.
        """
        ...

    def read_failed(self, error: OSError) -> None: ...

    def write_failed(self, data: bytes, error: OSError) -> None: ...


class Engine:
    """Batches of readiness events on the running loop. Not for other threads."""

    __slots__ = (
        "_again",
        "_batch",
        "_closing",
        "_epoll",
        "_loop",
        "_paused",
        "_poll",
        "_scheduled",
        "_settling",
        "fast",
        "handlers",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._poll = self._epoll.poll
        self.handlers: list[Handler | None] = []
        """By descriptor."""
        self.fast: list[FastSide | None] = []
        """By descriptor, those of pairs where nothing waits: served by one read and one write."""
        self._closing: list[Socket] = []
        self._settling: list[Callable[[], None]] = []
        self._again: list[Callable[[], None]] = []
        self._batch = _NONE
        self._scheduled = False
        self._paused = False
        loop.add_reader(self._epoll.fileno(), self._wake)

    def pause(self) -> None:
        """Tell nobody anything until `resume`; what happens meanwhile is told then."""
        self._paused = True
        self._loop.remove_reader(self._epoll.fileno())

    def resume(self) -> None:
        self._paused = False
        self._loop.add_reader(self._epoll.fileno(), self._wake)
        if self._again and not self._scheduled:
            self._schedule()

    def close(self) -> None:
        """Stop watching. Sockets are the handlers' to close, before this."""
        self._paused = True  # for good
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        # Emptied and not shortened: the rest of a batch may still be looked up.
        self.handlers[:] = [None] * len(self.handlers)
        self.fast[:] = [None] * len(self.fast)
        self._again.clear()

    def watch(self, fd: int, handler: Handler, events: int = _ALL) -> None:
        """Tell ``handler`` about ``fd``; the conditions that hold now come with the next batch.

        ERR and HUP are told whatever ``events`` says. A descriptor that is watched already only changes its
        handler: edges that were told stay told.
        """
        handlers = self.handlers
        if fd >= len(handlers):
            self._grow(fd)
        if handlers[fd] is None:
            self._epoll.register(fd, events)
        handlers[fd] = handler

    def hand_over(self, fd: int, handler: Handler) -> None:
        """From now on ``handler`` is told about ``fd``, which is watched already."""
        self.handlers[fd] = handler

    def _grow(self, fd: int) -> None:
        more = [None] * (2 * fd + 64 - len(self.handlers))
        self.handlers += more
        self.fast += more

    def forget(self, fd: int) -> None:
        """Stop telling anybody about ``fd``; closing it takes it out of the epoll."""
        if fd < len(self.handlers):
            self.handlers[fd] = self.fast[fd] = None

    def unwatch(self, fd: int) -> None:
        """`forget`, for a socket that another process may have too: a close alone leaves it in the epoll."""
        if fd < len(self.handlers) and self.handlers[fd] is not None:
            self._epoll.unregister(fd)
        self.forget(fd)

    def close_later(self, sock: Socket, *, reset: bool = False) -> None:
        """Close at the end of the batch, so that no event of this batch meets a reused number.

        ``reset``: the peer gets RST instead of FIN (SO_LINGER 0), and what the kernel has not sent is lost.
        """
        fd = sock.fileno()
        if fd < len(self.handlers):  # as `forget`
            self.handlers[fd] = self.fast[fd] = None
        if reset:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            except OSError:  # already disconnected: there is nobody to be told
                logger.debug("SO_LINGER was refused on a socket that is closed now")
        if self._batch:
            self._batch = _UNSETTLED
            self._closing.append(sock)
        else:
            sock.close()

    def after_batch(self, callback: Callable[[], None]) -> None:
        """Call once the descriptors of this batch are closed: the time to accept new ones."""
        if self._batch:
            self._batch = _UNSETTLED
            self._settling.append(callback)
        else:
            self.again(callback)

    def again(self, callback: Callable[[], None]) -> None:
        """Call in the next batch, which comes after others had their turn."""
        self._again.append(callback)
        if not self._scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._scheduled = True
        self._loop.call_soon(self._wake_again)

    def _wake_again(self) -> None:
        """A batch that begins with what goes on."""
        self._scheduled = False
        if self._paused:
            return
        self._batch = _SERVED
        callbacks, self._again = self._again, []
        for callback in callbacks:
            self._run(callback)
        if self._batch != _SERVED:
            self._end_batch()
        self._batch = _NONE
        if not self._paused:
            self._wake()

    def _wake(self) -> None:
        """Serve one batch. The one hot function: every forwarded byte passes here."""
        self._batch = _SERVED
        fast = self.fast
        read = os.read
        write = os.write
        for fd, mask in self._poll(0, BATCH):
            try:
                side = fast[fd]
                if side is None or mask != _PLAIN:
                    handler = self.handlers[fd]
                    if handler is not None:
                        handler.ready(mask)
                    continue
                # An idle pair and a plain edge: one read, one write. All else goes the long way.
                most = side.read_bytes
                try:
                    data = read(fd, most)
                except BlockingIOError:
                    continue
                except OSError as error:
                    side.read_failed(error)
                    continue
                if not data:
                    side.leave_fast(data, 0)
                    continue
                try:
                    sent = write(side.peer_fd, data)
                except BlockingIOError:
                    sent = 0
                except OSError as error:
                    side.write_failed(data, error)
                    continue
                if sent != len(data) or sent == most:
                    side.leave_fast(data, sent)
            except Exception as error:
                self.contain(self.handlers[fd], error)
        if self._batch != _SERVED:
            self._end_batch()
        self._batch = _NONE

    @staticmethod
    def contain(handler: Handler | None, error: Exception) -> None:
        """A fault of ours ends what ``handler`` stands for; the rest of the batch is served."""
        logger.error("a handler failed", exc_info=error)
        if handler is not None:
            try:
                handler.failed(error)
            except Exception:
                logger.exception("and ending it failed too")

    def _end_batch(self) -> None:
        for sock in self._closing:
            sock.close()
        self._closing.clear()
        callbacks, self._settling = self._settling, []
        for callback in callbacks:
            self._run(callback)
        for sock in self._closing:  # what those ended at once
            sock.close()
        self._closing.clear()

    def _run(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            logger.exception("a continued piece of work failed")
