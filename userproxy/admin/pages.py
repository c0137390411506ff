"""The HTTP side of a running proxy: one path for each question (docs/status.md)."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import orjson
from aiohttp import web

from userproxy.admin.reading import Wanted, connections, served, status
from userproxy.admin.served_form import served_json
from userproxy.proxy import Proxy

__all__ = ["answer"]

SHUTDOWN_S = 1.0
"""An answer under way at the end has so long."""


async def answer(proxy: Proxy, listener: socket.socket) -> None:
    """Answer who connects to ``listener``, until cancelled. It stays the caller's to close."""
    app = web.Application()
    app.add_routes(_Answers(proxy).routes())
    # Signals are the process's own, and this loop has traffic to carry: no line for each question.
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        await _Site(runner, listener).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


class _Site(web.BaseSite):
    """A Unix socket that listens already; aiohttp's own sites make theirs by a path, or take TCP's."""

    def __init__(self, runner: web.AppRunner, listener: socket.socket) -> None:
        super().__init__(runner)
        self._listener = listener

    @property
    def name(self) -> str:
        return str(self._listener.getsockname())

    async def start(self) -> None:
        await super().start()
        assert self._runner.server is not None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._runner.server, sock=self._listener)


class _Answers:
    """One method for each path."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._started = datetime.now(UTC).isoformat(timespec="seconds")

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/status", self.status),
            web.get("/v1/connections", self.connections),
            web.get("/v1/served", self.served),
        ]

    async def status(self, request: web.Request) -> web.Response:
        return await self._listed("services", status(self._proxy, _wanted(request)))

    async def connections(self, request: web.Request) -> web.Response:
        return await self._listed("connections", connections(self._proxy, _wanted(request)))

    async def served(self, _: web.Request) -> web.Response:
        return _json([orjson.dumps(served_json(await served(self._proxy)))])

    async def _listed(self, name: str, rows: AsyncIterator[dict[str, Any]]) -> web.Response:
        """``{"proxy": {...}, NAME: [...]}``: each row is made JSON by itself, so that no step is long."""
        head = orjson.dumps({"proxy": self._proxy_form()})
        parts = [head[:-1], b',"', name.encode(), b'":[']
        async for row in rows:
            parts += (orjson.dumps(row), b",")
        if parts[-1] == b",":
            parts.pop()
        return _json([*parts, b"]}"])

    def _proxy_form(self) -> dict[str, Any]:
        dialler = self._proxy.pod_dialler
        return {
            "pid": os.getpid(),
            "version": version("userproxy"),
            "started": self._started,
            "workers": self._proxy.workers,
            "synced": self._proxy.state.synced,
            "generation": self._proxy.state.generation,
            "port_forward": None if dialler is None else dict(dialler.counts()),
        }


def _wanted(request: web.Request) -> Wanted:
    return Wanted(request.query.get("namespace", ""), request.query.get("service", ""))


def _json(parts: Iterable[bytes]) -> web.Response:
    return web.Response(body=b"".join(parts), content_type="application/json")
