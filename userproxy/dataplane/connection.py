"""The life of a TCP connection: accepted, held or dialled, relayed, over.

Decisions are taken in one step and never wait; what happens later comes back as a call: readiness of the
client, the end of a dial, a time limit, a new route. While it is held or dialled the client's bytes stay
unread in the kernel, so a failed dial has sent nothing and another endpoint is safe (rule B4).
"""

from __future__ import annotations

import errno
import logging
import socket
import time
from _socket import socket as Socket
from collections.abc import Collection
from typing import Protocol

from userproxy.dataplane.closing import GOOD_END, Phase, Who, close_state
from userproxy.dataplane.counters import EndpointCounters
from userproxy.dataplane.deadlines import Deadline
from userproxy.dataplane.dialling import Attempt, DialPlan
from userproxy.dataplane.engine import ERR, HUP
from userproxy.dataplane.events import port_fields
from userproxy.dataplane.relay import Relay
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import ServicePort
from userproxy.dataplane.side import Side
from userproxy.dataplane.sockets import probe_when_idle
from userproxy.log import log_event
from userproxy.model.routes import Endpoint

__all__ = ["Connection", "Keeper"]

logger = logging.getLogger(__name__)

_BROKEN = ERR | HUP
_BOTH = Who.BOTH
_DIALLING = Phase.DIALLING
_STATE_NAMES = {
    Phase.HOLDING: "holding",
    Phase.DIALLING: "dialling",
    Phase.TRANSFERRING: "transferring",
    Phase.HALF_CLOSED: "half-closed",
    Phase.OVER: "over",
}
_TCP_CLOSE = 7
"""State CLOSE in ``struct tcp_info`` (tcp(7)): reset, or timed out."""


class Keeper(Protocol):
    """Who keeps the connection while it is open: the TCP intake."""

    service_port: ServicePort

    @property
    def stopped(self) -> bool:
        """It takes in nothing more."""
        ...

    def may_hold(self) -> bool:
        """Room for one more that waits?"""
        ...

    def held(self, connection: Connection) -> None: ...

    def let_go(self, connection: Connection) -> None:
        """It waits no more."""
        ...

    def connected(self, connection: Connection) -> None:
        """It has reached an endpoint, which may have left meanwhile."""
        ...

    def over(self, connection: Connection) -> None: ...


class Connection:
    """Owns the client's socket until the relay has both."""

    __slots__ = (
        "_attempt", "_client", "_deadline", "_dial_began", "_dial_phase", "_hold_deadline", "_keeper",
        "_mask", "_plan", "_relay", "_retry", "_runtime", "address", "counters", "drain",
        "endpoint", "idle_since", "idle_total", "is_over", "probed", "started",
    )  # fmt: skip

    def __init__(self, keeper: Keeper, runtime: Runtime, sock: Socket, address: str) -> None:
        self._keeper = keeper
        self._runtime = runtime
        self._client = Side(sock)
        self._mask = 0
        """What readiness has told of the client so far; edges come once."""
        self._plan = DialPlan(runtime.settings.dial.timeouts_s)
        self._attempt: Attempt | None = None
        self._deadline: Deadline | None = None
        self._hold_deadline: Deadline | None = None
        self._retry: Deadline | None = None
        self._relay: Relay | None = None
        self._dial_phase = _DIALLING
        self._dial_began = 0.0
        self.address = address
        self.endpoint: Endpoint | None = None
        """The one that is dialled or connected."""
        self.counters: EndpointCounters | None = None
        """Those of the endpoint, once it is connected."""
        self.started = runtime.loop.time()
        self.drain: Deadline | None = None
        """Runs when the endpoint has left (rule C1)."""
        self.idle_since = self.started
        self.idle_total = 0
        self.probed = False
        """Keep-alive is set on its endpoint's socket."""
        self.is_over = False

    # What others call.

    def start(self) -> None:
        self._runtime.engine.watch(self._client.fd, self)
        self._dial()

    def route_changed(self) -> None:
        """A new route is in force: whoever waits may go (rule L9)."""
        if self._dial_phase is Phase.HOLDING and self._relay is None:
            self._dial_again()

    def cut(self, who: Who) -> None:
        """End it now, by reset."""
        if self._relay is not None:
            self._relay.cut(who)
        elif not self.is_over:
            self._end_unrelayed(who, self.phase)

    def stop_waiting(self, who: Who) -> None:
        """There is no more time for those that wait for an endpoint (rule L9)."""
        self.cut(who)

    def probe(self) -> None:
        """It lasts: notice an endpoint that vanishes (rule C9). The client's socket does so already."""
        if self._relay is not None and not self.probed:
            self.probed = True
            probe_when_idle(self._relay.endpoint.sock)

    # Between processes, while it has no endpoint: nothing has been read from the client yet.

    @property
    def sock(self) -> Socket:
        """The client's, to be duplicated."""
        return self._client.sock

    def held_for_s(self) -> float:
        """How long it may wait still."""
        if self._hold_deadline is None:  # its first round of dials was under way
            return self._keeper.service_port.route.options.hold_s
        return max(0.0, self._hold_deadline.when - self._runtime.loop.time())

    def freeze(self) -> None:
        """Dial no more, and do not end, until `thaw` or `release`: a reset would count in both processes."""
        if self._attempt is not None:
            self._attempt.cancel()
        self._stop_dialling()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._hold_deadline is not None:
            self._hold_deadline.cancel()
        self._dial_phase = Phase.HOLDING
        self._runtime.engine.unwatch(self._client.fd)

    def thaw(self) -> None:
        """What is left of its time runs on."""
        if self._hold_deadline is not None:
            self._hold_deadline = self._runtime.deadlines.after(self.held_for_s(), self._hold_ran_out)
        self._runtime.engine.watch(self._client.fd, self)
        self._dial_again()

    def release(self) -> None:
        """Give up this process's copy; the client waits on in another process, and is counted there."""
        self._stop_holding()
        self._runtime.engine.unwatch(self._client.fd)
        self._runtime.engine.close_later(self._client.sock)
        self.is_over = True
        self._keeper.over(self)

    def adopt(self, left_s: float) -> None:
        """Instead of `start`: it has waited in another process, and may do so for ``left_s`` more.

        Frozen, as it is there still.
        """
        self._runtime.engine.watch(self._client.fd, self)
        self._hold(left_s)
        self.freeze()

    def stop_drain(self) -> None:
        """Its endpoint is back, or the limit is gone."""
        if self.drain is not None:
            self.drain.cancel()
            self.drain = None

    @property
    def phase(self) -> Phase:
        if self._relay is not None:
            return self._relay.phase
        return Phase.HOLDING if self._hold_deadline is not None else Phase.DIALLING

    @property
    def state_name(self) -> str:
        return _STATE_NAMES[self.phase]

    @property
    def client_name(self) -> str:
        try:
            host, port = self._client.sock.getpeername()[:2]
        except OSError:  # it has reset the connection, and that was not read yet
            return self.address
        return Endpoint.of(host, port).name

    @property
    def connected(self) -> bool:
        return self._relay is not None

    @property
    def bytes_to_endpoint(self) -> int:
        if self._relay is not None:
            self._relay.count()
        return self._client.forwarded

    @property
    def bytes_to_client(self) -> int:
        if self._relay is None:
            return 0
        self._relay.count()
        return self._relay.endpoint.forwarded

    # What comes back.

    def ready(self, mask: int) -> None:
        """Readiness of the client, before the relay takes it over. A FIN is no reason to stop (rule C2)."""
        self._mask |= mask
        if mask & _BROKEN and self._vanished():
            self._end_unrelayed(Who.CLIENT, self.phase)

    def failed(self, error: Exception) -> None:
        self.cut(Who.ERROR)

    def _vanished(self) -> bool:
        return self._client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE

    # Dialling.

    def _dial(self) -> None:
        step = self._plan.next(self._choose)
        if step is None:
            self._round_is_over()
            return
        self.endpoint, timeout_s = step
        self._connect(self.endpoint, timeout_s)

    def _connect(self, endpoint: Endpoint, timeout_s: float) -> None:
        self._dial_began = time.monotonic()  # a loop's own clock may have no more than milliseconds
        attempt = self._runtime.dialler.dial(endpoint, self._dialled)
        if attempt is not None:
            self._attempt = attempt
            self._deadline = self._runtime.deadlines.after(timeout_s, self._timed_out)

    def _choose(self, tried: Collection[Endpoint]) -> Endpoint | None:
        return self._keeper.service_port.choose(self.address, tried)

    def _timed_out(self) -> None:
        if self._attempt is not None:
            self._attempt.cancel()
            self._dial_failed(TimeoutError("no answer in time"))

    def _dial_failed(self, error: OSError) -> None:
        """Nothing was delivered to the endpoint, so that another one may be dialled."""
        self._stop_dialling()
        assert self.endpoint is not None
        if error.errno in (errno.EMFILE, errno.ENFILE):
            self._end_unrelayed(Who.LIMIT, Phase.DIALLING)  # our own want, no fault of the endpoint
            return
        self._keeper.service_port.counters_of(self.endpoint).dial_failures += 1
        logger.debug("dial to %s failed: %s", self.endpoint, error)
        self._dial()

    def _dialled(self, sock: Socket | None, mask: int, error: OSError | None) -> None:
        if error is not None:
            self._dial_failed(error)
            return
        self._stop_dialling()
        assert sock is not None
        assert self.endpoint is not None
        if self._hold_deadline is not None:
            self._stop_holding()
        service_port = self._keeper.service_port
        try:
            counters = service_port.endpoints[self.endpoint]
        except KeyError:  # its first connection
            counters = service_port.counters_of(self.endpoint)
        counters.connections += 1
        counters.dialled(time.monotonic() - self._dial_began)
        self.counters = counters
        self._relay = Relay(self._runtime.engine, self._runtime.pipes, self._client, Side(sock), self._over)
        self._relay.start(self._mask, mask)
        if not self.is_over:
            self._keeper.connected(self)

    def _stop_dialling(self) -> None:
        self._attempt = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # Holding.

    def _round_is_over(self) -> None:
        """No endpoint, or none that answered."""
        service_port = self._keeper.service_port
        who = Who.ENDPOINT if self._plan.attempts else Who.NO_ENDPOINT
        hold_s = service_port.route.options.hold_s
        if not hold_s:
            if self._hold_deadline is not None:  # it was switched off while this one waited
                self._hold_ran_out()
            else:
                self._end_unrelayed(who, Phase.DIALLING)
            return
        if self._hold_deadline is None:
            if self._keeper.stopped:
                self._end_unrelayed(Who.STOP, Phase.HOLDING)
                return
            if not self._keeper.may_hold():
                self._end_unrelayed(Who.LIMIT, Phase.HOLDING)
                return
            self._hold(hold_s)
        self._dial_phase = Phase.HOLDING
        if self._plan.attempts:
            self._retry = self._runtime.deadlines.after(
                self._runtime.settings.dial.hold_retry_s, self._dial_again
            )

    def _hold(self, limit_s: float) -> None:
        self._hold_deadline = self._runtime.deadlines.after(limit_s, self._hold_ran_out)
        self._dial_phase = Phase.HOLDING
        self._keeper.held(self)

    def _dial_again(self) -> None:
        if self._dial_phase is Phase.HOLDING and not self.is_over:
            self._dial_phase = Phase.DIALLING
            if self._retry is not None:
                self._retry.cancel()
                self._retry = None
            self._plan.new_round()
            self._dial()

    def _hold_ran_out(self) -> None:
        self._end_unrelayed(Who.NO_ENDPOINT, Phase.HOLDING)

    def _stop_holding(self) -> None:
        if self._hold_deadline is not None:
            self._hold_deadline.cancel()
            self._hold_deadline = None
            self._keeper.let_go(self)
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    # The end.

    def _end_unrelayed(self, who: Who, phase: Phase) -> None:
        """Reset the client, so that it cannot take the end for an empty answer (rule B5)."""
        if self.is_over:
            return
        if self._attempt is not None:
            self._attempt.cancel()
        self._stop_dialling()
        self._stop_holding()
        self._runtime.engine.close_later(self._client.sock, reset=True)
        self._over(who, phase)

    def _over(self, who: Who, phase: Phase) -> None:
        """Both sockets are given back: count and tell, once."""
        self.is_over = True
        if self.drain is not None:
            self.stop_drain()
        counters, relay = self.counters, self._relay
        if counters is not None and relay is not None:
            counters.ended += 1
            counters.bytes_to_endpoint += self._client.forwarded
            counters.bytes_to_client += relay.endpoint.forwarded
        state = GOOD_END if who is _BOTH else close_state(who, phase)
        self._keeper.service_port.counters.ends[state] += 1
        self._keeper.over(self)
        if logger.isEnabledFor(logging.DEBUG):
            self._log(state)

    def _log(self, state: str) -> None:
        log_event(
            logger, logging.DEBUG, "connection_closed", **port_fields(self._keeper.service_port.key),
            client=self.address, endpoint=self.endpoint.name if self.endpoint is not None else None,
            state=state, bytes_to_endpoint=self.bytes_to_endpoint, bytes_to_client=self.bytes_to_client,
            duration_ms=round((self._runtime.loop.time() - self.started) * 1000, 3), dials=self._plan.total,
        )  # fmt: skip
