"""The UDP intake of a service port: one socket that clients know, and the flows that came in by it.

A datagram's whole story: it is read into one shared buffer, its client's flow is looked up, and the flow's
socket sends it to the endpoint. A client without a flow gets one: the balancer picks, a socket is connected.
An answer comes back by that socket and leaves by this one, so that it comes from the address and port that
the client sent to (rule C5). Nothing is queued on the way, save while clients are held (rule L9).
"""

from __future__ import annotations

import errno
import logging
from _socket import socket as Socket
from collections.abc import Iterator, Sequence
from itertools import islice

from userproxy.dataplane.binding import Bound
from userproxy.dataplane.closing import Who
from userproxy.dataplane.engine import READS
from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import ServicePort
from userproxy.dataplane.udp_batching import Arrivals
from userproxy.dataplane.udp_client_flows import ClientFlows
from userproxy.dataplane.udp_clients import Address, Client, address_of
from userproxy.dataplane.udp_failures import FailedEndpoints
from userproxy.dataplane.udp_flow import FlowState, UdpFlow
from userproxy.dataplane.udp_listener import UdpListener
from userproxy.dataplane.udp_registry import ENDS_PER_TURN
from userproxy.dataplane.udp_sockets import endpoint_socket, readable
from userproxy.dataplane.udp_waiting import WaitingClients
from userproxy.model.routes import Endpoint

__all__ = ["UdpIntake"]

logger = logging.getLogger(__name__)

DATAGRAMS_PER_TURN = 64
"""Then other sockets have their turn."""

CATCH_UP_S = 2.0
"""After a freeze; a queue that shrinks while it is long loses what comes meanwhile."""
QUEUED_TURNS = 256
"""16,384 datagrams: more than fit into the receive buffer."""


class UdpIntake:
    """An `Intake`; also the keeper of its flows. Owns the bound socket until `stop`."""

    __slots__ = (
        "_failures", "_flows", "_listener", "_runtime", "_waiting", "host", "port", "reason",
        "service_port", "sock", "stopped",
    )  # fmt: skip

    def __init__(self, runtime: Runtime, service_port: ServicePort, bound: Bound) -> None:
        self._runtime = runtime
        self.service_port = service_port
        self.host = bound.host
        self.port = bound.port
        self.reason = bound.reason
        """Why not at the stated number; "" when it is."""
        self._listener = UdpListener(bound)
        self.sock = bound.sock
        self._flows = ClientFlows()
        self._failures = FailedEndpoints(runtime.settings.udp.unreplied_timeout_s)
        self._waiting = WaitingClients(runtime, service_port, self._dispatch_held)
        self.stopped = False
        runtime.descriptors.hold(1)
        runtime.engine.watch(self.sock.fileno(), self, READS)

    def __len__(self) -> int:
        return len(self._flows.all)

    @property
    def state(self) -> ListenerState:
        """REFUSING also while the socket is open for the sake of flows that have an endpoint (rule C3)."""
        if self.stopped:
            return ListenerState.DRAINING
        if self._listener.taken:
            return ListenerState.TAKEN
        if self.service_port.usable:
            return ListenerState.LISTENING
        return ListenerState.HOLDING if self.service_port.route.options.hold_s else ListenerState.REFUSING

    def open_traffic(self) -> Iterator[UdpFlow]:
        return iter(tuple(self._flows.all))

    def route_changed(self) -> None:
        if self.stopped or self._runtime.dormant:
            return
        self._open_or_refuse()
        self._listener.spread(self.service_port)
        if self.service_port.usable:
            self._waiting.release()
        elif not self.service_port.route.options.hold_s:
            self._waiting.drop(Who.NO_ENDPOINT)

    def take_queued(self) -> None:
        """As much as the kernel may have queued, and no more: a flood must not keep us."""
        if self._runtime.dormant:
            return
        for _ in range(QUEUED_TURNS):
            if not self._receive_some():
                return

    def limit_drain(self) -> None:
        """Flows end with their listener (rule C3)."""

    def stop(self) -> None:
        """Refuse, forward what is queued, hand over the answers that have come, close. Ends all flows."""
        if self._runtime.dormant:
            self.release()
        elif not self.stopped:
            self._close_socket()
            if len(self._flows.all) > ENDS_PER_TURN:  # this turn has had enough to do
                self._runtime.engine.again(self._end_some)
            else:
                self._end_some()

    def cut_waiting(self, who: Who) -> None:
        self._waiting.drop(who)

    def cut(self, who: Who) -> int:
        if self._runtime.dormant:
            self.release()
        elif not self.stopped:
            self._close_socket()
        flows = tuple(self._flows.all)
        for flow in flows:
            flow.end(who)
        return len(flows)

    def _close_socket(self) -> None:
        """The address is free when this returns; flows that are left end (rule C3), in turns."""
        if self._listener.open:
            self._listener.refuse()  # the queue gets no longer from here on
        self.take_queued()
        self._waiting.drop(Who.STOP)
        by_descriptor = {flow.sock.fileno(): flow for flow in self._flows.all}
        for fd in readable(by_descriptor):
            by_descriptor[fd].hand_over_last()
        self._runtime.answers.flush()
        self.stopped = True
        self._runtime.engine.unwatch(self.sock.fileno())
        self._runtime.engine.close_later(self.sock)
        self._runtime.descriptors.give(1)

    def _end_some(self) -> None:
        for flow in tuple(islice(self._flows.all, ENDS_PER_TURN)):
            flow.end(Who.STOP)
        if self._flows.all:
            self._runtime.engine.again(self._end_some)

    # Opening and refusing.

    def _open_or_refuse(self) -> None:
        """Refuse when there is nothing to send to (rule T8), no hold, and no flow that still has one (C3)."""
        wanted = (
            bool(self.service_port.usable)
            or bool(self.service_port.route.options.hold_s)
            or any(endpoint in self.service_port.serving for endpoint in self._flows.endpoints)
        )
        if wanted and not self._listener.open:
            self._listener.accept_again()
        elif not wanted and self._listener.open:
            self._listener.refuse()

    # Between processes.

    def waiting(self) -> Iterator[tuple[Address, float, Sequence[bytes]]]:
        """(client, how long it waits, datagrams) of each client that waits for an endpoint."""
        for client, age_s, datagrams in self._waiting.waiting():
            yield address_of(client), age_s, datagrams

    def freeze(self) -> None:
        self._listener.widen()
        self._runtime.engine.unwatch(self.sock.fileno())
        self._waiting.freeze()
        for flow in self._flows.all:
            flow.freeze()

    def thaw(self) -> None:
        self._listener.look_again()
        self._runtime.deadlines.after(CATCH_UP_S, self._listener.narrow)
        self._waiting.thaw()
        for flow in self._flows.all:
            flow.thaw()
        self._runtime.engine.watch(self.sock.fileno(), self, READS)

    def release(self) -> None:
        if self.stopped:
            return
        self.stopped = True
        self._waiting.hand_over()
        for flow in self._flows.all:
            flow.release()
        self._flows.clear()
        self._runtime.engine.unwatch(self.sock.fileno())
        self._runtime.engine.close_later(self.sock)
        self._runtime.descriptors.give(1)

    def adopt(self, state: FlowState, sock: Socket) -> UdpFlow | None:
        """Go on with a flow of another process; the longest idle one first. ``sock`` is this intake's now."""
        registry = self._runtime.udp
        if not registry.reserve(self, self._most_flows()):
            sock.close()
            return None
        client = self._runtime.arrivals.client(state.address)
        flow = UdpFlow(self, self._runtime, sock, client, state.endpoint)
        flow.route = None
        registry.add(flow, self, self._idle_limit_s(replied=False))
        if state.moved:
            self._flows.add_left(flow)
        else:
            self._flows.add(flow)
        self.change(flow, state)
        return flow

    def change(self, flow: UdpFlow, state: FlowState) -> None:
        """What has become of an adopted flow in the other process meanwhile."""
        if state.moved:
            self._flows.leave(flow)
        flow.change(state)
        limit_s = self._idle_limit_s(replied=flow.replied and not flow.moved)
        self._runtime.udp.set_timeout(flow, limit_s, idle_s=state.idle_s)

    def disown(self, flow: UdpFlow) -> None:
        """It has ended in the other process, and was counted there."""
        self._flows.discard(flow)
        flow.release()

    def adopt_waiting(self, address: Address, datagram: bytes, age_s: float) -> None:
        """A client of another process waits here from now on; the longest waiting one first."""
        self._waiting.add(self._runtime.arrivals.client(address), memoryview(datagram), age_s=age_s)

    # From clients to endpoints.

    def ready(self, mask: int) -> None:
        self._receive_some()

    def failed(self, error: Exception) -> None:
        """The batch that failed is lost; those behind it are told again."""
        self.service_port.counters.dropped["error"] += 1

    def _receive_some(self) -> bool:
        """Forward one turn's worth of datagrams. False: there are no more."""
        arrivals = self._runtime.arrivals
        more = True
        for _ in range(DATAGRAMS_PER_TURN // arrivals.most):
            more = self._receive_batch(arrivals)
            if not more:
                break
        self._runtime.udp.settle()
        return more

    def _receive_batch(self, arrivals: Arrivals) -> bool:
        try:
            runs = arrivals.receive(self.sock)
        except OSError as error:
            logger.debug("receiving on %s:%d failed: %s", self.host, self.port, error)
            self.service_port.counters.dropped["error"] += 1
            return True
        current = self._flows.current
        route = self.service_port.route
        datagrams = arrivals.datagrams
        end = 0
        for client, first, end in runs:
            flow = current.get(client)
            if flow is not None and flow.route is route:
                if end - first == 1:
                    first += flow.send(datagrams[first])
                else:
                    first = flow.send_run(arrivals, first, end)
            if first < end:
                self._dispatch_each(client, first, end)
        return end == arrivals.most

    def _dispatch_each(self, client: Client, first: int, end: int) -> None:
        """One after the other: the first may begin a flow or end one."""
        for index in range(first, end):
            try:
                self._dispatch(client, self._runtime.arrivals.datagrams[index])
            except Exception as error:
                logger.error("a datagram was not forwarded", exc_info=error)
                self.service_port.counters.dropped["error"] += 1

    def _dispatch_held(self, client: Client, datagram: memoryview) -> None:
        self._dispatch(client, datagram)
        self._runtime.udp.settle()

    def _dispatch(self, client: Client, datagram: memoryview) -> None:
        """Forward by the client's flow, by a new one, or not at all (rules C3, T8, L9)."""
        service_port = self.service_port
        if client in self._waiting:
            self._waiting.add(client, datagram)  # behind its earlier ones
            return
        flow = self._flows.current.get(client)
        if flow is not None:
            if flow.endpoint in service_port.serving or flow.endpoint in service_port.usable:
                flow.route = service_port.route
                if flow.send(datagram):
                    return
            elif service_port.usable:
                self._leave_behind(flow)
        if service_port.usable:
            self._begin(client, datagram)
        elif service_port.route.options.hold_s:
            self._waiting.add(client, datagram)
        else:
            service_port.counters.dropped["no endpoint"] += 1

    def _begin(self, client: Client, datagram: memoryview) -> None:
        """Send ``datagram`` by a new flow; each endpoint is tried once (rules B4, C6)."""
        counters = self.service_port.counters
        registry = self._runtime.udp
        most = self._most_flows()
        for endpoint in self._candidates(client):
            if not registry.reserve(self, most):
                counters.dropped["no descriptor"] += 1
                return
            try:
                sock = endpoint_socket(endpoint)
            except OSError as error:
                registry.give_back()
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    counters.dropped["no descriptor"] += 1
                    return
                self.service_port.counters_of(endpoint).dial_failures += 1
                logger.debug("flow to %s failed: %s", endpoint, error)
                continue
            flow = UdpFlow(self, self._runtime, sock, client, endpoint)
            registry.add(flow, self, self._idle_limit_s(replied=False))
            self._flows.add(flow)
            counters.accepted += 1
            if flow.send(datagram):
                return
        counters.dropped["no endpoint"] += 1

    def _most_flows(self) -> int:
        stated = self.service_port.route.options.max_connections
        return stated or self._runtime.settings.udp.max_flows_per_service

    def _candidates(self, client: Client) -> Iterator[Endpoint]:
        """Endpoints to try, each once; those that refused this client before come last."""
        tried: set[Endpoint] = set()
        failed = self._failures.of(client, self._runtime.loop.time())
        host = address_of(client)[0]
        while True:
            endpoint = self.service_port.choose(host, tried | failed)
            if endpoint is not None:
                tried.add(endpoint)
                yield endpoint
            elif failed:
                failed = frozenset()
            else:
                return

    def _leave_behind(self, flow: UdpFlow) -> None:
        """The client goes on to another endpoint; ``flow`` stays for a while, for answers that come late."""
        self._flows.leave(flow)
        flow.moved = True
        self._runtime.udp.set_timeout(flow, self._idle_limit_s(replied=False))

    def _idle_limit_s(self, *, replied: bool) -> float:
        """Rule C4; annotation ``userproxy.dev/idle-timeout`` wins."""
        udp = self._runtime.settings.udp
        stated_s = self.service_port.route.options.idle_timeout_s
        if stated_s is not None:
            return stated_s if replied else min(stated_s, udp.unreplied_timeout_s)
        return udp.stream_timeout_s if replied else udp.unreplied_timeout_s

    # From endpoints to clients: what a flow says to its keeper.

    def replied(self, flow: UdpFlow) -> None:
        self._failures.forget(flow.client)
        self._runtime.udp.set_timeout(flow, self._idle_limit_s(replied=True))

    def over(self, flow: UdpFlow, who: Who) -> None:
        self._flows.discard(flow)
        if who is Who.ENDPOINT:
            self._remember_failure(flow)
        if self.stopped:
            if not self._flows.all:
                self._runtime.changed()
        elif not self.service_port.usable:
            self._open_or_refuse()

    def _remember_failure(self, flow: UdpFlow) -> None:
        """The client's next datagram goes elsewhere, also where affinity says otherwise (rules B3, C6)."""
        now = self._runtime.loop.time()
        self._failures.add(flow.client, flow.endpoint, now)
        affinity = self.service_port.affinity
        host = address_of(flow.client)[0]
        if affinity is not None and affinity.get(host, now) == flow.endpoint:
            affinity.forget(host)
