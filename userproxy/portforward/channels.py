"""One connection in the numbered channels of a WebSocket (``v4.channel.k8s.io``), for servers without SPDY.

Channel 0 is the data, channel 1 the error; the first two bytes that come on each are the port's number. An
upgrade of this kind carries one connection, and there is no way to say that one side has ended.
"""

from __future__ import annotations

import errno

from userproxy.errors import RemoteProtocolError
from userproxy.portforward.handshake import Accepted
from userproxy.portforward.streams import StreamUser, UpgradeOwner
from userproxy.portforward.wire import ClosedByPeer, Wire

__all__ = ["ChannelUpgrade"]

_DATA, _ERROR = 0, 1
_PORT_BYTES = 2
_NOTHING = memoryview(b"")


class ChannelUpgrade:
    """An `Upgrade` and its only `PairStream`. Owns its wire."""

    def __init__(self, accepted: Accepted, owner: UpgradeOwner, port: int) -> None:
        self._owner = owner
        self._wire = Wire(accepted.response, self, websocket=True, handler=accepted.handler)
        self._user: StreamUser | None = None
        self._over = False
        self._used = False
        self._channel: int | None = None
        """Of the message that is coming; None: its number is the next byte."""
        self._skip = {_DATA: _PORT_BYTES, _ERROR: _PORT_BYTES}
        self.port: int | None = port

    @property
    def has_room(self) -> bool:
        return not (self._used or self._over)

    @property
    def pairs(self) -> int:
        return 0 if self._user is None else 1

    @property
    def is_proven(self) -> bool:
        """Nothing is negotiated beyond the upgrade itself."""
        return True

    @property
    def blocked(self) -> bool:
        return self._wire.blocked

    def start(self) -> None:
        self._wire.start()

    def open(self, user: StreamUser, port: int) -> ChannelUpgrade:
        self._used = True
        self._user = user
        return self

    def close(self) -> None:
        self._wire.close()

    # What its user asks.

    def send(self, data: bytes | memoryview) -> None:
        self._wire.write(b"".join((b"\0", data)))

    def finish(self) -> None:
        """The only end that there is is that of both directions."""
        self._wire.close()

    def stall(self, stalled: bool) -> None:
        if stalled:
            self._wire.pause()
            self._owner.has_stalled()
        else:
            self._wire.resume()

    def leave(self) -> None:
        """It takes no second connection anyway."""

    def end(self, *, reset: bool) -> None:
        self._user = None
        self._wire.resume()
        self._wire.close()

    # What comes in.

    def received(self, data: memoryview, *, begins: bool) -> None:
        if begins:
            self._channel = None
        if self._channel is None:
            self._channel, data = data[0], data[1:]
        if self._channel not in self._skip:
            raise RemoteProtocolError(f"a message on channel {self._channel}; there are 0 and 1")
        skipped = min(self._skip[self._channel], len(data))
        self._skip[self._channel] -= skipped
        data = data[skipped:]
        if self._user is None or not data:
            return
        if self._channel == _DATA:
            self._user.received(data, fin=False)
        else:
            self._user.error_received(data, fin=False)

    def writable(self) -> None:
        if self._user is not None:
            self._user.writable()

    def lost(self, error: Exception | None) -> None:
        self._over = True
        user = self._user
        ended = error is None or isinstance(error, ClosedByPeer)
        self._owner.upgrade_lost(self, None if ended else error)
        if user is None:
            return
        if not ended:
            why = f"the connection to the API server is gone: {error}"
            user.lost(OSError(errno.ECONNRESET, why))
            return
        # The server closes it when the pod's side has ended.
        user.error_received(_NOTHING, fin=True)
        if self._user is not None:
            user.received(_NOTHING, fin=True)
