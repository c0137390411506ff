"""The new process: takes over from the one that serves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import socket
from collections.abc import Iterator

from userproxy.dataplane.binding import Move
from userproxy.dataplane.inheritance import SharedListener
from userproxy.errors import TakeoverError
from userproxy.log import log_event
from userproxy.proxy import Proxy
from userproxy.succession.asking import ask
from userproxy.succession.batches import close_items
from userproxy.succession.channel import Channel, peer_of
from userproxy.succession.items import Item
from userproxy.succession.protocol import FLOWS, FREEZE, LISTENERS, SERVING, fault_of_hello, greeting

__all__ = ["Predecessor"]

logger = logging.getLogger(__name__)

ANSWER_LIMIT_S = 10.0
DEATH_LIMIT_S = 1.0
"""A process that ends closes its descriptors a moment before it is gone."""


class Predecessor:
    """A process that serves, seen from the one that takes over from it. Owns the socket to it."""

    def __init__(self, sock: socket.socket, path: str) -> None:
        self._path = path
        self.pid, _ = peer_of(sock)
        self._channel = Channel(sock)
        self._pidfd: int | None = None
        with contextlib.suppress(OSError):  # it is gone already, or in another PID namespace
            self._pidfd = os.pidfd_open(self.pid)

    def close(self) -> None:
        """If it was not taken over from, it goes on."""
        self._channel.close()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    async def has_died(self) -> bool:
        """Whether it has ended, so that nobody serves; False also where that cannot be known."""
        if self._pidfd is None:
            return False
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(await asyncio.to_thread(poll.poll, DEATH_LIMIT_S * 1000))

    async def greet(self, table_file: str, workers: int = 1) -> None:
        """Raises TakeoverError when it is none of ours, of another version, busy, or without ``workers``.

        ``table_file``: the file that is ours once we serve, whole path; "": none.
        """
        with self._naming():
            self._channel.send({**greeting(workers), "table_file": table_file})
            answer = await self._channel.receive_plain(ANSWER_LIMIT_S)
            fault = fault_of_hello(answer.fields, workers) or answer.fields.get("error")
            if fault:
                raise TakeoverError(str(fault))

    async def hand_over_to(self, proxy: Proxy) -> None:
        """Return once ``proxy``, which is dormant, serves. Raises TakeoverError; nothing has changed then."""
        await proxy.synced()
        with self._naming():
            listeners = await self._inherit(proxy)
            proxy.resume()
            await proxy.settled(timeout_s=None)
            await proxy.pause()
            heir = proxy.sockets.heir()
            unwanted = heir.unwanted(listeners)
            await ask(self._channel, {"ask": FLOWS}, heir.adopt)
            await heir.caught_up()
            started = asyncio.get_running_loop().time()
            await ask(self._channel, {"ask": FREEZE, "unwanted": unwanted}, heir.adopt)
            await heir.completed()
            self._channel.send({"ask": SERVING})
            proxy.sockets.wake()
        proxy.resume()
        duration_ms = round((asyncio.get_running_loop().time() - started) * 1000, 3)
        log_event(
            logger, logging.INFO, "takeover_finished", pid=self.pid, duration_ms=duration_ms,
            listeners=len({listener.number for listener in listeners}), flows=heir.flows,
            clients=heir.clients,
        )  # fmt: skip

    async def gone_quiet(self) -> None:
        """Return when it has let go of everything that it shared with us, such as a table file."""
        with contextlib.suppress(TakeoverError):  # its end does as well
            await self._channel.receive_plain(ANSWER_LIMIT_S)

    async def _inherit(self, proxy: Proxy) -> list[SharedListener]:
        listeners: list[SharedListener] = []
        moves: list[Move] = []

        def take(item: Item) -> None:
            match item:
                case SharedListener():
                    listeners.append(item)
                    _check(item)
                case Move():
                    moves.append(item)
                case _:
                    close_items([item])

        try:
            await ask(self._channel, {"ask": LISTENERS}, take)
        except BaseException:
            close_items(listeners)
            raise
        proxy.sockets.inherit(listeners, moves)
        return listeners

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        """Errors say which socket it was."""
        try:
            yield
        except TakeoverError as error:
            raise TakeoverError(f"--takeover {self._path}: {error}") from error


def _check(listener: SharedListener) -> None:
    """Raises TakeoverError when the socket is not bound where it is said to be."""
    if listener.worker is None:  # a lock, which is named after the address
        return
    found = listener.sock.getsockname()[:2]
    if found != (listener.host, listener.port):
        raise TakeoverError(f"a socket of {listener.key} is bound to {found}")
