"""Watches on the wire: one stream for each, and the hub that knows those that are open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime

import orjson
from aiohttp import web

from userproxy.manifest.kinds import Kind
from userproxy.testing.api_server.http.connections import break_off
from userproxy.testing.api_server.http.pulse import Pulse
from userproxy.testing.api_server.presentation.forms import Presenter
from userproxy.testing.api_server.reading.options import ListOptions
from userproxy.testing.api_server.reading.watching import Watch, WatchEvent, error_event
from userproxy.testing.api_server.statuses import StatusError
from userproxy.testing.api_server.storage.history import Change
from userproxy.testing.api_server.storage.store import Store

__all__ = ["WatchHub", "WatchStream"]

_LONGEST_S = 1800.0
"""A watch that states no time-out ends after this long; API servers use 30 to 60 minutes."""


class WatchHub:
    """The streams that are open."""

    def __init__(self, store: Store, clock: Callable[[], datetime], bookmark_interval_s: float) -> None:
        self.store = store
        self.clock = clock
        self.bookmark_interval_s = bookmark_interval_s
        self._streams: set[WatchStream] = set()
        self._changed = Pulse()

    def open(self, resource: str = "") -> Iterator[WatchStream]:
        """The streams on ``resource``; "" is any."""
        return (stream for stream in tuple(self._streams) if resource in ("", stream.kind.plural))

    async def wait_for(self, resource: str, count: int) -> None:
        """Return once ``count`` streams on ``resource`` are open, or more; 0: once none is."""

        def holds() -> bool:
            opened = sum(1 for _ in self.open(resource))
            return opened >= count if count else not opened

        await self._changed.wait_for(holds)

    async def serve(
        self, request: web.Request, watch: Watch, presenter: Presenter, options: ListOptions
    ) -> web.StreamResponse:
        """Stream ``watch`` until its time is up, the client goes, or the server ends it."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        try:
            await response.prepare(request)
        except ConnectionResetError:  # the client has gone already
            return response
        stream = WatchStream(self, watch, presenter, options, request, response)
        unsubscribe = self.store.subscribe(stream.on_change)
        self._streams.add(stream)
        self._changed.beat()
        try:
            # The client may go while something is written to it: then nobody is left to tell.
            with contextlib.suppress(ConnectionResetError):
                await stream.serve()
        finally:
            unsubscribe()
            self._streams.discard(stream)
            self._changed.beat()
        return response


class WatchStream:
    """One watch on one connection. Only `serve` writes; the other methods ask it to."""

    def __init__(
        self,
        hub: WatchHub,
        watch: Watch,
        presenter: Presenter,
        options: ListOptions,
        request: web.Request,
        response: web.StreamResponse,
    ) -> None:
        self._hub = hub
        self._watch = watch
        self._presenter = presenter
        self._options = options
        self._request = request
        self._response = response
        self._wake = asyncio.Event()
        self._injected: list[bytes] = []
        self._bookmark_due = False
        self._error: StatusError | None = None
        self._ending = False
        self._silent = False
        self._cuts_next = False
        self._sent_one = False

    @property
    def kind(self) -> Kind:
        return self._presenter.kind

    def on_change(self, _: Change) -> None:
        self._wake.set()

    def bookmark(self) -> None:
        """Send a bookmark now, if the client takes them."""
        self._bookmark_due = self._options.bookmarks
        self._wake.set()

    def inject(self, line: bytes) -> None:
        """Send these very bytes."""
        self._injected.append(line)
        self._wake.set()

    def end(self, error: StatusError | None = None) -> None:
        """End in order; with ``error`` an ERROR event comes before."""
        self._error = error
        self._ending = True
        self._wake.set()

    def go_silent(self) -> None:
        """Write nothing any more, and leave the connection open."""
        self._silent = True

    def cut_next(self) -> None:
        """Break the connection in the middle of the next line."""
        self._cuts_next = True

    def break_off(self) -> None:
        """Break the connection now."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def close(self) -> None:
        """The server stops: end in order if anything can still be said."""
        if self._silent:
            self.break_off()
        self.end()

    async def serve(self) -> None:
        """Write what the watch says until it is over."""
        try:
            async with asyncio.timeout(self._options.timeout_s or _LONGEST_S):
                await self._follow()
        except TimeoutError:
            # The watcher goes on from here with its next watch.
            if self._options.bookmarks:
                await self._write(self._watch.bookmark())
        except StatusError as error:
            await self._write(error_event(error))

    async def _follow(self) -> None:
        for event in self._watch.initial():
            await self._write(event)
        while True:
            self._wake.clear()
            for event in self._watch.news():
                await self._write(event)
            for line in self._take_injected():
                await self._write_line(line)
            if self._bookmark_due:
                self._bookmark_due = False
                await self._write(self._watch.bookmark())
            if self._error is not None:
                raise self._error
            if self._ending:
                return
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._hub.bookmark_interval_s):
                await self._wake.wait()
        except TimeoutError:
            self._bookmark_due = self._options.bookmarks

    def _take_injected(self) -> list[bytes]:
        lines, self._injected = self._injected, []
        return lines

    async def _write(self, event: WatchEvent) -> None:
        raw = event.object
        if event.type != "ERROR":
            first, self._sent_one = not self._sent_one, True
            raw = self._presenter.event(
                raw, self._hub.clock(), first=first, bookmark=event.type == "BOOKMARK"
            )
        await self._write_line(orjson.dumps({"type": event.type, "object": raw}) + b"\n")

    async def _write_line(self, line: bytes) -> None:
        if self._silent:
            # Until the client gives up or the server stops: the closed connection cancels this.
            await asyncio.Event().wait()
        if self._cuts_next:
            await self._response.write(line[: len(line) // 2])
            await break_off(self._request)
        await self._response.write(line)
