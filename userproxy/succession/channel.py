"""A Unix socket with messages: JSON objects, bounded, and with the descriptors that belong to each.

It is of the kind SOCK_SEQPACKET: the kernel keeps messages and their descriptors together, and refuses to
connect it to a program that speaks something else (unix(7)).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from userproxy.errors import TakeoverError
from userproxy.succession.rights import close_all, receive

__all__ = ["KIND", "MAX_DESCRIPTORS", "MAX_MESSAGE_BYTES", "Channel", "Message", "peer_of"]

KIND = socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
MAX_MESSAGE_BYTES = 128 * 1024
"""A datagram of 64 KiB in base64, with room; below the kernel's usual send buffer of 208 KiB."""
MAX_DESCRIPTORS = 100
"""A message; the kernel takes 253 (SCM_MAX_FD)."""


@dataclass(frozen=True, slots=True)
class Message:
    """What came. Its descriptors are the receiver's: use them, or `close`."""

    fields: Mapping[str, object]
    descriptors: tuple[int, ...] = ()

    def close(self) -> None:
        close_all(self.descriptors)


class Channel:
    """Owns a connected socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_MESSAGE_BYTES)

    def close(self) -> None:
        self._sock.close()

    def send(self, fields: Mapping[str, object], descriptors: Sequence[int] = ()) -> None:
        """Send one message; the peer waits for it, so there is room.

        Once this returns, the peer can read it even if we are gone. Raises TakeoverError when the peer is.
        """
        data = orjson.dumps(fields)
        assert len(data) <= MAX_MESSAGE_BYTES, "our own messages are smaller"
        try:
            if descriptors:
                socket.send_fds(self._sock, [data], descriptors)
            else:
                self._sock.send(data)
        except OSError as error:
            raise TakeoverError(f"the other process is gone: {error.strerror}") from error

    async def receive(self, limit_s: float | None) -> Message:
        """The next message. Raises TakeoverError when none comes in time, or what comes is none."""
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    try:
                        return self.receive_now()
                    except BlockingIOError:
                        await self._readable()
        except TimeoutError:
            raise TakeoverError(f"the other process said nothing for {limit_s:g} s") from None

    async def receive_plain(self, limit_s: float | None) -> Message:
        """As `receive`, where no descriptors are due; if some come, they are closed."""
        message = await self.receive(limit_s)
        message.close()
        return message

    def receive_now(self) -> Message:
        """A message that is there. Raises BlockingIOError when there is none, TakeoverError as `receive`."""
        try:
            data, descriptors, flags = receive(self._sock, MAX_MESSAGE_BYTES, MAX_DESCRIPTORS)
        except BlockingIOError:
            raise
        except OSError as error:
            raise TakeoverError(f"the other process is gone: {error.strerror}") from error
        try:
            return Message(_decoded(data, flags), tuple(descriptors))
        except BaseException:
            close_all(descriptors)
            raise

    def refuse_more(self) -> Message | None:
        """Whatever the peer sends from now on fails for it; the message that it had sent already, if any."""
        with contextlib.suppress(OSError):  # it is gone
            self._sock.shutdown(socket.SHUT_RD)
        try:
            return self.receive_now()
        except (BlockingIOError, TakeoverError):
            return None

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._sock, _done, ready)
        try:
            await ready
        finally:
            loop.remove_reader(self._sock)


def peer_of(sock: socket.socket) -> tuple[int, int]:
    """(process id, user id) of the process at the other end, as the kernel saw it connect or listen."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _ = struct.unpack("3i", credentials)
    return pid, uid


def _done(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _decoded(data: bytes, flags: int) -> Mapping[str, object]:
    """Raises TakeoverError."""
    if not data:
        raise TakeoverError("the other process is gone")
    if flags & socket.MSG_TRUNC:
        raise TakeoverError("a message of the other process is too long")
    if flags & socket.MSG_CTRUNC:
        raise TakeoverError("no room for the descriptors that the other process gives (RLIMIT_NOFILE)")
    try:
        fields = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise TakeoverError("a message of the other process is no JSON") from error
    if not isinstance(fields, dict):
        raise TakeoverError("a message of the other process is no JSON object")
    return fields
