"""An upgrade that carries SPDY/3.1: pairs of streams, one pair for each connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass

from userproxy.errors import LocalProtocolError, RemoteProtocolError
from userproxy.spdy import DataReceived, Event, Role, Session, StreamOpened, StreamReset
from userproxy.testing.api_server.port_forward.carriers import Carrier
from userproxy.testing.api_server.port_forward.connection import Client
from userproxy.testing.api_server.port_forward.inbox import Inbox

__all__ = ["SpdyUpgrade"]

_OTHER_VERSION = bytes.fromhex("8002000200000006000000010000")
"""A SYN_REPLY of SPDY/2."""

Forward = Callable[[Client, int], Awaitable[None]]
"""Forwards one connection to a port of the Pod, to its end."""


@dataclass(slots=True)
class _Pair:
    port: int
    data_stream: int = 0
    error_stream: int = 0


class SpdyUpgrade:
    """Serves one upgrade. Every stream is replied to before anything is connected, as a kubelet does."""

    def __init__(self, carrier: Carrier, forward: Forward) -> None:
        self._carrier = carrier
        self._forward = forward
        self._session = Session(Role.SERVER)
        self._pairs: dict[str, _Pair] = {}
        """Those that lack a stream, by their request."""
        self._inboxes: dict[int, Inbox] = {}
        """Of the data streams that are open."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self._cuts_next = False

    async def serve(self) -> None:
        """Until the client ends it, or breaks it, or says nonsense."""
        try:
            while data := await self._carrier.read():
                for event in self._session.receive(data):
                    await self._on(event)
                await self.flush()
        except RemoteProtocolError:
            await self.flush()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def serve_another_version(self) -> None:
        """Answer the first frames with one of another version."""
        await self._carrier.read()
        await self._carrier.write(_OTHER_VERSION)
        await self._carrier.read()

    async def flush(self) -> None:
        """Send what is queued. Raises OSError when the connection is broken."""
        async with self._writing:
            data = self._session.data_to_send()
            if data and self._cuts_next:
                # Not even a header of a frame is whole.
                await self._carrier.write(data[:5])
                self._carrier.abort()
            elif data:
                await self._carrier.write(data)

    def end(self, stream_id: int) -> None:
        """End our side of a stream, unless it was ended or reset before."""
        with suppress(LocalProtocolError):
            self._session.send_data(stream_id, fin=True)

    # Trouble, now.

    def abort(self) -> None:
        """Break the connection."""
        self._carrier.abort()

    def cut_next(self) -> None:
        """Break the connection in the middle of the next frame."""
        self._cuts_next = True

    def go_away(self) -> None:
        """Take no more streams."""
        self._session.goaway()
        self._spawn(self.flush())

    def end_streams(self, *, resets: bool) -> None:
        """End every data stream that is open, while the connections to the pods stay."""
        for stream_id, inbox in tuple(self._inboxes.items()):
            if resets:
                self._session.reset(stream_id)
                inbox.discard()
            else:
                self.end(stream_id)
        self._spawn(self.flush())

    # What the client does.

    async def _on(self, event: Event) -> None:
        match event:
            case StreamOpened():
                self._on_opened(event)
            case DataReceived():
                inbox = self._inboxes.get(event.stream_id)
                if inbox is not None:
                    await inbox.put(event.data)
                    if event.fin:
                        inbox.end()
            case StreamReset():
                inbox = self._inboxes.get(event.stream_id)
                if inbox is not None:
                    inbox.discard()

    def _on_opened(self, event: StreamOpened) -> None:
        kind, port = event.headers.get("streamtype"), _port(event.headers)
        if kind not in ("data", "error") or not port:
            self._session.reset(event.stream_id)
            return
        # Older clients state no request: their streams come in pairs, that for errors first.
        assumed = event.stream_id if kind == "error" else event.stream_id - 2
        request = event.headers.get("requestid") or str(assumed)
        pair = self._pairs.setdefault(request, _Pair(port))
        self._session.reply(event.stream_id)
        if kind == "data":
            pair.data_stream = event.stream_id
            self._inboxes[event.stream_id] = Inbox()
        else:
            pair.error_stream = event.stream_id
        if pair.data_stream and pair.error_stream:
            del self._pairs[request]
            self._spawn(self._forwarded(pair))

    async def _forwarded(self, pair: _Pair) -> None:
        inbox = self._inboxes[pair.data_stream]
        try:
            await self._forward(_SpdyClient(self, self._session, pair, inbox), pair.port)
        finally:
            del self._inboxes[pair.data_stream]
            inbox.discard()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # The connection broke while something was written to it: the reading side ends the upgrade.
            self._carrier.abort()


class _SpdyClient:
    """The two streams of a pair."""

    def __init__(self, upgrade: SpdyUpgrade, session: Session, pair: _Pair, inbox: Inbox) -> None:
        self._upgrade = upgrade
        self._session = session
        self._pair = pair
        self._inbox = inbox

    async def read(self) -> bytes | memoryview:
        return await self._inbox.get()

    async def write(self, data: bytes) -> None:
        self._send(self._pair.data_stream, data)
        await self._upgrade.flush()

    async def finish(self) -> None:
        self._upgrade.end(self._pair.data_stream)
        await self._upgrade.flush()

    async def report(self, text: str, *, resets: bool) -> None:
        if text:
            self._send(self._pair.error_stream, text.encode())
        if resets:
            self._session.reset(self._pair.error_stream)
        else:
            self._upgrade.end(self._pair.error_stream)
        await self._upgrade.flush()

    def _send(self, stream_id: int, data: bytes) -> None:
        try:
            self._session.send_data(stream_id, data)
        except LocalProtocolError as error:
            raise BrokenPipeError(str(error)) from error


def _port(headers: Mapping[str, str]) -> int:
    """0 when there is none that could be one."""
    text = headers.get("port", "")
    return int(text) if text.isascii() and text.isdigit() and int(text) <= 65535 else 0
