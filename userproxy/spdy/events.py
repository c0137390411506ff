"""What a session tells: frozen values, one for each thing that the peer did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "DataReceived",
    "Event",
    "GoAwayReceived",
    "HeadersReceived",
    "PingAnswered",
    "PingReceived",
    "StreamOpened",
    "StreamReplied",
    "StreamReset",
    "WindowUpdate",
]


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The peer opened a stream (SYN_STREAM). ``fin``: it will send nothing on it.

    Names in ``headers`` are lower-case; several values of one name are one text with NUL between them.
    """

    stream_id: int
    headers: Mapping[str, str]
    fin: bool = False


@dataclass(frozen=True, slots=True)
class StreamReplied:
    """The peer took a stream that we opened (SYN_REPLY). ``fin``: it will send nothing on it."""

    stream_id: int
    headers: Mapping[str, str]
    fin: bool = False


@dataclass(frozen=True, slots=True)
class HeadersReceived:
    """More headers for a stream (HEADERS). ``fin``: nothing follows."""

    stream_id: int
    headers: Mapping[str, str]
    fin: bool = False


@dataclass(frozen=True, slots=True)
class DataReceived:
    """Bytes of a stream (DATA), perhaps a part of a frame. ``fin``: the last ones, or none at all.

    ``data`` is a view of what was given to `Session.receive`, and true for as long as that is left alone.
    """

    stream_id: int
    data: memoryview
    fin: bool = False


@dataclass(frozen=True, slots=True)
class StreamReset:
    """The stream is over for both sides, at once (RST_STREAM).

    Sent by the peer, or by this session because the peer broke a rule on this stream alone. ``status`` is
    a `ResetStatus` where it is one.
    """

    stream_id: int
    status: int


@dataclass(frozen=True, slots=True)
class WindowUpdate:
    """The peer would take so many bytes more; ``stream_id`` 0 is all streams. Nothing waits for it."""

    stream_id: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PingReceived:
    """The peer wants to know whether we are there; the answer is in what is to be sent."""

    ping_id: int


@dataclass(frozen=True, slots=True)
class PingAnswered:
    """The answer to a ping of ours."""

    ping_id: int


@dataclass(frozen=True, slots=True)
class GoAwayReceived:
    """The peer takes no more streams. It has not looked at streams of ours above ``last_stream_id``.

    ``status`` is a `GoAwayStatus` where it is one. Streams that are open go on.
    """

    last_stream_id: int
    status: int


Event = (
    StreamOpened
    | StreamReplied
    | HeadersReceived
    | DataReceived
    | StreamReset
    | WindowUpdate
    | PingReceived
    | PingAnswered
    | GoAwayReceived
)
