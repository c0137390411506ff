"""One UDP flow: a client on one side, a socket connected to its endpoint on the other (rule C3)."""

from __future__ import annotations

import errno
import logging
from _socket import socket as Socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from userproxy.dataplane.closing import Phase, Who, close_state
from userproxy.dataplane.counters import EndpointCounters
from userproxy.dataplane.engine import READS
from userproxy.dataplane.events import port_fields
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import ServicePort
from userproxy.dataplane.udp_batching import Answering, Arrivals, Listening
from userproxy.dataplane.udp_clients import Address, Client, address_of
from userproxy.dataplane.udp_flows import FlowEntry
from userproxy.dataplane.udp_sockets import queued_bytes
from userproxy.log import log_event
from userproxy.model.routes import Endpoint, Route

__all__ = ["FlowKeeper", "FlowState", "UdpFlow", "log_flow"]

logger = logging.getLogger(__name__)

LAST_TURNS = 2
"""Of reading answers, when a flow ends."""
_NO_BUFFER = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM})
_NO_SEGMENTS = frozenset({errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.EOPNOTSUPP})
"""What the kernel says when it cannot cut a message: a segment above the path's MTU, no checksums."""


@dataclass(frozen=True, slots=True)
class FlowState:
    """What another process must know of a flow to go on with it; the socket goes beside it."""

    address: Address
    endpoint: Endpoint
    replied: bool
    moved: bool
    bytes_to_endpoint: int
    bytes_to_client: int
    age_s: float
    idle_s: float


class FlowKeeper(Listening, Protocol):
    """Who keeps the flow while it is open, and owns the socket that its client knows: the UDP intake."""

    service_port: ServicePort

    def replied(self, flow: UdpFlow) -> None:
        """The endpoint sent the flow's first answer."""
        ...

    def over(self, flow: UdpFlow, who: Who) -> None:
        """The flow has ended; it is out of the registry."""
        ...


class UdpFlow(FlowEntry):
    """Owns its socket from construction to `end`."""

    __slots__ = (
        "_ready", "_runtime", "_send", "_touch", "answers_in_bursts", "bytes_to_client", "bytes_to_endpoint",
        "client", "client_pointer", "counters", "endpoint", "is_over", "keeper", "moved", "receive",
        "replied", "route", "seen_in", "seen_running", "segments_to_client", "segments_to_endpoint", "sock",
        "started",
    )  # fmt: skip

    def __init__(
        self, keeper: FlowKeeper, runtime: Runtime, sock: Socket, client: Client, endpoint: Endpoint
    ) -> None:
        self.keeper: FlowKeeper = keeper
        self._runtime = runtime
        self._ready: list[Answering] = runtime.answers.ready
        self._touch = runtime.udp.touch
        self.sock = sock
        self._send = sock.send
        self.receive: Callable[[memoryview], int] = sock.recv_into
        self.client: Client = client
        self.client_pointer = 0
        self.answers_in_bursts = False
        self.seen_in = self.seen_running = 0
        self.segments_to_client = True
        self.segments_to_endpoint = True
        self.endpoint: Endpoint = endpoint
        self.counters: EndpointCounters = keeper.service_port.counters_of(endpoint)
        self.route: Route | None = keeper.service_port.route
        """The last route in which the endpoint was seen to be serving; None: not looked at yet."""
        self.replied = False
        self.moved = False
        """Its client went on to another endpoint; it stays for late answers only."""
        self.bytes_to_endpoint = 0
        self.bytes_to_client = 0
        self.started = runtime.loop.time()
        self.is_over = False
        self.counters.connections += 1
        runtime.engine.watch(sock.fileno(), self, READS)

    def send(self, datagram: memoryview) -> bool:
        """Pass a datagram on. False: it was not sent, and the flow has ended (rule C6).

        Whoever calls this has `FlowRegistry.settle` called.
        """
        try:
            self.bytes_to_endpoint += self._send(datagram)
        except OSError as error:
            if not self._survives(error):
                return False
        self._touch(self)
        return True

    def send_run(self, arrivals: Arrivals, first: int, end: int) -> int:
        """`send` for several, in order. Less than ``end``: the rest was not sent, and the flow has ended."""
        self.answers_in_bursts = True
        while end - first > 1:
            try:
                passed, tried = arrivals.send(self.sock, first, end, segments=self.segments_to_endpoint)
            except OSError as error:
                if error.errno in _NO_SEGMENTS and self.segments_to_endpoint:
                    self.segments_to_endpoint = False
                    continue
                if not self._survives(error):
                    return first
                first += 1
                continue
            self.bytes_to_endpoint += sum(arrivals.sizes[first:passed])
            if passed < tried and not queued_bytes(self.sock):
                # The kernel told no error, for some were sent; with room to send it was an ICMP one.
                self.end(Who.ENDPOINT)
                return passed
            first = passed
        if first < end:
            return end if self.send(arrivals.datagrams[first]) else first
        self._touch(self)
        return end

    def _survives(self, error: OSError) -> bool:
        """Count the datagram that could not be sent, or end the flow: what ICMP said of an earlier one."""
        dropped = self.keeper.service_port.counters.dropped
        if error.errno in _NO_BUFFER:
            dropped["no buffer to endpoint"] += 1
        elif error.errno == errno.EMSGSIZE:
            dropped["too large for endpoint"] += 1
        else:  # ECONNREFUSED and the like
            self.end(Who.ENDPOINT)
            return False
        return True

    def ready(self, mask: int) -> None:
        """Answers are read at the end of the engine's batch, those of all flows in one go."""
        if self.keeper.stopped:  # its turn to end comes early
            self.end(Who.STOP)
            return
        ready = self._ready
        if not ready:
            self._runtime.engine.after_batch(self._runtime.answers.serve)
            self._runtime.engine.after_batch(self._runtime.udp.settle)
        ready.append(self)

    def refused(self) -> None:
        self.end(Who.ENDPOINT)

    def failed(self, error: Exception) -> None:
        self.end(Who.ERROR)

    def answered(self, size_bytes: int) -> None:
        """That many bytes of answers are on their way to the client."""
        self.bytes_to_client += size_bytes
        if self.moved:
            return
        if self.replied:
            self._touch(self)
        else:
            self.replied = True
            self.keeper.replied(self)

    def not_answered(self, size_bytes: int, error: OSError) -> None:
        """No buffer, no route; the flow may be over by now."""
        self.bytes_to_client -= size_bytes
        if self.is_over:
            self.counters.bytes_to_client -= size_bytes
        self.keeper.service_port.counters.dropped["to client"] += 1
        logger.debug("answer to %s failed: %s", address_of(self.client), error)

    def hand_over_last(self) -> None:
        """Hand over the answers that have come already, up to two turns' worth."""
        answers = self._runtime.answers
        self.answers_in_bursts = True
        for _ in range(LAST_TURNS):
            try:
                if not answers.take(self):
                    break
            except OSError as error:  # an ICMP error is told once, before the answers behind it
                logger.debug("flow to %s: %s", self.endpoint, error)
        answers.flush()

    @property
    def client_name(self) -> str:
        address = address_of(self.client)
        return Endpoint.of(address[0], address[1]).name

    @property
    def state_name(self) -> str:
        if self.moved:
            return "moved"
        return "replied" if self.replied else "unreplied"

    # Between processes.

    def freeze(self) -> None:
        """Leave answers in the socket: another process may read them."""
        self._runtime.engine.unwatch(self.sock.fileno())

    def thaw(self) -> None:
        self._runtime.engine.watch(self.sock.fileno(), self, READS)

    def change(self, state: FlowState) -> None:
        """Go on from ``state``, which the other process has seen; the addresses are the same."""
        self.replied = state.replied
        self.moved = state.moved
        self.bytes_to_endpoint = state.bytes_to_endpoint
        self.bytes_to_client = state.bytes_to_client
        self.started = self._runtime.loop.time() - state.age_s

    def state(self, now: float) -> FlowState:
        return FlowState(
            address=address_of(self.client),
            endpoint=self.endpoint,
            replied=self.replied,
            moved=self.moved,
            bytes_to_endpoint=self.bytes_to_endpoint,
            bytes_to_client=self.bytes_to_client,
            age_s=now - self.started,
            idle_s=now - self.last_s,
        )

    def release(self) -> None:
        """Give up this process's copy; the flow goes on in another process and is counted there."""
        self.is_over = True
        self._close()
        self.counters.ended += 1

    def _close(self) -> None:
        """Also where another process has a copy of the socket, which would be told about for ever."""
        self._runtime.engine.unwatch(self.sock.fileno())
        self._runtime.engine.close_later(self.sock)
        self._runtime.udp.remove(self)

    def end(self, who: Who) -> None:
        """Close the socket, and count and tell the end, once."""
        if self.is_over:
            return
        if who is not Who.ERROR and not self.keeper.stopped:
            self.hand_over_last()
        if self.moved and who is Who.IDLE:
            who = Who.BOTH
        self.is_over = True
        self._close()
        self.counters.ended += 1
        self.counters.bytes_to_endpoint += self.bytes_to_endpoint
        self.counters.bytes_to_client += self.bytes_to_client
        state = close_state(who, Phase.OVER if who is Who.BOTH else Phase.TRANSFERRING)
        self.keeper.service_port.counters.ends[state] += 1
        self.keeper.over(self, who)
        if logger.isEnabledFor(logging.DEBUG):
            log_flow(
                self.keeper.service_port, self.client, state, endpoint=self.endpoint.name,
                bytes_to_endpoint=self.bytes_to_endpoint, bytes_to_client=self.bytes_to_client,
                duration_ms=round((self._runtime.loop.time() - self.started) * 1000, 3),
            )  # fmt: skip


def log_flow(
    service_port: ServicePort, client: Client, state: str, /, **fields: str | int | float | None
) -> None:
    """One flow_closed line, also for a client that never had an endpoint."""
    address = address_of(client)
    log_event(
        logger, logging.DEBUG, "flow_closed", **port_fields(service_port.key),
        client=Endpoint.of(address[0], address[1]).name, state=state, **fields,
    )  # fmt: skip
