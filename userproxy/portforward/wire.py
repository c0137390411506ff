"""The bytes of one upgraded connection: plain, or in the frames of a WebSocket."""

from __future__ import annotations

import asyncio
from typing import Protocol

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import WebSocketWriter

from userproxy.errors import RemoteProtocolError
from userproxy.portforward.websocket import Opcode, WebSocketReader
from userproxy.sources.kube.keepalive import notice_silent_death

__all__ = ["ClosedByPeer", "Wire", "WireOwner"]

_HIGH_WATER_BYTES = 256 * 1024
_NEVER = 1 << 62
_CLOSE_NORMALLY = b"\x03\xe8"
"""Status 1000 (RFC 6455, section 7.4.1)."""


class ClosedByPeer(RemoteProtocolError):
    """The WebSocket was closed in order."""


class WireOwner(Protocol):
    """An upgrade."""

    def received(self, data: memoryview, *, begins: bool) -> None:
        """``begins``: a message of the WebSocket begins with it. Raises RemoteProtocolError."""
        ...

    def writable(self) -> None:
        """What was written has left, after `Wire.blocked`."""
        ...

    def lost(self, error: Exception | None) -> None:
        """It is over; told once, after `Wire.close` too."""
        ...


class Wire(asyncio.Protocol):
    """Owns the transport of a response that was an upgrade, from its construction on."""

    def __init__(
        self, response: aiohttp.ClientResponse, owner: WireOwner, *, websocket: bool, handler: ResponseHandler
    ) -> None:
        transport = handler.transport
        assert transport is not None
        self._response = response
        self._handler = handler
        self._transport = transport
        self._owner = owner
        self._reader = WebSocketReader() if websocket else None
        self._writer = WebSocketWriter(handler, transport, use_mask=True, limit=_NEVER)
        self._error: Exception | None = None
        self._closing = False
        self._paused = False
        self.blocked = False
        """More was written than the peer takes: write no more until `WireOwner.writable`."""

    def start(self) -> None:
        """Begin to read, with what came behind the answer."""
        transport = self._transport
        notice_silent_death(transport)
        transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self._handler.read_timeout = None
        # aiohttp hands over what it has read beyond the answer, and is out of the way from then on.
        self._handler.set_parser(_Rest(self), aiohttp.EMPTY_PAYLOAD)
        transport.set_protocol(self)

    def write(self, data: bytes) -> None:
        if self._closing or not data:
            return
        if self._reader is None:
            self._transport.write(data)
        else:
            self._frame(data, Opcode.BINARY)

    def pause(self) -> None:
        """Read nothing until `resume`."""
        if not (self._paused or self._closing):
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and not self._closing:
            self._paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        """What was written still leaves."""
        if self._closing:
            return
        if self._reader is not None:
            self._frame(_CLOSE_NORMALLY, Opcode.CLOSE)
        self._closing = True
        self._transport.close()

    def abort(self, error: Exception | None = None) -> None:
        self._closing = True
        self._error = self._error or error
        self._transport.abort()

    # What asyncio says.

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        try:
            if self._reader is None:
                self._owner.received(memoryview(data), begins=False)
            else:
                self._unframe(self._reader, data)
        except RemoteProtocolError as error:
            self._error = error
            self.close()

    def eof_received(self) -> None:
        """The transport closes itself."""

    def pause_writing(self) -> None:
        self.blocked = True

    def resume_writing(self) -> None:
        self.blocked = False
        self._owner.writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        # aiohttp waits for it when the session is closed.
        self._handler.connection_lost(exc)
        self._response.close()
        self._owner.lost(self._error or exc)

    def _unframe(self, reader: WebSocketReader, data: bytes) -> None:
        for piece in reader.feed(data):
            if piece.opcode is Opcode.BINARY:
                self._owner.received(piece.data, begins=piece.begins)
            elif piece.opcode is Opcode.PING:
                self._frame(bytes(piece.data), Opcode.PONG)
            elif piece.opcode is Opcode.CLOSE:
                reason = bytes(piece.data[2:]).decode("utf-8", "replace")
                raise ClosedByPeer(f"closed by the API server: {reason or 'without a reason'}")

    def _frame(self, data: bytes, opcode: Opcode) -> None:
        """Write one masked frame. The coroutine never waits, as its own limit is never reached."""
        if self._transport.is_closing():
            return
        try:
            self._writer.send_frame(data, opcode).send(None)
        except StopIteration:
            return


class _Rest:
    """Stands where aiohttp would have its own reader of the upgraded connection."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._wire.data_received(data)
        return False, b""

    def feed_eof(self) -> None:
        """The wire is told itself."""
