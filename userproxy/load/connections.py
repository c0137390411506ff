"""The connections or flows of a plan, and what a run wants of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from userproxy.load.dispatcher import Slot
from userproxy.load.echo_exchange import EchoExchange
from userproxy.load.http_answer import HeadMemory
from userproxy.load.http_exchange import HttpExchange, request_bytes
from userproxy.load.messages import Messages
from userproxy.load.targets import HTTP, TCP
from userproxy.load.tcp_exchange import Wiring
from userproxy.load.udp_flow import UdpFlow

__all__ = ["Connection", "connections_of"]


class Connection(Protocol):
    """A TCP connection, or a UDP flow."""

    def open(self, opened: Callable[[str], None]) -> None:
        """Get ready before the start; ``opened`` is told "" or what is wrong, once."""
        ...

    @property
    def slots(self) -> Sequence[Slot]:
        """The requests that it can have on their way at once."""
        ...

    def expire(self, now_ns: int, timeout_ns: int) -> None:
        """Give up what has taken longer than ``timeout_ns``."""
        ...

    def close(self) -> None: ...


def connections_of(wiring: Wiring) -> list[Connection]:
    """As many as the plan says."""
    plan = wiring.plan
    numbers = range(plan.connections)
    if plan.target.scheme == HTTP:
        request, heads = request_bytes(plan), HeadMemory(plan.naming_header)
        return [HttpExchange(wiring, request, heads) for _ in numbers]
    messages = Messages(plan.size_bytes)
    if plan.target.scheme == TCP:
        return [EchoExchange(wiring, messages, number) for number in numbers]
    return [UdpFlow(wiring, messages, number, plan.places) for number in numbers]
