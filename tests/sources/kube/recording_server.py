"""A server that writes down how it was asked: headers, client certificate, server name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.sources.kube.handshake import common_name

__all__ = ["RecordingServer", "Request", "recording_server"]

AUTHORISING = ("authorization", "impersonate-")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    """In order, names in lower case."""
    certificate: str | None
    """Common name of the client's certificate."""
    server_name: str | None
    """What SNI said."""

    @property
    def authorising(self) -> tuple[tuple[str, str], ...]:
        """The headers that say who asks, sorted."""
        return tuple(sorted(pair for pair in self.headers if pair[0].startswith(AUTHORISING)))

    @property
    def authorization(self) -> str:
        return dict(self.headers).get("authorization", "")


@dataclass(slots=True)
class RecordingServer:
    """What was asked so far, and what to answer: by default 200 and an empty object."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    status_of: Callable[[Request], int] = lambda request: 200
    _server_names: list[str | None] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            request = self._request(head, writer)
            self.requests.append(request)
            status = self.status_of(request)
            body = b"{}" if status == 200 else b'{"kind": "Status", "apiVersion": "v1", "status": "Failure"}'
            writer.write(
                b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                b"Connection: close\r\n\r\n%s" % (status, len(body), body)
            )
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client was only trying the port
        finally:
            writer.close()

    def _request(self, head: str, writer: asyncio.StreamWriter) -> Request:
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines if line)
        return Request(
            method=method,
            path=path,
            headers=tuple((name.lower(), value.strip()) for name, _, value in pairs),
            certificate=common_name(writer.get_extra_info("peercert")),
            server_name=self._server_names[-1] if self._server_names else None,
        )

    def note_server_name(self, socket: object, name: str | None, context: ssl.SSLContext) -> None:
        self._server_names.append(name)


@asynccontextmanager
async def recording_server(context: ssl.SSLContext | None = None) -> AsyncIterator[RecordingServer]:
    """Run one on a free port of 127.0.0.1, with TLS when there is a ``context``."""
    recorder = RecordingServer()
    if context is not None:
        context.sni_callback = recorder.note_server_name
    server = await asyncio.start_server(recorder.serve, "127.0.0.1", 0, ssl=context)
    recorder.url = f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield recorder
    finally:
        server.close()
        await server.wait_closed()
