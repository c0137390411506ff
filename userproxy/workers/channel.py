"""One end of the socketpair between parent and worker: messages and descriptors, on the running loop.

Bounded by construction: a message is asked for when there is room to send it, so a slow reader makes nothing
grow; and what has come is handed on one message a turn of the loop, before more is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import orjson

from userproxy.errors import WorkerError
from userproxy.succession.rights import close_all, receive
from userproxy.workers.framing import MOST_DESCRIPTORS, Decoder, frame

__all__ = ["HUNG_UP", "Channel", "Message"]

READ_BYTES = 1 << 18
HUNG_UP = "it has hung up"
RETRY_S = 0.05
"""After ETOOMANYREFS: too many descriptors are under way for this user."""

Message = list[Any]
"""A kind, then what belongs to it; JSON values."""


class Channel:
    """Owns ``sock`` until `close`. Not for other threads."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        next_message: Callable[[], tuple[Message, list[int]] | None],
        received: Callable[[Message, list[int]], None],
        ended: Callable[[str], None],
    ) -> None:
        """``next_message`` gives what is to be sent next, with descriptors that stay the caller's.

        ``received`` gets a message and the descriptors that came with it: its own to close. There are fewer
        than were sent where this process may not open more. ``ended``: the other side is gone, or is not
        what it should be; says why. `close` is still to be called.
        """
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        sock.setblocking(False)
        self._next_message = next_message
        self._received = received
        self._ended = ended
        self._decoder = Decoder()
        self._frames: deque[tuple[bytes, int]] = deque()
        self._descriptors: deque[list[int]] = deque()
        """For each frame that has some, in order."""
        self._rest = memoryview(b"")
        self._rest_descriptors: list[int] = []
        self._kept = False
        """`_rest_descriptors` are duplicates of ours."""
        self._sending = False
        """A turn, a timer or room in the socket is waited for."""
        self._closed = False
        self._loop.add_reader(sock.fileno(), self._readable)

    def wake(self) -> None:
        """There is something to send."""
        if not self._sending and not self._closed:
            self._sending = True
            self._loop.call_soon(self._send)

    def finish(self, timeout_s: float) -> None:
        """Say what is left to say, and close. Blocks for ``timeout_s`` at most."""
        self._stop_watching()
        with contextlib.suppress(OSError):  # nobody reads any more
            self._sock.settimeout(timeout_s)
            while True:
                if not self._rest:
                    following = self._next_message()
                    if following is None:
                        break
                    self._rest = memoryview(frame(orjson.dumps(following[0])))
                self._rest = self._rest[self._sock.send(self._rest) :]
        self.close()

    def hear_out(self, timeout_s: float) -> None:
        """Take in what the other side says until it closes its end, and close. Blocks for ``timeout_s``
        at most. The other side has been told to end by the end of ours (`hang_up`)."""
        self._stop_watching()
        ends = time.monotonic() + timeout_s
        with contextlib.suppress(OSError, WorkerError):  # TimeoutError is an OSError
            while True:
                while self._frames:
                    self._received(orjson.loads(self._frames.popleft()[0]), [])
                self._sock.settimeout(max(0.001, ends - time.monotonic()))
                data = self._sock.recv(READ_BYTES)
                if not data:
                    break
                self._frames.extend(self._decoder.feed(data))
        self.close()

    def hang_up(self) -> None:
        """Send nothing more; the other side sees the end of the stream."""
        with contextlib.suppress(OSError):  # it is gone already
            self._sock.shutdown(socket.SHUT_WR)

    def _stop_watching(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._sock.fileno())
            self._loop.remove_writer(self._sock.fileno())

    def close(self) -> None:
        if self._sock.fileno() < 0:
            return
        self._stop_watching()
        self._sock.close()
        self._forget_descriptors()
        self._frames.clear()
        for descriptors in self._descriptors:
            close_all(descriptors)

    # Sending.

    def _send(self) -> None:
        """One message a turn."""
        if self._closed:
            return
        self._sending = False
        if not self._rest:
            following = self._next_message()
            if following is None:
                return
            message, descriptors = following
            self._rest = memoryview(frame(orjson.dumps(message), len(descriptors)))
            self._rest_descriptors = descriptors
        self._sending = True
        try:
            self._rest = self._rest[self._write() :]
        except BlockingIOError:
            self._keep_descriptors()
            self._loop.add_writer(self._sock.fileno(), self._writable)
            return
        except OSError as error:
            if error.errno == errno.ETOOMANYREFS:
                self._keep_descriptors()
                self._loop.call_later(RETRY_S, self._send)
            return  # else the other side is gone: reading finds the end, behind what was still said
        self._forget_descriptors()
        self._loop.call_soon(self._send)

    def _write(self) -> int:
        if not self._rest_descriptors:
            return self._sock.send(self._rest)
        return socket.send_fds(self._sock, [self._rest], self._rest_descriptors)

    def _keep_descriptors(self) -> None:
        """The message waits, and the caller may close what goes with it meanwhile."""
        if not self._kept:
            self._rest_descriptors = [os.dup(descriptor) for descriptor in self._rest_descriptors]
            self._kept = True

    def _forget_descriptors(self) -> None:
        if self._kept:
            close_all(self._rest_descriptors)
        self._rest_descriptors = []
        self._kept = False

    def _writable(self) -> None:
        self._loop.remove_writer(self._sock.fileno())
        self._send()

    # Receiving.

    def _readable(self) -> None:
        try:
            data, descriptors, flags = receive(self._sock, READ_BYTES, MOST_DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:  # ECONNRESET: it has not read all before it closed its end
            self._end(HUNG_UP)
            return
        if descriptors or flags & socket.MSG_CTRUNC:  # of one frame: rights are never joined
            self._descriptors.append(descriptors)
        if not data:
            self._end(HUNG_UP)
            return
        try:
            self._frames.extend(self._decoder.feed(data))
        except WorkerError as error:
            self._end(str(error))
            return
        if self._frames:
            self._loop.remove_reader(self._sock.fileno())
            self._hand_on()

    def _hand_on(self) -> None:
        """One message, then others have their turn."""
        if not self._frames:
            return
        payload, count = self._frames.popleft()
        descriptors = self._descriptors.popleft() if count and self._descriptors else []
        self._received(orjson.loads(payload), descriptors)
        if self._frames:
            self._loop.call_soon(self._hand_on)
        elif not self._closed:  # what it was told did not close the channel
            self._loop.add_reader(self._sock.fileno(), self._readable)

    def _end(self, reason: str) -> None:
        self._stop_watching()
        self._ended(reason)
