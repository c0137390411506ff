"""An HTTP server that answers word for word what a test tells it to: half lines, cuts, silence."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import orjson

from tests.sources.kube.raw import event_line, list_body

__all__ = ["Answer", "Request", "ScriptedServer", "Stream", "page", "plain", "silence", "status", "watch"]


@dataclass(frozen=True)
class Request:
    """A request that came in."""

    target: str
    headers: Mapping[str, str]
    """By lower-case name; those that stand there more than once joined by a comma."""
    query: Mapping[str, str] = field(init=False)
    resource: str = field(init=False)
    verb: str = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        object.__setattr__(self, "query", query)
        object.__setattr__(self, "resource", parts.path.rpartition("/")[2])
        object.__setattr__(self, "verb", "watch" if query.get("watch") == "true" else "list")

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def version(self) -> str | None:
        return self.query.get("resourceVersion")


class Stream:
    """The answer to one request, under way."""

    def __init__(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self._reader = reader
        self._writer = writer
        self._gone = asyncio.Event()

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())

    def raw(self, data: bytes) -> None:
        """Bytes as they are, outside any framing of HTTP."""
        self._writer.write(data)

    def send(self, data: bytes) -> None:
        """One chunk of a watch."""
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data))

    def event(self, type_: str, raw: object) -> None:
        self.send(event_line(type_, raw))

    def end(self) -> None:
        """The watch ends in order, as when its time is up."""
        self._writer.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """The connection is reset."""
        self._writer.transport.abort()

    async def drain(self) -> None:
        await self._writer.drain()

    async def client_gone(self) -> None:
        """Wait until the client has closed the connection."""
        await self._gone.wait()

    async def hold(self) -> None:
        """Leave the connection open until the client closes it; for the server's side."""
        try:
            while await self._reader.read(4096):
                pass
        except ConnectionError:
            pass
        finally:
            self._gone.set()


Answer = Callable[[Stream], Awaitable[None]]


class ScriptedServer:
    """Answers each resource's lists and watches from its own script, in order.

    Past the end of its script a list is left without an answer, and a watch is accepted and left open:
    `stream` gives it to the test. With ``otherwise`` that answers instead.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, *, otherwise: Answer | None = None) -> None:
        self._otherwise = otherwise
        self.requests: list[Request] = []
        self.connections = 0
        self._tls = tls
        self._scripts: dict[tuple[str, str], deque[Answer]] = defaultdict(deque)
        self._streams: dict[str, asyncio.Queue[Stream]] = defaultdict(asyncio.Queue)
        self._came = asyncio.Condition()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def lists(self, resource: str, *answers: Answer) -> None:
        """Answer the next lists of ``resource`` so."""
        self._scripts[resource, "list"].extend(answers)

    def watches(self, resource: str, *answers: Answer) -> None:
        """Answer the next watches of ``resource`` so."""
        self._scripts[resource, "watch"].extend(answers)

    async def stream(self, resource: str) -> Stream:
        """The next watch that was accepted past the end of the script."""
        return await self._streams[resource].get()

    async def asked(self, count: int, resource: str = "", verb: str = "") -> list[Request]:
        """Wait until there have been ``count`` such requests; all of them so far."""
        async with self._came:
            await self._came.wait_for(lambda: len(self._such(resource, verb)) >= count)
        return self._such(resource, verb)

    async def deserted(self) -> None:
        """Wait until every connection has been closed by the client."""
        await asyncio.gather(*self._connections)

    def _such(self, resource: str, verb: str) -> list[Request]:
        return [
            request
            for request in self.requests
            if resource in ("", request.resource) and verb in ("", request.verb)
        ]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.CancelledError):
            pass  # cancelled by us alone, and asyncio's own callback cannot bear a cancelled task
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        first, *lines = head.decode().split("\r\n")[:-2]
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            name = name.lower()
            headers[name] = f"{headers[name]},{value.strip()}" if name in headers else value.strip()
        request = Request(first.split(" ")[1], headers)
        async with self._came:
            self.requests.append(request)
            self._came.notify_all()
        stream = Stream(request, reader, writer)
        script = self._scripts[request.resource, request.verb]
        if script:
            await script.popleft()(stream)
        elif self._otherwise is not None:
            await self._otherwise(stream)
        elif request.verb == "watch":
            await watch()(stream)
            self._streams[request.resource].put_nowait(stream)
            await stream.hold()
        else:
            await stream.hold()
        await stream.drain()
        return not writer.is_closing()


def plain(status: int, content_type: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    """A whole answer; the connection may be used again."""

    async def answer(stream: Stream) -> None:
        kind = {"Content-Type": content_type} if content_type else {}
        stream.head(status, {**kind, "Content-Length": str(len(body)), **(headers or {})})
        stream.raw(body)

    return answer


def page(*items: object, kind: str = "ServiceList", version: str = "1", token: str = "") -> Answer:
    """A page of a list."""
    api_version = "discovery.k8s.io/v1" if kind == "EndpointSliceList" else "v1"
    body = list_body(*items, kind=kind, version=version, token=token, api_version=api_version)
    return plain(200, "application/json", body)


def status(raw: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Answer:
    """A ``Status`` as an answer, with its own code."""
    code = raw["code"]
    assert isinstance(code, int)
    return plain(code, "application/json", orjson.dumps(raw), headers)


def watch(*lines: bytes, then: Callable[[Stream], None] | None = None) -> Answer:
    """A watch that sends ``lines`` as chunks, and is left open, or ended by ``then``."""

    async def answer(stream: Stream) -> None:
        stream.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        for line in lines:
            stream.send(line)
        if then is not None:
            await stream.drain()
            then(stream)

    return answer


def silence() -> Answer:
    """No answer at all."""

    async def answer(stream: Stream) -> None:
        await stream.hold()

    return answer
