"""One UDP flow: a client on one side, a socket connected to its endpoint on the other (rule C3)."""

from __future__ import annotations

import errno
import logging
from _socket import socket as Socket
from dataclasses import dataclass
from typing import Protocol

from userproxy.dataplane.closing import Phase, Who, close_state
from userproxy.dataplane.counters import EndpointCounters
from userproxy.dataplane.engine import ERR, IN, READS
from userproxy.dataplane.events import port_fields
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import ServicePort
from userproxy.dataplane.udp_flows import FlowEntry
from userproxy.dataplane.udp_hold import Address
from userproxy.log import log_event
from userproxy.model.routes import Endpoint, Route

__all__ = ["DATAGRAM_BYTES", "FlowKeeper", "FlowState", "UdpFlow", "log_flow"]

logger = logging.getLogger(__name__)

DATAGRAM_BYTES = 1 << 16
"""More than any datagram has: 65,507 bytes over IPv4, 65,527 over IPv6 (RFC 768, RFC 8200)."""
ANSWERS_PER_TURN = 32
"""Then other sockets have their turn."""
_NO_BUFFER = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM})

# Not the buffer that clients' datagrams are read into: a flow may end, and hand over its last answers,
# while a datagram of another one is on its way.
_buffer = bytearray(DATAGRAM_BYTES)
_view = memoryview(_buffer)


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


class FlowKeeper(Protocol):
    """Who keeps the flow while it is open, and owns the socket that its client knows: the UDP intake."""

    service_port: ServicePort

    def answered(self, flow: UdpFlow, datagram: memoryview) -> None:
        """The endpoint sent ``datagram``."""
        ...

    def over(self, flow: UdpFlow, who: Who) -> None:
        """The flow has ended; it is out of the registry."""
        ...


class UdpFlow(FlowEntry):
    """Owns its socket from construction to `end`."""

    __slots__ = (
        "_keeper", "_queued", "_runtime", "_sock", "address", "bytes_to_client", "bytes_to_endpoint",
        "counters", "endpoint", "frozen", "is_over", "moved", "replied", "route", "started",
    )  # fmt: skip

    def __init__(
        self, keeper: FlowKeeper, runtime: Runtime, sock: Socket, address: Address, endpoint: Endpoint
    ) -> None:
        self._keeper = keeper
        self._runtime = runtime
        self._sock = sock
        self._queued = False
        self.address = address
        """The client's, with its port."""
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
        self.frozen = False
        self.counters.open += 1
        self.counters.connections += 1
        runtime.engine.watch(sock.fileno(), self, READS)

    def send(self, datagram: memoryview) -> bool:
        """Pass a datagram on. False: it was not sent, and the flow has ended (rule C6)."""
        try:
            self._sock.send(datagram)
        except OSError as error:
            if error.errno in _NO_BUFFER:
                self._keeper.service_port.counters.dropped["no buffer to endpoint"] += 1
            elif error.errno == errno.EMSGSIZE:
                self._keeper.service_port.counters.dropped["too large for endpoint"] += 1
            else:  # ECONNREFUSED and the like: what ICMP said of an earlier datagram
                self.end(Who.ENDPOINT)
                return False
        else:
            self.bytes_to_endpoint += len(datagram)
        self._runtime.udp.touch(self)
        return True

    def ready(self, mask: int) -> None:
        if mask & (IN | ERR) and not self._queued:
            self._receive()

    def failed(self, error: Exception) -> None:
        self.end(Who.ERROR)

    def _receive(self) -> None:
        """Hand over one turn's worth of answers."""
        self._queued = False
        if self.is_over or self.frozen:
            return
        try:
            more = self._hand_over(ANSWERS_PER_TURN)
        except OSError:  # what ICMP said of an earlier datagram
            self.end(Who.ENDPOINT)
            return
        if more:
            self._queued = True
            self._runtime.engine.again(self._receive)

    def _hand_over(self, most: int) -> bool:
        """Hand over up to ``most`` answers; False when there are no more. Raises OSError."""
        receive = self._sock.recv_into
        try:
            for _ in range(most):
                size = receive(_buffer)
                self._keeper.answered(self, _view[:size])
        except BlockingIOError:
            return False
        return True

    def hand_over_last(self) -> None:
        """Hand over the answers that have come already, up to two turns' worth."""
        for _ in range(2):
            try:
                if not self._hand_over(ANSWERS_PER_TURN):
                    return
            except OSError as error:  # an ICMP error is told once, before the answers behind it
                logger.debug("flow to %s: %s", self.endpoint, error)

    # Between processes.

    @property
    def sock(self) -> Socket:
        """To be duplicated."""
        return self._sock

    def freeze(self) -> None:
        """Leave answers in the socket: another process may read them."""
        self.frozen = True
        self._runtime.engine.unwatch(self._sock.fileno())

    def thaw(self) -> None:
        self.frozen = False
        self._runtime.engine.watch(self._sock.fileno(), self, READS)

    def state(self, now: float) -> FlowState:
        return FlowState(
            address=self.address,
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
        self._runtime.engine.unwatch(self._sock.fileno())
        self._runtime.engine.close_later(self._sock)
        self._runtime.udp.remove(self)
        self.counters.open -= 1

    def end(self, who: Who) -> None:
        """Close the socket, and count and tell the end, once."""
        if self.is_over:
            return
        if who is not Who.ERROR:
            self.hand_over_last()
        if self.moved and who is Who.IDLE:
            who = Who.BOTH
        self.is_over = True
        self._runtime.engine.close_later(self._sock)
        self._runtime.udp.remove(self)
        self.counters.open -= 1
        self.counters.bytes_to_endpoint += self.bytes_to_endpoint
        self.counters.bytes_to_client += self.bytes_to_client
        state = close_state(who, Phase.OVER if who is Who.BOTH else Phase.TRANSFERRING)
        self._keeper.service_port.counters.ends[state] += 1
        self._keeper.over(self, who)
        if logger.isEnabledFor(logging.DEBUG):
            log_flow(
                self._keeper.service_port, self.address, state, endpoint=self.endpoint.name,
                bytes_to_endpoint=self.bytes_to_endpoint, bytes_to_client=self.bytes_to_client,
                duration_ms=round((self._runtime.loop.time() - self.started) * 1000, 3),
            )  # fmt: skip


def log_flow(
    service_port: ServicePort, address: Address, state: str, /, **fields: str | int | float | None
) -> None:
    """One flow_closed line, also for a client that never had an endpoint."""
    log_event(
        logger, logging.DEBUG, "flow_closed", **port_fields(service_port.key),
        client=Endpoint.of(address[0], address[1]).name, state=state, **fields,
    )  # fmt: skip
