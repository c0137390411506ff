"""The TCP intake of a service port: one listener, and the connections that came in by it."""

from __future__ import annotations

import logging
from _socket import socket as Socket
from collections.abc import Iterator
from itertools import islice

from userproxy.dataplane.binding import Bound
from userproxy.dataplane.closing import Phase, Who, close_state
from userproxy.dataplane.connection import Connection
from userproxy.dataplane.deadlines import Deadline
from userproxy.dataplane.events import port_fields
from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.listener import TcpListener
from userproxy.dataplane.pod_connection import PodConnection
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import ServicePort
from userproxy.log import log_event

__all__ = ["TcpIntake"]

logger = logging.getLogger(__name__)

LEAST_SWEEP_S = 0.05
PROBE_AFTER_S = 15.0
"""Keep-alive is for connections that last: short ones are spared four system calls. Well within the 60 s
after which the kernel would probe first."""
PROBES_A_TURN = 500


class TcpIntake:
    """An `Intake`; also the keeper of its connections."""

    __slots__ = (
        "_connections", "_drain_limit_s", "_gone", "_group_size", "_idle_sweep", "_idle_timeout_s",
        "_listener", "_probing", "_runtime", "_stopped", "_taken", "_waiting", "host", "port", "reason",
        "service_port", "shared",
    )  # fmt: skip

    def __init__(self, runtime: Runtime, service_port: ServicePort, bound: Bound) -> None:
        self._runtime = runtime
        self.service_port = service_port
        self.host = bound.host
        self.port = bound.port
        self.reason = bound.reason
        self._group_size = bound.group_size
        self._listener = TcpListener(runtime, bound.sock, self._accepted)
        runtime.descriptors.hold(1)
        self._connections: set[Connection] = set()
        self._waiting: set[Connection] = set()
        self.shared: list[Connection] = []
        """Clients without an endpoint that another process has too."""
        self._probing: Deadline | None = None
        self._idle_sweep: Deadline | None = None
        self._idle_timeout_s: float | None = None
        self._drain_limit_s: float | None = None
        self._stopped = False
        self._gone = False
        """The Service is gone, and every endpoint with it."""
        self._taken = False

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def state(self) -> ListenerState:
        if self._stopped:
            return ListenerState.DRAINING
        if self._taken:
            return ListenerState.TAKEN
        if not self._listener.listening:
            return ListenerState.REFUSING
        return ListenerState.LISTENING if self.service_port.usable else ListenerState.HOLDING

    def open_traffic(self) -> Iterator[Connection]:
        return iter(tuple(self._connections))

    def route_changed(self) -> None:
        """Listen or refuse (rules L5, T8), dial for those that wait (L9), limit those left behind (C1)."""
        if self._runtime.dormant:
            return
        route = self.service_port.route
        if not self._stopped:
            self._listen_or_refuse(bool(self.service_port.usable or route.options.hold_s))
        for connection in tuple(self._waiting):
            connection.route_changed()
        self._limit_drains()
        if route.options.idle_timeout_s != self._idle_timeout_s:
            self._idle_timeout_s = route.options.idle_timeout_s
            self._sweep_later()

    def take_queued(self) -> None:
        if not self._runtime.dormant:
            self._listener.refuse()

    def limit_drain(self) -> None:
        self._gone = True
        self._limit_drains()

    def stop(self) -> None:
        if self._runtime.dormant:
            self.release()
        elif not self._stopped:
            self._listener.close()
            self._stopped = True
            self._runtime.descriptors.give(1)

    @property
    def sock(self) -> Socket:
        return self._listener.sock

    def freeze(self) -> None:
        """Connections stay, and so does accepting them, save where a client may have to wait (rule L9)."""
        self.shared = []
        if self.service_port.route.options.hold_s:
            self._listener.freeze()
            self.shared = [connection for connection in self._connections if not connection.connected]
            for connection in self.shared:
                connection.freeze()

    def thaw(self) -> None:
        if not self._stopped:
            self._listener.thaw()
        for connection in self.shared:
            if not connection.is_over:
                connection.thaw()
        self.shared = []

    def release(self) -> None:
        if not self._stopped:
            for connection in self.shared:
                if not connection.is_over:
                    connection.release()
            self._listener.release()
            self._stopped = True
            self._runtime.descriptors.give(1)

    def adopt(self, sock: Socket, address: str, left_s: float) -> None:
        """A client waits here from now on that has waited in another process."""
        self._began(connection := self._new(sock, address))
        connection.adopt(left_s)
        self.shared.append(connection)

    def cut_waiting(self, who: Who) -> None:
        for connection in tuple(self._waiting):
            connection.stop_waiting(who)

    def cut(self, who: Who) -> int:
        self.stop()
        connections = tuple(self._connections)
        for connection in connections:
            connection.cut(who)
        return len(connections)

    def _listen_or_refuse(self, listen: bool) -> None:
        self._taken = False
        if not listen:
            self._listener.refuse()
            return
        try:
            self._listener.listen(self.service_port.spread_over(self._group_size))
        except OSError as error:
            self._taken = True
            logger.debug("listening again on %s:%d failed: %s", self.host, self.port, error)

    # Admission.

    def _accepted(self, sock: Socket, address: str) -> None:
        service_port = self.service_port
        service_port.counters.accepted += 1
        if service_port.is_limited and service_port.is_full():
            self._runtime.engine.close_later(sock, reset=True)
            self._refused_by_limit(address)
            return
        self._began(connection := self._new(sock, address))
        connection.start()

    def _new(self, sock: Socket, address: str) -> Connection:
        pod_dialler = self._runtime.pod_dialler
        if pod_dialler is None:
            return Connection(self, self._runtime, sock, address)
        return PodConnection(self, self._runtime, sock, address, pod_dialler)

    def _began(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._runtime.connections += 1
        self._runtime.descriptors.used += 2  # as `hold`; the listener saw to it that there is room

    def _refused_by_limit(self, address: str) -> None:
        state = close_state(Who.LIMIT, Phase.DIALLING)
        self.service_port.counters.ends[state] += 1
        log_event(
            logger, logging.DEBUG, "connection_closed", **port_fields(self.service_port.key),
            client=address, endpoint=None, state=state,
        )  # fmt: skip

    # What a connection says to its keeper.

    @property
    def stopped(self) -> bool:
        return self._stopped

    def may_hold(self) -> bool:
        return self.service_port.counters.held < self._runtime.settings.limits.max_held_per_service

    def held(self, connection: Connection) -> None:
        self._waiting.add(connection)
        self.service_port.counters.held += 1
        if self.service_port.counters.held == 1:
            self.service_port.first_held()

    def let_go(self, connection: Connection) -> None:
        self._waiting.discard(connection)
        self.service_port.counters.held -= 1

    def connected(self, connection: Connection) -> None:
        if self._probing is None:
            self._probing = self._runtime.deadlines.after(PROBE_AFTER_S, self._probe)
        if self._drain_limit_s is not None:
            self._limit(connection)

    def over(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._runtime.connections -= 1
        self._runtime.descriptors.used -= 2  # as `give`
        if self._stopped and not self._connections:
            self._runtime.changed()

    # Limits of time.

    def _probe(self) -> None:
        """Keep-alive for connections that have lasted (rule C9), so many a turn."""
        self._probing = None
        lasting = (one for one in self._connections if one.connected and not one.probed)
        some = tuple(islice(lasting, PROBES_A_TURN))
        for connection in some:
            connection.probe()
        if len(some) == PROBES_A_TURN:
            self._probing = self._runtime.deadlines.after(LEAST_SWEEP_S, self._probe)

    def _limit_drains(self) -> None:
        """The drain limit of the route counts for those whose endpoint has left (rule C1)."""
        before, self._drain_limit_s = self._drain_limit_s, self.service_port.route.options.drain_limit_s
        if before is not None or self._drain_limit_s is not None:
            for connection in tuple(self._connections):
                if before != self._drain_limit_s:
                    connection.stop_drain()
                self._limit(connection)

    def _limit(self, connection: Connection) -> None:
        left_behind = self._gone or connection.endpoint not in self.service_port.usable
        if self._drain_limit_s is None or not connection.connected or not left_behind:
            connection.stop_drain()
        elif connection.drain is None:
            connection.drain = self._runtime.deadlines.after(
                self._drain_limit_s, lambda: connection.cut(Who.STOP)
            )

    def _sweep_later(self) -> None:
        """Look at idle connections four times in their limit; none: not at all."""
        if self._idle_sweep is not None:
            self._idle_sweep.cancel()
            self._idle_sweep = None
        if self._idle_timeout_s is not None and not (self._stopped and not self._connections):
            pause_s = max(LEAST_SWEEP_S, self._idle_timeout_s / 4)
            self._idle_sweep = self._runtime.deadlines.after(pause_s, self._sweep_idle)

    def _sweep_idle(self) -> None:
        """Compare byte counts now and then: no cost for a connection that is busy."""
        now = self._runtime.loop.time()
        for connection in tuple(self._connections):
            total = connection.bytes_to_endpoint + connection.bytes_to_client
            if total != connection.idle_total or not connection.connected:
                connection.idle_total = total
                connection.idle_since = now
            elif self._idle_timeout_s is not None and now - connection.idle_since >= self._idle_timeout_s:
                connection.cut(Who.IDLE)
        self._sweep_later()
