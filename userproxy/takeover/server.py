"""The old process: answers whoever wants to take over, and lets go once that one serves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable

from userproxy.errors import TakeoverError
from userproxy.log import log_event
from userproxy.proxy import Proxy
from userproxy.succession.answering import answer, asked, unwanted
from userproxy.succession.channel import Channel, peer_of
from userproxy.succession.protocol import FLOWS, FREEZE, LISTENERS, SERVING, fault_of_hello, greeting

__all__ = ["TakeoverServer"]

logger = logging.getLogger(__name__)

ANSWER_LIMIT_S = 5.0
PREPARE_LIMIT_S = 60.0
"""How long the successor may take to bring its table into force; ours stays as it is meanwhile."""
FROZEN_LIMIT_S = 10.0
"""How long UDP and waiting clients may be left alone, in sum."""


class TakeoverServer:
    """Serves ``listener``, which stays the caller's, until `close`. One successor at a time."""

    def __init__(self, listener: socket.socket, proxy: Proxy, replaced: Callable[[int, str], None]) -> None:
        """``replaced`` is called once a successor serves, with its process id and table file ("": none)."""
        self._listener = listener
        self._proxy = proxy
        self._replaced = replaced
        self.sessions: set[asyncio.Task[None]] = set()
        """Whoever is connected now."""
        self._busy = False
        self._successor = 0
        """Its process id, once it serves."""
        asyncio.get_running_loop().add_reader(listener, self._accept)

    async def close(self) -> None:
        """Answer nobody any more. A successor that does not serve yet is left without."""
        asyncio.get_running_loop().remove_reader(self._listener)
        for session in self.sessions:
            session.cancel()
        await asyncio.gather(*self.sessions, return_exceptions=True)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:  # it is gone again
            return
        sock.setblocking(False)
        session = asyncio.create_task(self._serve(sock), name="takeover")
        self.sessions.add(session)
        session.add_done_callback(self.sessions.discard)

    async def _serve(self, sock: socket.socket) -> None:
        channel = Channel(sock)
        pid, uid = peer_of(sock)
        try:
            await self._talk(channel, pid, uid)
        except TakeoverError as error:
            log_event(logger, logging.WARNING, "takeover_failed", pid=pid, message=str(error))
        except Exception as error:  # a fault of ours must not end what is served
            logger.error("a takeover failed", exc_info=error)
        finally:
            channel.close()

    async def _talk(self, channel: Channel, pid: int, uid: int) -> None:
        """Raises TakeoverError, and goes on serving then."""
        hello = await channel.receive_plain(ANSWER_LIMIT_S)
        refusal = self._refusal(uid)
        channel.send({**greeting(self._proxy.workers), "error": refusal})
        refusal = fault_of_hello(hello.fields, self._proxy.workers) or refusal
        if refusal:
            raise TakeoverError(refusal)
        table_file = hello.fields.get("table_file")
        self._busy = True
        try:
            await asked(channel, LISTENERS, None)
            log_event(logger, logging.INFO, "takeover_started", pid=pid)
            await self._proxy.pause()
            await self._hand_over(channel, pid, table_file if isinstance(table_file, str) else "")
        finally:
            self._busy = False
            if not self._successor:
                self._proxy.resume()
        with contextlib.suppress(TakeoverError):  # it serves, whatever it makes of this
            channel.send({})

    def _refusal(self, uid: int) -> str:
        if uid != os.geteuid():
            return f"user {uid} may not take over from user {os.geteuid()}"
        if self._successor:
            return f"process {self._successor} has taken over already; try again"
        return "another process is taking over already" if self._busy else ""

    async def _hand_over(self, channel: Channel, pid: int, table_file: str) -> None:
        """Return when the successor serves. Else nothing has changed, and this raises."""
        loop = asyncio.get_running_loop()
        try:
            handover = self._proxy.sockets.handover()
        except TakeoverError as error:
            channel.send({"error": str(error)})
            raise
        serving, frozen_at = False, loop.time()
        try:
            await answer(channel, (*handover.moves(), *handover.listeners()))
            await asked(channel, FLOWS, PREPARE_LIMIT_S)
            await answer(channel, handover.traffic())
            request = await asked(channel, FREEZE, PREPARE_LIMIT_S)
            frozen_at = loop.time()
            async with asyncio.timeout(FROZEN_LIMIT_S):
                handover.freeze(unwanted(request))
                await answer(channel, handover.traffic_since())
                await asked(channel, SERVING, FROZEN_LIMIT_S)
            serving = True
        except TimeoutError:
            raise TakeoverError(f"it was not done within {FROZEN_LIMIT_S:g} s") from None
        finally:
            last = channel.refuse_more()
            if serving or (last is not None and last.fields.get("ask") == SERVING):
                self._successor = pid
                handover.release()
                self._replaced(pid, table_file)
                log_event(
                    logger, logging.INFO, "takeover_finished", pid=pid,
                    duration_ms=round((loop.time() - frozen_at) * 1000, 3),
                )  # fmt: skip
            else:
                handover.resume()
