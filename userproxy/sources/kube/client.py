"""One request to the API server: a page of a list, or a watch. What `requests` sends, and what comes back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlencode

import aiohttp

from userproxy.sources.kube.answers import Answer, Asked, error_of
from userproxy.sources.kube.connection import Connection
from userproxy.sources.kube.failures import WrongAnswer
from userproxy.sources.kube.keepalive import notice_silent_death
from userproxy.sources.kube.requests import USER_AGENT, open_session, request
from userproxy.sources.kube.resources import Collection
from userproxy.sources.kube.timing import Timing
from userproxy.sources.kube.transport_errors import mapped, without_userinfo

__all__ = ["ApiClient"]

_ERROR_BODY_BYTES = 64 * 1024
_LIST_BODY_BYTES = 512 * 1024 * 1024
"""A list of 100,000 slices in one answer is about this long; what is longer is no list."""

_JSON = "application/json"
_HEADERS = {"Accept": _JSON, "User-Agent": USER_AGENT}


class ApiClient:
    """Requests to one API server, each with fresh credentials. Owns the HTTP session; `aclose` ends it."""

    def __init__(self, connection: Connection, timing: Timing) -> None:
        self.connection = connection
        self._timing = timing
        self._session: aiohttp.ClientSession | None = None
        self._abandoned: list[aiohttp.ClientSession] = []

    @property
    def server(self) -> str:
        """The server as it may be shown; it may move when the connection is read again."""
        return without_userinfo(self.connection.server)

    async def page(self, collection: Collection, query: Mapping[str, str]) -> bytearray:
        """The JSON of one page of a list.

        Raises Unreachable, NotKubernetes, WrongAnswer (endless), ApiError, ResourceExpired, CredentialsError,
        or WatchError when the answer was cut or too slow.
        """
        asked = Asked("list", collection)
        timeouts = aiohttp.ClientTimeout(
            total=self._timing.list_timeout_s,
            connect=self._timing.connect_timeout_s,
            sock_read=self._timing.list_silence_s,
        )
        async with self._answered(asked, query, _HEADERS, timeouts) as response:
            with mapped(asked, self.server, timeouts):
                body, whole = await _read(response, _LIST_BODY_BYTES)
        if not whole:
            raise WrongAnswer(f"{asked}: the answer is longer than {_LIST_BODY_BYTES} bytes")
        return body

    @asynccontextmanager
    async def watch(
        self, collection: Collection, version: str, timeout_s: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The chunks of a watch from ``version``; entered when the server has accepted it.

        The server is asked to end it after ``timeout_s``. Raises as `page` does, the chunks WatchError
        when the connection is cut or silent for longer than that (rule R9). Leaving ends the connection.
        """
        asked = Asked("watch", collection)
        # No total limit (rule R8): a watch that goes on telling is alive.
        timeouts = aiohttp.ClientTimeout(
            total=None,
            connect=self._timing.connect_timeout_s,
            sock_read=timeout_s + self._timing.watch_slack_s,
        )
        # A compressed stream could hold events back.
        headers = {**_HEADERS, "Accept-Encoding": "identity"}
        query = collection.watch_query(version, timeout_s)
        async with self._answered(asked, query, headers, timeouts) as response:
            connection = response.connection
            if connection is not None and connection.transport is not None:
                notice_silent_death(connection.transport)
            async with aclosing(self._chunks(response, asked, timeouts)) as chunks:
                yield chunks

    def reload(self) -> None:
        """Read credentials again and connect anew at the next request; those under way go on."""
        self.connection.reload()
        if self._session is not None:
            self._abandoned.append(self._session)
            self._session = None

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            self._abandoned.append(self._session)
            self._session = None
        await self._close_abandoned()

    @asynccontextmanager
    async def _answered(
        self,
        asked: Asked,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        timeouts: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response to one GET, once it is known to be a 200 with JSON."""
        response = await self._get(asked, query, headers, timeouts)
        try:
            if response.status != 200 or response.content_type != _JSON:
                with mapped(asked, self.server, timeouts):
                    body, _ = await _read(response, _ERROR_BODY_BYTES)
                now = datetime.now(UTC)
                raise error_of(_answer(response, body), asked, server=self.server, now=now)
            yield response
        finally:
            # A body that was not read to its end takes its connection with it.
            response.close()

    async def _get(
        self,
        asked: Asked,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        timeouts: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        await self._close_abandoned()
        return await request(
            self._open_session(),
            self.connection,
            "GET",
            f"{asked.collection.path}?{urlencode(query)}",
            headers,
            asked=asked,
            timeouts=timeouts,
        )

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = open_session()
        return self._session

    async def _close_abandoned(self) -> None:
        while self._abandoned:
            await self._abandoned.pop().close()

    async def _chunks(
        self, response: aiohttp.ClientResponse, asked: Asked, timeouts: aiohttp.ClientTimeout
    ) -> AsyncGenerator[bytes, None]:
        with mapped(asked, self.server, timeouts):
            async for chunk in response.content.iter_any():
                yield chunk


async def _read(response: aiohttp.ClientResponse, limit_bytes: int) -> tuple[bytearray, bool]:
    """The body, and whether it is the whole of it: at most ``limit_bytes`` are kept."""
    # It grows chunk by chunk: joining at the end would take long for a list of many megabytes.
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit_bytes:
            return body[:limit_bytes], False
    return body, True


def _answer(response: aiohttp.ClientResponse, body: bytearray) -> Answer:
    return Answer(
        response.status,
        # aiohttp's content_type stands in for a missing header.
        response.content_type if "Content-Type" in response.headers else "",
        bytes(body),
        response.headers.get("Retry-After", ""),
        response.headers.get("Location", ""),
    )
