"""The streams of a session that are not over, and which numbers there have been."""

from __future__ import annotations

from dataclasses import dataclass

from userproxy.errors import RemoteProtocolError

__all__ = ["LAST_ID", "Stream", "Streams"]

LAST_ID = 0x7FFFFFFF
"""The largest number of a stream or a ping."""


@dataclass(slots=True)
class Stream:
    """What may still happen on a stream; with nothing left in either direction it is forgotten."""

    ours: bool
    """We opened it, and the peer replies; else the other way round."""
    sends: bool = True
    receives: bool = True
    replied: bool = False


class Streams:
    """Streams by their numbers: one side's are odd, the other's even, and both only grow (section 2.3.2)."""

    __slots__ = ("_next_id", "_parity", "_streams", "last_peer_id", "of_peer")

    def __init__(self, first_id: int) -> None:
        self._parity = first_id % 2
        self._next_id = first_id
        self._streams: dict[int, Stream] = {}
        self.last_peer_id = 0
        """The newest that the peer opened; 0 before the first."""
        self.of_peer = 0
        """How many of those that the peer opened are not over."""

    def __len__(self) -> int:
        return len(self._streams)

    def __contains__(self, stream_id: int) -> bool:
        return stream_id in self._streams

    @property
    def used_up(self) -> bool:
        """There are no numbers left for streams of ours."""
        return self._next_id > LAST_ID

    def get(self, stream_id: int) -> Stream | None:
        return self._streams.get(stream_id)

    def open(self, *, sends: bool) -> int:
        """A new stream of ours."""
        stream_id = self._next_id
        self._next_id += 2
        self._streams[stream_id] = Stream(ours=True, sends=sends)
        return stream_id

    def check_opening(self, stream_id: int) -> None:
        """Raises RemoteProtocolError unless the peer may open this one next."""
        if stream_id % 2 == self._parity or stream_id <= self.last_peer_id:
            raise RemoteProtocolError(
                f"the peer opened stream {stream_id}, which is not its to open or not the next"
            )

    def accept(self, stream_id: int, *, sends: bool, receives: bool) -> None:
        """The peer opened this one."""
        if sends or receives:
            self._streams[stream_id] = Stream(ours=False, sends=sends, receives=receives)
            self.of_peer += 1

    def known(self, stream_id: int, kind: str, *, refusing: bool) -> Stream | None:
        """The stream that a frame of ``kind`` is for; None for one that is over.

        Frames for it may still have been under way; ``refusing``: also those for streams that were not taken.
        Raises RemoteProtocolError for one that was never opened.
        """
        stream = self._streams.get(stream_id)
        if stream is None and (not stream_id or not self._was_open(stream_id, refusing=refusing)):
            raise RemoteProtocolError(
                f"a {kind} frame for stream {stream_id}, which was never opened: perhaps it is no SPDY"
            )
        return stream

    def drop(self, stream_id: int) -> None:
        """This one is over. Raises KeyError when it is not there."""
        if not self._streams.pop(stream_id).ours:
            self.of_peer -= 1

    def drop_ended(self, stream_id: int, stream: Stream) -> None:
        """It is over if both directions have ended."""
        if not (stream.receives or stream.sends):
            self.drop(stream_id)

    def clear(self) -> None:
        """All are over."""
        self._streams.clear()
        self.of_peer = 0

    def _was_open(self, stream_id: int, *, refusing: bool) -> bool:
        if stream_id % 2 == self._parity:
            return stream_id < self._next_id
        return stream_id <= self.last_peer_id or refusing
