"""One side of a SPDY connection: its streams, what comes in, what goes out."""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator, Mapping

from userproxy.errors import LocalProtocolError, RemoteProtocolError
from userproxy.spdy.events import (
    DataReceived,
    Event,
    GoAwayReceived,
    HeadersReceived,
    PingAnswered,
    PingReceived,
    StreamOpened,
    StreamReplied,
    StreamReset,
    WindowUpdate,
)
from userproxy.spdy.frames import (
    FIN,
    MAX_DATA_BYTES,
    UNIDIRECTIONAL,
    ControlFrame,
    Decoder,
    FrameType,
    GoAwayStatus,
    ResetStatus,
    control_frame,
    data_header,
)
from userproxy.spdy.header_block import HeaderCompressor, HeaderDecompressor
from userproxy.spdy.streams import LAST_ID, Stream, Streams

__all__ = ["Role", "Session"]

MAX_PEER_STREAMS = 10_000
"""Open at once by the peer; what it opens beyond them is refused."""
MAX_WAITING_ANSWERS = 1_000
"""Pings to answer and resets of our own between two calls of `Session.data_to_send`."""

_ID = struct.Struct("!I")
_TWO = struct.Struct("!II")
_OPENING = struct.Struct("!IIBB")
"""Stream, the one it belongs to, priority and credential slot: both 0."""


class Role(enum.Enum):
    """Who opened the connection: its streams and pings have odd numbers, the other's even ones."""

    CLIENT = 1
    SERVER = 2


class Session:
    """Bytes in, events out; calls in, bytes out. Whoever owns it moves the bytes.

    After a RemoteProtocolError it is over: what is left to send (a GOAWAY that says so) should be sent.
    """

    def __init__(self, role: Role) -> None:
        self._parity = role.value % 2
        self._streams = Streams(role.value)
        self._next_ping_id = role.value
        self._pings: set[int] = set()
        self._decoder = Decoder()
        self._compressor = HeaderCompressor()
        self._decompressor = HeaderDecompressor()
        self._out: list[bytes | memoryview] = []
        self._waiting_answers = 0
        self._taking = False
        self._fault = ""
        self._peer_goes = False
        self._we_go = False

    @property
    def open_streams(self) -> int:
        """How many streams are not over yet."""
        return len(self._streams)

    @property
    def accepts_streams(self) -> bool:
        """False once `open_stream` must fail: the peer goes away, or there are no numbers left."""
        return not (self._peer_goes or self._we_go or self._fault or self._streams.used_up)

    # What comes in.

    def receive(self, data: bytes | bytearray | memoryview) -> Iterator[Event]:
        """What the peer did, in order; ``data`` is what it sent, cut anywhere.

        Events are made as they are taken, so that those before a fault of the peer are not lost: take all of
        them before the next call. While they are taken, every other method may be called. Taking raises
        RemoteProtocolError; the call itself does if the session was over before, and LocalProtocolError if
        events of the last call are left.
        """
        if self._fault:
            raise RemoteProtocolError(self._fault)
        if self._taking:
            raise LocalProtocolError("events of the last receive() have not been taken")
        self._taking = True
        return self._events(data)

    def _events(self, data: bytes | bytearray | memoryview) -> Iterator[Event]:
        try:
            for frame in self._decoder.feed(data):
                event = self._on_data(frame) if isinstance(frame, DataReceived) else self._on_control(frame)
                if event is not None:
                    yield event
        except RemoteProtocolError as error:
            self._fault = str(error)
            self._streams.clear()
            self._go_away(GoAwayStatus.PROTOCOL_ERROR)
            raise
        self._taking = False

    def _on_data(self, frame: DataReceived) -> Event | None:
        stream = self._known(frame.stream_id, "DATA")
        if stream is None or not (frame.data or frame.fin):
            return None
        if not stream.receives:
            return self._break(frame.stream_id, ResetStatus.STREAM_ALREADY_CLOSED)
        if not stream.replied and stream.ours:
            return self._break(frame.stream_id, ResetStatus.PROTOCOL_ERROR)
        if frame.fin:
            self._peer_ends(frame.stream_id, stream)
        return frame

    def _on_control(self, frame: ControlFrame) -> Event | None:
        payload = frame.payload
        match frame.kind:
            case FrameType.SYN_STREAM:
                return self._on_opened(payload, frame.flags)
            case FrameType.SYN_REPLY:
                return self._on_replied(payload, fin=bool(frame.flags & FIN))
            case FrameType.HEADERS:
                return self._on_headers(payload, fin=bool(frame.flags & FIN))
            case FrameType.RST_STREAM:
                stream_id, status = _two(payload, "RST_STREAM")
                stream = self._known(stream_id, "RST_STREAM")
                return None if stream is None else self._over(stream_id, status)
            case FrameType.PING:
                return self._on_ping(payload)
            case FrameType.GOAWAY:
                self._peer_goes = True
                return GoAwayReceived(*_two(payload, "GOAWAY"))
            case FrameType.WINDOW_UPDATE:
                return WindowUpdate(*_two(payload, "WINDOW_UPDATE"))
        # SETTINGS are about flow control and limits that we do not use; kinds unknown are to be ignored.
        return None

    def _on_opened(self, payload: bytes, flags: int) -> Event | None:
        if len(payload) < _OPENING.size:
            raise RemoteProtocolError(f"a SYN_STREAM of {len(payload)} bytes is too short")
        stream_id = _OPENING.unpack_from(payload)[0] & LAST_ID
        headers = self._decompressor.decompress(payload[_OPENING.size :])
        self._streams.check_opening(stream_id)
        if self._we_go:
            return None
        self._streams.last_peer_id = stream_id
        if self._streams.of_peer >= MAX_PEER_STREAMS:
            self._answer(_reset_frame(stream_id, ResetStatus.REFUSED_STREAM))
            return None
        fin = bool(flags & FIN)
        self._streams.accept(stream_id, sends=not flags & UNIDIRECTIONAL, receives=not fin)
        return StreamOpened(stream_id, headers, fin)

    def _on_replied(self, payload: bytes, *, fin: bool) -> Event | None:
        stream_id, headers = self._headed(payload, "SYN_REPLY")
        stream = self._known(stream_id, "SYN_REPLY")
        if stream is None:
            return None
        if not stream.ours or stream.replied:
            return self._break(stream_id, ResetStatus.STREAM_IN_USE)
        stream.replied = True
        if fin:
            self._peer_ends(stream_id, stream)
        return StreamReplied(stream_id, headers, fin)

    def _on_headers(self, payload: bytes, *, fin: bool) -> Event | None:
        stream_id, headers = self._headed(payload, "HEADERS")
        stream = self._known(stream_id, "HEADERS")
        if stream is None:
            return None
        if not stream.receives:
            return self._break(stream_id, ResetStatus.STREAM_ALREADY_CLOSED)
        if fin:
            self._peer_ends(stream_id, stream)
        return HeadersReceived(stream_id, headers, fin)

    def _on_ping(self, payload: bytes) -> Event | None:
        if len(payload) != _ID.size:
            raise RemoteProtocolError(f"a PING of {len(payload)} bytes, not {_ID.size}")
        ping_id: int = _ID.unpack(payload)[0]
        if ping_id % 2 != self._parity:
            self._answer(control_frame(FrameType.PING, payload))
            return PingReceived(ping_id)
        if ping_id not in self._pings:
            return None
        self._pings.discard(ping_id)
        return PingAnswered(ping_id)

    def _headed(self, payload: bytes, kind: str) -> tuple[int, dict[str, str]]:
        if len(payload) < _ID.size:
            raise RemoteProtocolError(f"a {kind} of {len(payload)} bytes is too short")
        headers = self._decompressor.decompress(payload[_ID.size :])
        return _ID.unpack_from(payload)[0] & LAST_ID, headers

    def _known(self, stream_id: int, kind: str) -> Stream | None:
        return self._streams.known(stream_id, kind, refusing=self._we_go)

    # What goes out.

    def data_to_send(self) -> bytes:
        """What calls and answers have queued since the last time; b"" for nothing."""
        data = b"".join(self._out)
        self._out.clear()
        self._waiting_answers = 0
        return data

    def open_stream(self, headers: Mapping[str, str], *, fin: bool = False) -> int:
        """Open a stream and give its number. ``fin``: nothing will be sent on it.

        Raises LocalProtocolError when there can be no more (`accepts_streams`), or for wrong headers.
        """
        if not self.accepts_streams:
            raise LocalProtocolError("no stream can be opened: the session is at its end")
        block = self._compressor.compress(headers)
        stream_id = self._streams.open(sends=not fin)
        payload = _OPENING.pack(stream_id, 0, 0, 0) + block
        self._out.append(control_frame(FrameType.SYN_STREAM, payload, FIN if fin else 0))
        return stream_id

    def reply(self, stream_id: int, headers: Mapping[str, str] | None = None) -> None:
        """Take a stream that the peer opened; only then may anything be sent on it.

        Raises LocalProtocolError for a stream that is not one, or was taken before.
        """
        stream = self._streams.get(stream_id)
        if stream is None or stream.ours or stream.replied:
            raise LocalProtocolError(f"stream {stream_id} waits for no reply")
        block = self._compressor.compress(headers or {})
        stream.replied = True
        self._out.append(control_frame(FrameType.SYN_REPLY, _ID.pack(stream_id) + block))

    def send_data(
        self, stream_id: int, data: bytes | bytearray | memoryview = b"", *, fin: bool = False
    ) -> None:
        """Send ``data``, in frames of at most `MAX_DATA_BYTES`; ``fin``: nothing follows.

        ``data`` is not copied: leave it alone until `data_to_send` has been called. Raises LocalProtocolError
        for a stream that is over, was ended from this side, or has not been replied to by us.
        """
        stream = self._streams.get(stream_id)
        if stream is None or not stream.sends:
            raise LocalProtocolError(f"nothing can be sent on stream {stream_id}: it is over")
        if not stream.ours and not stream.replied:
            raise LocalProtocolError(f"nothing can be sent on stream {stream_id} before its reply")
        view = memoryview(data)
        for start in range(0, len(view), MAX_DATA_BYTES):
            piece = view[start : start + MAX_DATA_BYTES]
            last = fin and start + MAX_DATA_BYTES >= len(view)
            self._out += (data_header(stream_id, len(piece), fin=last), piece)
        if fin:
            if not view:
                self._out.append(data_header(stream_id, 0, fin=True))
            stream.sends = False
            self._streams.drop_ended(stream_id, stream)

    def reset(self, stream_id: int, status: ResetStatus = ResetStatus.CANCEL) -> None:
        """End the stream at once, for both sides. Does nothing for one that is over."""
        if stream_id in self._streams:
            self._out.append(_reset_frame(stream_id, status))
            self._over(stream_id, status)

    def ping(self) -> int:
        """Ask whether the peer is there; gives the number that the answer will have."""
        ping_id = self._next_ping_id
        # Numbers begin again when they are used up.
        self._next_ping_id = ping_id + 2 if ping_id + 2 <= LAST_ID else 2 - self._parity
        self._pings.add(ping_id)
        self._out.append(control_frame(FrameType.PING, _ID.pack(ping_id)))
        return ping_id

    def goaway(self, status: GoAwayStatus = GoAwayStatus.OK) -> None:
        """Take no more streams; what the peer opens from now on is ignored. Streams that are open go on."""
        if not self._we_go:
            self._go_away(status)

    # The life of streams.

    def _go_away(self, status: GoAwayStatus) -> None:
        self._we_go = True
        self._out.append(control_frame(FrameType.GOAWAY, _TWO.pack(self._streams.last_peer_id, status)))

    def _answer(self, frame: bytes) -> None:
        """Send what the peer made us send: it must not be able to make us send without end."""
        self._waiting_answers += 1
        if self._waiting_answers > MAX_WAITING_ANSWERS:
            raise RemoteProtocolError(f"the peer asks for more than {MAX_WAITING_ANSWERS} answers at once")
        self._out.append(frame)

    def _peer_ends(self, stream_id: int, stream: Stream) -> None:
        stream.receives = False
        self._streams.drop_ended(stream_id, stream)

    def _break(self, stream_id: int, status: ResetStatus) -> StreamReset:
        """The peer broke a rule on one stream: that stream ends, the others go on."""
        self._answer(_reset_frame(stream_id, status))
        return self._over(stream_id, status)

    def _over(self, stream_id: int, status: int) -> StreamReset:
        self._streams.drop(stream_id)
        return StreamReset(stream_id, status)


def _reset_frame(stream_id: int, status: int) -> bytes:
    return control_frame(FrameType.RST_STREAM, _TWO.pack(stream_id, status))


def _two(payload: bytes, kind: str) -> tuple[int, int]:
    if len(payload) != _TWO.size:
        raise RemoteProtocolError(f"a {kind} of {len(payload)} bytes, not {_TWO.size}")
    first, second = _TWO.unpack(payload)
    return first & LAST_ID, second
