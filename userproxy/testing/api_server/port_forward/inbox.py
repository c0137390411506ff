"""What a client has sent on one stream and the pod has not taken."""

from __future__ import annotations

from collections import deque

from userproxy.testing.api_server.http.pulse import Pulse

__all__ = ["Inbox"]

_MOST = 50
"""Frames that wait: as many as the queues of spdystream hold. Then the whole upgrade is read no further."""


class Inbox:
    """Parts of a stream, oldest first."""

    def __init__(self) -> None:
        self._parts: deque[bytes | memoryview] = deque()
        self._ended = False
        self._discards = False
        self._changed = Pulse()

    async def put(self, part: bytes | memoryview) -> None:
        """Add a part, once there is room."""
        await self._changed.wait_for(lambda: len(self._parts) < _MOST or self._discards)
        if not self._discards:
            self._parts.append(part)
            self._changed.beat()

    def end(self) -> None:
        """Nothing follows."""
        self._ended = True
        self._changed.beat()

    def discard(self) -> None:
        """Nobody wants what waits, nor what may come."""
        self._parts.clear()
        self._discards = True
        self.end()

    async def get(self) -> bytes | memoryview:
        """The next part; b"" at the end."""
        await self._changed.wait_for(lambda: bool(self._parts) or self._ended)
        if not self._parts:
            return b""
        part = self._parts.popleft()
        self._changed.beat()
        return part
