"""An old worker's part in a takeover: it gives what it has to the new worker of the same number."""

from __future__ import annotations

import asyncio
import logging
import socket

from userproxy.dataplane.plane import DataPlane
from userproxy.errors import TakeoverError
from userproxy.succession.answering import answer, asked, unwanted
from userproxy.succession.channel import Channel
from userproxy.succession.protocol import FLOWS, FREEZE, LISTENERS

__all__ = ["Giver"]

logger = logging.getLogger(__name__)


class Giver:
    """Owns the line to the new worker, until the parent says how it ended: `release` or `resume`."""

    def __init__(self, plane: DataPlane, descriptor: int) -> None:
        sock = socket.socket(fileno=descriptor)
        sock.setblocking(False)
        self._channel = Channel(sock)
        self._handover = plane.handover()
        self._talk = asyncio.create_task(self._answer(), name="takeover")
        self._talk.add_done_callback(lambda _: self._channel.close())

    def release(self) -> None:
        """The new worker serves, or whoever decides is gone: let go of what both have."""
        self._talk.cancel()
        self._handover.release()

    def resume(self) -> None:
        """It came to nothing: go on."""
        self._talk.cancel()
        self._handover.resume()

    async def _answer(self) -> None:
        """The parents see to the time: while nothing is frozen, it may take long."""
        try:
            await asked(self._channel, LISTENERS, None)
            await answer(self._channel, self._handover.listeners())
            await asked(self._channel, FLOWS, None)
            await answer(self._channel, self._handover.traffic())
            request = await asked(self._channel, FREEZE, None)
            self._handover.freeze(unwanted(request))
            await answer(self._channel, self._handover.traffic_since())
        except TakeoverError as error:  # the new worker sees the end of the line, and its parent gives up
            logger.debug("a takeover ends: %s", error)
        except Exception as error:  # a fault of ours must not end what is served
            logger.error("a takeover failed", exc_info=error)
