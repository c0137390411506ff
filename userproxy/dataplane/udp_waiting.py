"""Clients whose datagrams wait for an endpoint (rule L9): time limits, and letting them through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from userproxy.dataplane.closing import Phase, Who, close_state
from userproxy.dataplane.deadlines import Deadline
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import ServicePort
from userproxy.dataplane.udp_clients import Client
from userproxy.dataplane.udp_flow import log_flow
from userproxy.dataplane.udp_hold import HeldDatagrams
from userproxy.dataplane.udp_registry import ENDS_PER_TURN, TURN_S

__all__ = ["WaitingClients"]

DATAGRAMS_PER_TURN = 128


class WaitingClients:
    """Keeps the datagrams; ``forward`` sends one on once there is an endpoint."""

    __slots__ = ("_forward", "_held", "_releasing", "_runtime", "_service_port", "_timer")

    def __init__(
        self,
        runtime: Runtime,
        service_port: ServicePort,
        forward: Callable[[Client, memoryview], None],
    ) -> None:
        self._runtime = runtime
        self._service_port = service_port
        self._forward = forward
        self._held = HeldDatagrams(runtime.settings.udp.max_flows_per_service)
        self._timer: Deadline | None = None
        self._releasing = False

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, client: object) -> bool:
        return client in self._held

    def add(self, client: Client, datagram: memoryview, *, age_s: float = 0.0) -> None:
        """Keep a copy of ``datagram`` for the hold time of the client's first one, or drop and count it.

        ``age_s``: how long it has waited in another process; older ones come first.
        """
        counters = self._service_port.counters
        is_new = client not in self._held
        if not self._held.add(client, bytes(datagram), self._runtime.loop.time() - age_s):
            counters.dropped["hold is full"] += 1
        elif is_new:
            counters.held += 1
            if self._timer is None:
                self._arm()
            if counters.held == 1:
                self._service_port.first_held()

    def freeze(self) -> None:
        """Nobody's time runs out until `thaw`, and nobody is let through."""
        while self._releasing:
            self._release_some()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def thaw(self) -> None:
        self._arm()

    def waiting(self) -> Iterator[tuple[Client, float, Sequence[bytes]]]:
        """(client, how long it waits, datagrams) of each."""
        now = self._runtime.loop.time()
        for client, since_s, datagrams in self._held.waiting():
            yield client, now - since_s, datagrams

    def hand_over(self) -> None:
        """All wait in another process now."""
        while self._held:
            self._held.pop()
            self._service_port.counters.held -= 1

    def release(self) -> None:
        """There is an endpoint: let all through in the order in which they came, turn by turn."""
        if not self._releasing:
            self._release_some()

    def _release_some(self) -> None:
        self._releasing = False
        sent = 0
        while self._held and self._service_port.usable:
            if sent >= DATAGRAMS_PER_TURN:
                self._releasing = True
                self._runtime.engine.again(self._release_some)
                return
            client, datagrams = self._held.pop()
            self._service_port.counters.held -= 1
            for datagram in datagrams:
                self._forward(client, memoryview(datagram))
            sent += len(datagrams)
        self._arm()

    def drop(self, who: Who) -> None:
        """End the waiting of all now."""
        while self._held:
            self._drop_first(who)
        self._arm()

    def _drop_first(self, who: Who) -> None:
        client, datagrams = self._held.pop()
        state = close_state(who, Phase.HOLDING)
        counters = self._service_port.counters
        counters.held -= 1
        counters.ends[state] += 1
        counters.dropped["hold ran out" if who is Who.NO_ENDPOINT else "stopped"] += len(datagrams)
        log_flow(self._service_port, client, state, endpoint=None)

    def _arm(self) -> None:
        """One timer, for the client that waits longest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        since_s = self._held.first_since_s()
        if since_s is not None:
            left_s = since_s + self._service_port.route.options.hold_s - self._runtime.loop.time()
            self._timer = self._runtime.deadlines.after(max(TURN_S, left_s), self._expire)

    def _expire(self) -> None:
        self._timer = None
        # The loop may fire a timer a clock tick early.
        began_s = self._runtime.loop.time() + 0.001 - self._service_port.route.options.hold_s
        for _ in range(ENDS_PER_TURN):
            since_s = self._held.first_since_s()
            if since_s is None or since_s > began_s:
                break
            self._drop_first(Who.NO_ENDPOINT)
        self._arm()
