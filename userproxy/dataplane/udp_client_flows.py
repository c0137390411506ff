"""The flows of one UDP listener: which one each client has, and which endpoints they have. Closes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from userproxy.dataplane.udp_clients import Client
from userproxy.dataplane.udp_flow import UdpFlow
from userproxy.model.routes import Endpoint

__all__ = ["ClientFlows"]


class ClientFlows:
    """A flow is added, may be left by its client, and is discarded when it has ended."""

    __slots__ = ("_by_endpoint", "all", "current")

    def __init__(self) -> None:
        self.all: set[UdpFlow] = set()
        """Also those whose client has moved on, which stay for late answers."""
        self.current: dict[Client, UdpFlow] = {}
        """Each client's flow."""
        self._by_endpoint: Counter[Endpoint] = Counter()
        """How many current flows each endpoint has."""

    def __len__(self) -> int:
        return len(self.all)

    @property
    def endpoints(self) -> Iterable[Endpoint]:
        """Those that clients have a flow to."""
        return self._by_endpoint.keys()

    def add(self, flow: UdpFlow) -> None:
        """From now on its client has this one."""
        self.all.add(flow)
        self.current[flow.client] = flow
        self._by_endpoint[flow.endpoint] += 1

    def add_left(self, flow: UdpFlow) -> None:
        """Its client had moved on before it came here."""
        self.all.add(flow)

    def leave(self, flow: UdpFlow) -> None:
        """Its client moves on, if it has not yet."""
        if self.current.get(flow.client) is flow:
            del self.current[flow.client]
            self._by_endpoint[flow.endpoint] -= 1
            if not self._by_endpoint[flow.endpoint]:
                del self._by_endpoint[flow.endpoint]

    def discard(self, flow: UdpFlow) -> None:
        self.all.discard(flow)
        self.leave(flow)

    def clear(self) -> None:
        self.all.clear()
        self.current.clear()
        self._by_endpoint.clear()
