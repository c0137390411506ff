"""The life of a TCP connection where endpoints may be reached through their pods.

As `Connection`, save that a pod's socket is provisional: until the pod has answered, the relay runs and
the connection may still move to another pod, wait (rule L9) or end as one that was never connected.
"""

from __future__ import annotations

import logging
import time
from _socket import socket as Socket
from collections.abc import Collection

from userproxy.dataplane.closing import Phase, Who
from userproxy.dataplane.connection import Connection, Keeper
from userproxy.dataplane.engine import OUT
from userproxy.dataplane.pod_dialling import PodDial, PodDialler
from userproxy.dataplane.relay import Relay
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.side import Side
from userproxy.model.routes import Endpoint

__all__ = ["PodConnection"]

logger = logging.getLogger(__name__)


class PodConnection(Connection):
    """Owns the client's socket until the relay has both; also the `PodCaller` of its dials."""

    __slots__ = ("_hold_is_over", "_pod_dialler", "_reached", "_way")

    def __init__(
        self, keeper: Keeper, runtime: Runtime, sock: Socket, address: str, pod_dialler: PodDialler
    ) -> None:
        super().__init__(keeper, runtime, sock, address)
        self._pod_dialler = pod_dialler
        self._way: PodDial | None = None
        """Behind the relay, once there was a way to a pod."""
        self._reached = False
        """A pod has answered: it can go nowhere else any more."""
        self._hold_is_over = False
        """It ran out while there was a way that might still come to something."""

    @property
    def phase(self) -> Phase:
        return super().phase if self._way is None or self._reached else self._phase_unreached()

    def _phase_unreached(self) -> Phase:
        waits = self._hold_deadline is not None and self.counters is None
        return Phase.HOLDING if waits else Phase.DIALLING

    def route_changed(self) -> None:
        self._dial_again()

    def stop_waiting(self, who: Who) -> None:
        if self.counters is None:
            self.cut(who)
        else:
            self._stop_holding()

    # What the way says.

    def forwarded(self, dial: PodDial, sock: Socket | None) -> None:
        self._stop_dialling()
        assert self.endpoint is not None
        self._dial_phase = Phase.DIALLING
        self.counters = self._keeper.service_port.counters_of(self.endpoint)
        self.counters.connections += 1
        self.counters.dialled(time.monotonic() - self._dial_began)
        if sock is None:
            return
        self._way = dial
        self._relay = Relay(self._runtime.engine, self._runtime.pipes, self._client, Side(sock), self._over)
        self._relay.start(self._mask, OUT)
        if not self.is_over:
            self._keeper.connected(self)

    def reached(self) -> None:
        self._reached = True
        self._stop_holding()

    def undelivered(self, error: OSError) -> None:
        if self.counters is not None:  # it was counted where it has not been after all
            self.counters.connections -= 1
            self.counters = None
        self._dial_failed(error)

    def broken(self, error: OSError) -> None:
        logger.debug("connection to %s broke: %s", self.endpoint, error.strerror or error)
        if self._relay is not None:
            self._relay.gone(self._relay.endpoint)

    # What differs from `Connection`.

    def _connect(self, endpoint: Endpoint, timeout_s: float) -> None:
        pod = self._keeper.service_port.pods.get(endpoint.name)
        if pod is None:
            super()._connect(endpoint, timeout_s)
            return
        self._dial_began = time.monotonic()
        if self._way is not None:
            dial = self._way if self._way.redial(endpoint, pod) else None
        else:
            dial = self._pod_dialler.dial(endpoint, pod, self)
        if dial is not None:
            self._attempt = dial
            limit_s = dial.timeout_s if dial.timeout_s is not None else timeout_s
            self._deadline = self._runtime.deadlines.after(limit_s, self._timed_out)

    def _choose(self, tried: Collection[Endpoint]) -> Endpoint | None:
        service_port = self._keeper.service_port
        if self._way is not None:  # what was read from the client already is kept on the way to pods
            tried = {*tried, *(e for e in service_port.usable if e.name not in service_port.pods)}
        return service_port.choose(self.address, tried)

    def _round_is_over(self) -> None:
        if self._hold_is_over:
            self._hold_ran_out()
        else:
            super()._round_is_over()

    def _hold_ran_out(self) -> None:
        if self.counters is not None:
            self._hold_is_over = True
        else:
            super()._hold_ran_out()

    def _end_unrelayed(self, who: Who, phase: Phase) -> None:
        if self._relay is not None:
            self._relay.cut(who)
        else:
            super()._end_unrelayed(who, phase)

    def _over(self, who: Who, phase: Phase) -> None:
        way, self._way = self._way, None
        if way is not None:
            if not self._reached and who is not Who.BOTH:
                phase = self._phase_unreached()
            way.over(clean=who is Who.BOTH)
            self._stop_dialling()
            self._stop_holding()
        super()._over(who, phase)
