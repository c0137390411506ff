"""Making an upgrade: kubectl's way first, the others where the server refuses it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp

from userproxy.model.names import NamespacedName
from userproxy.portforward.handshake import Accepted, Way, shake_hands
from userproxy.portforward.limits import ForwardLimits
from userproxy.portforward.refusals import Refusal, refused
from userproxy.sources.kube.connection import Connection
from userproxy.sources.kube.failures import Unreachable
from userproxy.sources.kube.requests import open_session
from userproxy.sources.kube.transport_errors import without_userinfo

__all__ = ["UpgradeMaker"]


class UpgradeMaker:
    """Asks one API server for upgrades. Owns the HTTP session; `aclose` ends it."""

    def __init__(self, connection: Connection, limits: ForwardLimits) -> None:
        self._connection = connection
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None
        self._way = Way.TUNNEL
        self._way_of = ""
        """The server that took `_way`."""
        self._way_until_s = 0.0

    @property
    def server(self) -> str:
        """As it may be shown."""
        return without_userinfo(self._connection.server)

    @property
    def way(self) -> Way:
        """The way that is tried first now."""
        loop = asyncio.get_running_loop()
        if self._way_of != self._connection.server or loop.time() >= self._way_until_s:
            return Way.TUNNEL
        return self._way

    async def make(self, pod: NamespacedName, port: int) -> Accepted:
        """An upgraded connection to ``pod``; ``port`` counts for channels alone.

        Raises Refused when the server upgrades in no way, Unreachable when there is no server or it does not
        answer in time, CredentialsError, or WatchError when the connection was cut.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._limits.upgrade_timeout_s
        refusals: list[Refusal] = []
        for way in self._ways():
            try:
                async with asyncio.timeout_at(ends_at):
                    # aiohttp's own limit comes later, so that there is one way to tell it.
                    answer = await self._asked(pod, way, port, 2 * self._limits.upgrade_timeout_s)
            except TimeoutError:
                limit_s = self._limits.upgrade_timeout_s
                raise Unreachable(f"{self.server} does not answer within {limit_s:g} s") from None
            if isinstance(answer, Accepted):
                self._remember(way)
                return answer
            refusals.append(answer)
            if answer.pod_is_gone:
                break
        raise refused(tuple(refusals), pod, self.server)

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _ways(self) -> Iterator[Way]:
        first = self.way
        yield first
        yield from (way for way in Way if way is not first)

    async def _asked(self, pod: NamespacedName, way: Way, port: int, timeout_s: float) -> Accepted | Refusal:
        if self._session is None:
            self._session = open_session()
        answer = await shake_hands(self._session, self._connection, pod, way, port, timeout_s)
        if isinstance(answer, Refusal) and answer.status == 401:
            self._connection.refused()  # it reads its files again, or runs its plugin
            answer = await shake_hands(self._session, self._connection, pod, way, port, timeout_s)
        return answer

    def _remember(self, way: Way) -> None:
        if way is not self.way:  # else it would never be looked whether the server can do better
            self._way, self._way_of = way, self._connection.server
            self._way_until_s = asyncio.get_running_loop().time() + self._limits.remember_way_s
