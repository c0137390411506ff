"""SPDY/3.1, the framing in which Kubernetes carries port-forward. Pure: bytes in, events out.

In: what the peer sent, cut anywhere (`Session.receive`), and calls that open, answer, feed and reset streams.
Out: `Event`s, and the bytes that are to be sent (`Session.data_to_send`). A `Session` owns the state of
one connection and both header compressions; it knows no socket, loop, clock or chance. Flow control is left
out: the peers that there are (moby/spdystream, on either side of an API server) neither send nor heed
WINDOW_UPDATE.

The rules are those of the SPDY Protocol, Draft 3.1; sections are named in the code by their numbers.
"""

from userproxy.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
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
from userproxy.spdy.frames import MAX_DATA_BYTES, GoAwayStatus, ResetStatus
from userproxy.spdy.header_block import MAX_HEADER_BLOCK_BYTES
from userproxy.spdy.session import Role, Session

__all__ = [
    "MAX_DATA_BYTES",
    "MAX_HEADER_BLOCK_BYTES",
    "DataReceived",
    "Event",
    "GoAwayReceived",
    "GoAwayStatus",
    "HeadersReceived",
    "LocalProtocolError",
    "PingAnswered",
    "PingReceived",
    "ProtocolError",
    "RemoteProtocolError",
    "ResetStatus",
    "Role",
    "Session",
    "StreamOpened",
    "StreamReplied",
    "StreamReset",
    "WindowUpdate",
]
