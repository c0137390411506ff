"""A plain HTTP client for the API server: answers as values, watches as streams of lines."""

from __future__ import annotations

import io
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
import orjson

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, headers and body of one answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Json:
        body = orjson.loads(self.content)
        assert isinstance(body, dict)
        return body

    @property
    def reason(self) -> object:
        """``reason`` of a Status."""
        assert self.json["kind"] == "Status"
        return self.json.get("reason")

    @property
    def names(self) -> list[str]:
        """The names in a list, in order."""
        return [str(as_object(item["metadata"])["name"]) for item in self.objects("items")]

    def at(self, path: str) -> object:
        """The value at ``metadata/name``; a KeyError or IndexError says what is missing."""
        value: object = self.json
        for step in path.split("/"):
            value = value[int(step)] if isinstance(value, list) else as_object(value)[step]
        return value

    def object(self, path: str) -> Json:
        """The object at a path."""
        return as_object(self.at(path))

    def objects(self, path: str) -> list[Json]:
        """The list of objects at a path."""
        value = self.at(path)
        assert isinstance(value, list), value
        return [as_object(item) for item in value]


class Lines:
    """The lines of one watch."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def event(self) -> Json:
        """The next event. Raises EOFError at the end, and aiohttp's errors for a broken stream."""
        line = await self.response.content.readline()
        if not line:
            raise EOFError
        event = orjson.loads(line)
        assert isinstance(event, dict)
        return event

    async def next(self) -> tuple[object, str]:
        """Type and name of the next event; the name is "" where there is none."""
        event = await self.event()
        return event["type"], str(as_object(as_object(event["object"]).get("metadata", {})).get("name", ""))

    async def ends(self) -> bool:
        """Whether the stream ends in order here."""
        return not await self.response.content.read(1)


class HttpClient:
    """One session; ``async with`` it."""

    def __init__(self, url: str, ssl_context: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._ssl: ssl.SSLContext | bool = ssl_context if ssl_context is not None else True

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._ssl))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """One request. ``body`` is sent as JSON, unless it is bytes."""
        content = body if isinstance(body, bytes) else orjson.dumps(body) if body is not None else None
        # aiohttp warns of large bodies that are no files.
        data = io.BytesIO(content) if content is not None else None
        sent = {**({"Content-Type": content_type} if content is not None else {}), **(headers or {})}
        async with self._session.request(
            method, self._url + path, data=data, headers=sent, params=query or {}
        ) as response:
            return HttpAnswer(response.status, response.headers, await response.read())

    async def get(self, path: str, **query: str) -> HttpAnswer:
        return await self("GET", path, query=query)

    async def post(self, path: str, body: object, **query: str) -> HttpAnswer:
        return await self("POST", path, body, query=query)

    @asynccontextmanager
    async def watch(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Lines]:
        """A watch on ``path``."""
        params = {"watch": "1", **(query or {})}
        async with self._session.get(self._url + path, params=params, headers=headers) as response:
            yield Lines(response)


def as_object(value: object) -> Json:
    """``value``, which must be an object."""
    assert isinstance(value, dict), value
    return value
