"""Queries for names that are not ours, handed on to the one server that was named for them (RFC 5625)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct

from dns.flags import TC

from userproxy.discovery.dns.outside import Outside

__all__ = ["Forwarder"]

MOST_QUERIES = 128
"""Under way at once; each takes a descriptor."""
TIMEOUT_S = 2.0
"""For each of the tries: clients wait 5 s (resolv.conf(5))."""
TRIES = 2
_ID = struct.Struct("!H")
_HEAD = struct.Struct("!HH")


class Forwarder:
    """Asks ``server`` at ``port``. Never raises for what a server does: the client is told SERVFAIL."""

    def __init__(self, server: str, port: int, *, timeout_s: float = TIMEOUT_S) -> None:
        self._address = (server, port)
        self._family = socket.AF_INET6 if ":" in server else socket.AF_INET
        self._timeout_s = timeout_s
        self._under_way = 0

    @property
    def full(self) -> bool:
        """One more query is refused."""
        return self._under_way >= MOST_QUERIES

    async def answer(self, outside: Outside) -> bytes:
        """The server's answer to the query, or a failure."""
        if self.full:
            return outside.failed()
        self._under_way += 1
        try:
            return outside.completed(await self._ask(outside))
        except (OSError, TimeoutError, EOFError):
            return outside.failed()
        finally:
            self._under_way -= 1

    async def _ask(self, outside: Outside) -> bytes:
        """Over UDP, then over TCP if the answer is cut. Raises OSError, TimeoutError, EOFError."""
        for attempt in range(TRIES):
            query = _ID.pack(secrets.randbits(16)) + outside.query[_ID.size :]
            try:
                async with asyncio.timeout(self._timeout_s):
                    response = await self._ask_udp(query, outside)
                break
            except TimeoutError:
                if attempt == TRIES - 1:
                    raise
        _, flags = _HEAD.unpack_from(response)
        if not flags & TC:
            return response
        async with asyncio.timeout(self._timeout_s):
            return await self._ask_tcp(query, outside)

    async def _ask_udp(self, query: bytes, outside: Outside) -> bytes:
        # A socket for each: the kernel chooses the number at random and takes datagrams from that server
        # alone, so an answer that is made up has to guess number and id (RFC 5452).
        with socket.socket(self._family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as asking:
            asking.connect(self._address)
            asking.send(query)
            loop = asyncio.get_running_loop()
            while True:
                response = await loop.sock_recv(asking, 65535)
                if _is_answer(response, query, outside):
                    return response

    async def _ask_tcp(self, query: bytes, outside: Outside) -> bytes:
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            writer.write(struct.pack("!H", len(query)) + query)
            while True:
                [length] = struct.unpack("!H", await reader.readexactly(2))
                response = await reader.readexactly(length)
                if _is_answer(response, query, outside):
                    return response
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _is_answer(response: bytes, query: bytes, outside: Outside) -> bool:
    """Whether it has the id of ``query``, which asks for ``outside``, and is an answer to that."""
    return response[: _ID.size] == query[: _ID.size] and outside.is_answered_by(response)
