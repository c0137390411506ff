"""Queries over UDP: a bounded number in each turn of the loop, so that traffic has its turns."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from userproxy.discovery.dns.forwarding import Forwarder
from userproxy.discovery.dns.outside import Outside
from userproxy.discovery.dns.responder import Responder

__all__ = ["UdpShell"]

QUERIES_PER_TURN = 16
"""About 2 ms, and less of them where answers are long."""
TURN_S = 0.003
LONGEST_QUERY_BYTES = 4096
"""Cut beyond that, and refused as it cannot be read."""
_Client = tuple[Any, ...]
"""As `socket.socket.recvfrom` gives it, by family."""


class UdpShell:
    """Owns ``listener``, a bound UDP socket that does not block."""

    def __init__(self, listener: socket.socket, responder: Responder, forwarder: Forwarder | None) -> None:
        self._listener = listener
        self._responder = responder
        self._forwarder = forwarder
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop.add_reader(listener, self._take)

    def close(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for task in self._tasks:
            task.cancel()

    def _take(self) -> None:
        ends = self._loop.time() + TURN_S
        for _ in range(QUERIES_PER_TURN):
            if self._loop.time() >= ends:
                return
            try:
                query, client = self._listener.recvfrom(LONGEST_QUERY_BYTES)
            except OSError:  # nothing more
                return
            response = self._responder.respond(query, udp=True)
            if isinstance(response, Outside):
                self._forward(response, client)
            elif response is not None:
                self._send(response, client)

    def _forward(self, outside: Outside, client: _Client) -> None:
        assert self._forwarder is not None
        if self._forwarder.full:
            self._send(outside.failed(), client)
            return
        task = self._loop.create_task(self._answer_later(self._forwarder, outside, client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_later(self, forwarder: Forwarder, outside: Outside, client: _Client) -> None:
        self._send(await forwarder.answer(outside), client)

    def _send(self, response: bytes, client: _Client) -> None:
        # What the kernel does not take now is lost, as datagrams are; the client asks again.
        with contextlib.suppress(OSError):
            self._listener.sendto(response, client)
