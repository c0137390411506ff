"""One upgraded connection that speaks SPDY/3.1, shared by many connections to one pod.

Each has a pair of streams, as kubectl makes them: an error stream, which is ended from here at once, and a
data stream. Nothing is acknowledged and nobody has a window, so one connection that is not read stops all of
them; an error, a reset or an end is its own.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping

from userproxy.portforward.handshake import Accepted
from userproxy.portforward.limits import ForwardLimits
from userproxy.portforward.streams import StreamUser, UpgradeOwner
from userproxy.portforward.timer import Timer
from userproxy.portforward.wire import Wire
from userproxy.spdy import (
    DataReceived,
    Event,
    GoAwayReceived,
    PingAnswered,
    ResetStatus,
    Role,
    Session,
    StreamOpened,
    StreamReplied,
    StreamReset,
)

__all__ = ["SpdyUpgrade"]

_NOTHING = memoryview(b"")


class SpdyUpgrade:
    """An `Upgrade`. Owns its wire."""

    port: int | None = None

    def __init__(self, accepted: Accepted, owner: UpgradeOwner, limits: ForwardLimits) -> None:
        self._owner = owner
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._session = Session(Role.CLIENT)
        self._wire = Wire(
            accepted.response, self, websocket=accepted.way.is_websocket, handler=accepted.handler
        )
        self._data: dict[int, _Stream] = {}
        self._errors: dict[int, _Stream] = {}
        self._stalled: set[_Stream] = set()
        self._requests = 0
        self._leaving = False
        self._over = False
        self._timer = Timer(self._tick)
        self._heard_at = self._idle_since = self._loop.time()
        self._pings_are_answered = False
        self.is_proven = False
        """The peer has taken a stream, so it speaks SPDY."""

    @property
    def has_room(self) -> bool:
        return (
            len(self._data) < self._limits.pairs_per_upgrade
            and self._session.accepts_streams
            and not (self._leaving or self._over or self._stalled)
        )

    @property
    def pairs(self) -> int:
        return len(self._data)

    @property
    def blocked(self) -> bool:
        return self._wire.blocked

    def start(self) -> None:
        self._tick()
        self._wire.start()

    def open(self, user: StreamUser, port: int) -> _Stream:
        headers: Mapping[str, str] = {"port": str(port), "requestid": str(self._requests)}
        self._requests += 1
        session = self._session
        error_id = session.open_stream({"streamtype": "error", **headers})
        session.send_data(error_id, fin=True)
        data_id = session.open_stream({"streamtype": "data", **headers})
        stream = _Stream(self, user, data_id, error_id)
        self._data[data_id] = self._errors[error_id] = stream
        self.flush()
        return stream

    def close(self) -> None:
        if not self._over:
            self._leaving = True
            self._session.goaway()
            self.flush()
            self._wire.close()

    def flush(self) -> None:
        data = self._session.data_to_send()
        if data:
            self._wire.write(data)

    # What its streams ask.

    def send(self, stream_id: int, data: bytes | memoryview, *, fin: bool = False) -> None:
        if not self._over:
            self._session.send_data(stream_id, data, fin=fin)
            self.flush()

    def stall(self, stream: _Stream, stalled: bool) -> None:
        if stalled:
            if not self._stalled:
                self._wire.pause()
                self._owner.has_stalled()
            self._stalled.add(stream)
        elif stream in self._stalled:
            self._stalled.discard(stream)
            if not self._stalled:
                self._heard_at = self._loop.time()
                self._wire.resume()
                self._owner.may_have_room()

    def leave(self) -> None:
        self._leaving = True

    def ended(self, stream: _Stream, *, reset: bool) -> None:
        """Its user is gone. An error stream may end a little later, as the peer's two streams do."""
        self.stall(stream, False)
        del self._data[stream.data_id]
        if self._over:
            return
        self._session.reset(stream.data_id)
        if reset:
            self.forget_errors(stream)
        elif stream.error_id in self._errors:
            self._loop.call_later(self._limits.settle_s, self.forget_errors, stream)
        self.flush()
        if not self._data:
            self._idle_since = self._loop.time()
            if self._leaving:
                self.close()
        self._owner.may_have_room()

    def forget_errors(self, stream: _Stream) -> None:
        if self._errors.pop(stream.error_id, None) is not None and not self._over:
            self._session.reset(stream.error_id)
            self.flush()

    # What comes in.

    def received(self, data: memoryview, *, begins: bool) -> None:
        self._heard_at = self._loop.time()
        try:
            for event in self._session.receive(data):
                if isinstance(event, DataReceived):
                    self._on_data(event)
                else:
                    self._on_other(event)
        finally:
            self.flush()

    def _on_data(self, event: DataReceived) -> None:
        stream = self._data.get(event.stream_id)
        if stream is not None:
            stream.user.received(event.data, fin=event.fin)
            return
        stream = self._errors.get(event.stream_id)
        if stream is not None:
            self._error_received(stream, event.data, fin=event.fin)

    def _on_other(self, event: Event) -> None:
        if isinstance(event, StreamReplied):
            self.is_proven = True
            stream = self._errors.get(event.stream_id)
            if event.fin and stream is not None:
                self._error_received(stream, _NOTHING, fin=True)
        elif isinstance(event, StreamReset):
            if event.stream_id in self._data:
                self._data[event.stream_id].user.reset()
            elif event.stream_id in self._errors:
                self._error_received(self._errors[event.stream_id], _NOTHING, fin=True)
        elif isinstance(event, StreamOpened):  # a kubelet opens none
            self._session.reset(event.stream_id, ResetStatus.REFUSED_STREAM)
        elif isinstance(event, PingAnswered):
            self._pings_are_answered = True
        elif isinstance(event, GoAwayReceived):
            self._on_goaway(event.last_stream_id)

    def _error_received(self, stream: _Stream, data: memoryview, *, fin: bool) -> None:
        if fin:
            del self._errors[stream.error_id]
        if stream.data_id in self._data:
            stream.user.error_received(data, fin=fin)

    def _on_goaway(self, last_stream_id: int) -> None:
        """Streams that the peer never looked at go elsewhere; the others live on (section 2.6.6)."""
        self._leaving = True
        gone = OSError(errno.ECONNRESET, "the API server's side takes no more streams (GOAWAY)")
        for stream in [s for s in self._data.values() if s.error_id > last_stream_id]:
            self.forget(stream)
            stream.user.refused(gone)
        if not self._data:
            self.close()

    def forget(self, stream: _Stream) -> None:
        del self._data[stream.data_id]
        self._errors.pop(stream.error_id, None)

    def writable(self) -> None:
        for stream in tuple(self._data.values()):
            if self._wire.blocked:
                return
            if stream.data_id in self._data:
                stream.user.writable()

    def lost(self, error: Exception | None) -> None:
        self._over = True
        self._timer.cancel()
        self._errors.clear()
        self._owner.upgrade_lost(self, error)
        why = f"the connection to the API server is gone: {error or 'it was closed'}"
        for stream in tuple(self._data.values()):
            if stream.data_id in self._data:
                stream.user.lost(OSError(errno.ECONNRESET, why))

    # Time.

    def _tick(self) -> None:
        """Is the peer there, and is the upgrade wanted?"""
        now = self._loop.time()
        silent_s = 0.0 if self._stalled else now - self._heard_at
        if silent_s >= self._limits.dead_after_s and self._pings_are_answered:
            self._wire.abort(
                TimeoutError(f"nothing came for {silent_s:.0f} s, not even the answer to a ping")
            )
            return
        if not self._data and now - self._idle_since >= self._limits.idle_upgrade_s:
            self.close()
            return
        if silent_s >= self._limits.ping_s / 2:
            self._session.ping()
            self.flush()
        self._timer.start(self._limits.ping_s)


class _Stream:
    """A `PairStream`."""

    __slots__ = ("_upgrade", "data_id", "error_id", "user")

    def __init__(self, upgrade: SpdyUpgrade, user: StreamUser, data_id: int, error_id: int) -> None:
        self._upgrade = upgrade
        self.user = user
        self.data_id = data_id
        self.error_id = error_id

    @property
    def blocked(self) -> bool:
        return self._upgrade.blocked

    def send(self, data: bytes | memoryview) -> None:
        self._upgrade.send(self.data_id, data)

    def finish(self) -> None:
        self._upgrade.send(self.data_id, b"", fin=True)

    def stall(self, stalled: bool) -> None:
        self._upgrade.stall(self, stalled)

    def leave(self) -> None:
        self._upgrade.leave()

    def end(self, *, reset: bool) -> None:
        self._upgrade.ended(self, reset=reset)
