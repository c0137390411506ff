"""One listening TCP address: accepts, refuses without giving the address up, stops without a loss."""

from __future__ import annotations

import errno
import logging
import socket
from _socket import socket as Socket
from collections.abc import Callable

from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.sockets import BACKLOG, share_address
from userproxy.dataplane.spreading import spread
from userproxy.log import log_event

__all__ = ["TcpListener"]

logger = logging.getLogger(__name__)

ACCEPT_BATCH = 64
"""Connections accepted in one turn, before others have theirs."""
PAUSE_S = 0.1
"""After running out of descriptors; a full queue brings no further edge, so a timer tries again."""
PAUSE_LOG_INTERVAL_S = 10.0
_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""accept(2): process or system limit, or no memory."""
_BROKEN_CONNECTION = frozenset(
    {
        errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENOPROTOOPT, errno.EHOSTDOWN, errno.ENONET,
        errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH, errno.EPERM, errno.EINTR,
    }
)  # fmt: skip
"""accept(2): the connection is gone already; the next one may be fine."""

Accepted = Callable[[Socket, str], None]
"""``(socket, client address)``: the socket is non-blocking and the callee's."""


class TcpListener:
    """Owns a bound socket (see `sockets.stream_listener`) from construction to `close`.

    Another process may have the same socket, and it may listen already; then connections may be queued.
    """

    __slots__ = (
        "_accepted", "_family", "_frozen", "_pausing", "_runtime", "_sock", "_spread_over", "listening",
    )  # fmt: skip

    def __init__(self, runtime: Runtime, sock: Socket, accepted: Accepted) -> None:
        self._runtime = runtime
        self._sock = sock
        self._family = sock.family
        self._accepted = accepted
        self._pausing = False
        self._frozen = False
        self._spread_over = 0
        self.listening = bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        if self.listening:
            runtime.engine.watch(sock.fileno(), self)

    def listen(self, spread_over: int = 0) -> None:
        """Take connections. Raises OSError when the address was taken while we refused.

        ``spread_over``: each client shall meet one of so many sockets of this address; 0: no matter which.
        """
        if not self.listening:
            share_address(self._sock, True)
            try:
                self._sock.listen(BACKLOG)
            except OSError:
                share_address(self._sock, False)
                raise
            self._spread_over = 0  # the kernel forgets it with the last listener of the address
            self.listening = True
            self._runtime.engine.watch(self._sock.fileno(), self)
        if spread_over != self._spread_over:
            self._spread_over = spread_over
            spread(self._sock, spread_over)

    def refuse(self) -> None:
        """Let the kernel refuse new connections; keeps the address. Queued ones are served first (rule L6).

        ``shutdown`` and not ``close``: a child that inherited the socket must not go on accepting.
        """
        if self.listening:
            self._accept_all()
            self.listening = False
            self._sock.shutdown(socket.SHUT_RDWR)
            share_address(self._sock, False)

    def close(self) -> None:
        """For good; gives the address up."""
        self.refuse()
        self._runtime.engine.unwatch(self._sock.fileno())
        self._runtime.engine.close_later(self._sock)

    @property
    def sock(self) -> Socket:
        """To be duplicated."""
        return self._sock

    def freeze(self) -> None:
        """Leave new connections in the queue until `thaw`: another process may accept them."""
        self._frozen = True
        self._runtime.engine.unwatch(self._sock.fileno())

    def thaw(self) -> None:
        """Whoever had the socket meanwhile may have shut it down."""
        self.listening = bool(self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        if self._frozen:
            self._frozen = False
            if self.listening:
                self._runtime.engine.watch(self._sock.fileno(), self)

    def release(self) -> None:
        """Give up this process's copy; the socket goes on as it is in another process, with its queue."""
        self.listening = False
        self._runtime.engine.unwatch(self._sock.fileno())
        self._runtime.engine.close_later(self._sock)

    def ready(self, mask: int) -> None:
        if self.listening:
            self._runtime.engine.after_batch(self._accept)

    def failed(self, error: Exception) -> None:
        """Accepting goes on: `ready` only asks for a turn."""

    def _accept(self) -> None:
        """Accept one turn's worth, then let others have theirs."""
        if not self.listening or self._pausing or self._frozen:
            return
        try:
            for _ in range(ACCEPT_BATCH):
                if not self._accept_one():
                    return
        except Exception:
            self._runtime.engine.again(self._accept)  # the edge is used up: the rest of the queue waits
            raise
        self._runtime.engine.again(self._accept)

    def _accept_all(self) -> None:
        """The queue. Who comes faster than that can be done came after the stop, and does not hold it up."""
        for _ in range(BACKLOG + 1):
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Hand one connection on; False when there is none, or no descriptors for it."""
        descriptors = self._runtime.descriptors
        if descriptors.used + 2 > descriptors.capacity:  # this one, and the one to its endpoint
            self._pause("the descriptor budget is used up")
            return False
        try:
            # What socket.accept() itself calls; typeshed leaves it out.
            fd, address = self._sock._accept()  # type: ignore[attr-defined]
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in _OUT_OF_DESCRIPTORS:
                self._pause(str(error.strerror))
                return False
            if error.errno in _BROKEN_CONNECTION:
                return True
            raise
        sock = Socket(self._family, socket.SOCK_STREAM, 0, fd)
        sock.setblocking(False)
        self._accepted(sock, address[0])
        return True

    def _pause(self, reason: str) -> None:
        if not self._pausing:
            self._pausing = True
            self._runtime.deadlines.after(PAUSE_S, self._resume)
        now = self._runtime.loop.time()
        if now >= self._runtime.next_pause_log:
            self._runtime.next_pause_log = now + PAUSE_LOG_INTERVAL_S
            host, port = self._sock.getsockname()[:2]
            log_event(
                logger, logging.WARNING, "accept_paused", listener=f"{host}:{port}", message=reason,
                retry_s=PAUSE_S,
            )  # fmt: skip

    def _resume(self) -> None:
        self._pausing = False
        self._accept()
