"""HTTP/1.1 over one connection, kept or closed behind each answer."""

from __future__ import annotations

from userproxy.load.http_answer import AnswerReader, HeadMemory
from userproxy.load.http_head import Head
from userproxy.load.plan import Naming, Plan
from userproxy.load.tcp_exchange import TcpExchange, Wiring

__all__ = ["HttpExchange", "request_bytes"]

_GOOD = range(200, 300)


def request_bytes(plan: Plan) -> bytes:
    """What every connection sends (RFC 9112, 3)."""
    target = plan.target
    own = {name.lower() for name, _ in plan.headers}
    lines = [f"GET {target.path} HTTP/1.1"]
    if "host" not in own:
        lines.append(f"Host: {target.authority}")
    lines += [f"{name}: {value}" for name, value in plan.headers]
    if not plan.keep_alive:
        lines.append("Connection: close")
    return "\r\n".join((*lines, "", "")).encode("ascii")


class HttpExchange(TcpExchange):
    """Good is an answer of 2xx, framed as RFC 9112 says; a redirect is not followed and is not good."""

    __slots__ = ("_head", "_keep_alive", "_naming", "_reader", "_request", "_size_bytes")

    def __init__(self, wiring: Wiring, request: bytes, heads: HeadMemory) -> None:
        super().__init__(wiring)
        plan = wiring.plan
        self._request = request
        self._keep_alive = plan.keep_alive
        self._naming = plan.naming
        self._reader = AnswerReader(heads, max_body_bytes=plan.max_answer_bytes)
        self._head: Head | None = None
        self._size_bytes = 0

    def _is_connected(self) -> bool:
        self._reader.forget()
        self._size_bytes = 0
        return True

    def _message(self) -> bytes:
        return self._request

    def _received(self, data: bytes) -> bool:
        self._size_bytes += len(data)
        head = self._reader.feed(data)
        if head is None:
            return False
        self._count(head)
        return True

    def _stays(self) -> bool:
        return self._keep_alive and self._head is not None and self._head.keeps

    def _server_closes(self) -> bool:
        return self._head is not None and not self._head.keeps

    def _stream_ended(self) -> None:
        self._count(self._reader.end())

    def _count(self, head: Head) -> None:
        self._head = head
        size_bytes, self._size_bytes = self._size_bytes, 0
        wiring = self._wiring
        now_ns = wiring.now_ns()
        if head.status not in _GOOD:
            wiring.tally.failed(f"status {head.status}", self._intended_ns, now_ns)
            return
        counts = wiring.tally.answered(self._intended_ns, self._asked_ns, now_ns, size_bytes)
        if self._naming is Naming.FIRST_LINE:
            counts.name(_first_line(self._reader.start))
        elif self._naming is Naming.HEADER:
            counts.name(head.named_by.decode("latin-1") or "(no such header)")


def _first_line(start: bytes) -> str:
    line = start.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace")
    return line if line.isprintable() and line else "(no line)"
