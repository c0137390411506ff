"""TCP echo over one connection: every byte must come back, and no other."""

from __future__ import annotations

from userproxy.load.http_head import AnswerError
from userproxy.load.messages import Messages
from userproxy.load.plan import Naming
from userproxy.load.tcp_exchange import TcpExchange, Wiring

__all__ = ["EchoExchange"]

MAX_LINE_BYTES = 256
"""Of the line by which a server says who it is."""


class EchoExchange(TcpExchange):
    """With `Naming.FIRST_LINE` the server speaks first, once for each connection."""

    __slots__ = ("_expected", "_keep_alive", "_line", "_messages", "_name", "_named", "_number", "_owner",
                 "_position")  # fmt: skip

    def __init__(self, wiring: Wiring, messages: Messages, owner: int) -> None:
        super().__init__(wiring)
        self._messages = messages
        self._owner = owner
        self._keep_alive = wiring.plan.keep_alive
        self._named = wiring.plan.naming is Naming.FIRST_LINE
        self._line: bytes | None = None
        """Of the first line, what has come; None when there is none to wait for."""
        self._name = ""
        self._number = 0
        self._expected = b""
        self._position = 0

    def _is_connected(self) -> bool:
        self._line = b"" if self._named else None
        return not self._named

    def _message(self) -> bytes:
        self._number += 1
        self._position = 0
        self._expected = self._messages.make(self._number, self._owner)
        return self._expected

    def _received(self, data: bytes) -> bool:
        if self._line is not None:
            self._read_line(self._line + data)
            return False
        end = self._position + len(data)
        if data != self._expected[self._position : end]:
            behind = end > len(self._expected) and data.startswith(self._expected[self._position :])
            raise AnswerError("bytes behind the answer" if behind else "wrong bytes")
        self._position = end
        if end < len(self._expected):
            return False
        wiring = self._wiring
        counts = wiring.tally.answered(self._intended_ns, self._asked_ns, wiring.now_ns(), end)
        if self._named:
            counts.name(self._name)
        return True

    def _read_line(self, received: bytes) -> None:
        line, end, more = received.partition(b"\n")
        if more:
            raise AnswerError("bytes behind the first line")
        if len(line) > MAX_LINE_BYTES:
            raise AnswerError("no first line")
        self._line = received
        if end:
            self._line = None
            name = line.rstrip(b"\r").decode("utf-8", "replace")
            self._name = name if name.isprintable() and name else "(no line)"
            self._usable(self._wiring.now_ns())

    def _stream_ended(self) -> None:
        raise AnswerError("closed inside the answer" if self._position else "closed before the answer")

    def _stays(self) -> bool:
        return self._keep_alive
