"""Which endpoints have lately refused which client's datagrams, so that the next one goes elsewhere. Pure.

A flow that an ICMP error ends is gone, and with consistent hashing or affinity its successor would meet
the same endpoint (rule C6).
"""

from __future__ import annotations

from collections import OrderedDict

from userproxy.dataplane.udp_clients import Client
from userproxy.model.routes import Endpoint

__all__ = ["FailedEndpoints"]


class FailedEndpoints:
    """Bounded by number and age; the oldest go first. ``now`` is a clock that never goes back."""

    __slots__ = ("_clients", "max_clients", "timeout_s")

    def __init__(self, timeout_s: float, max_clients: int = 1024) -> None:
        self.timeout_s = timeout_s
        self.max_clients = max_clients
        self._clients: OrderedDict[Client, tuple[frozenset[Endpoint], float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._clients)

    def of(self, client: Client, now: float) -> frozenset[Endpoint]:
        """Endpoints to leave out for ``client``."""
        failed, last_s = self._clients.get(client, (frozenset[Endpoint](), now))
        if now - last_s >= self.timeout_s:
            del self._clients[client]
            return frozenset()
        return failed

    def add(self, client: Client, endpoint: Endpoint, now: float) -> None:
        self._clients[client] = (self.of(client, now) | {endpoint}, now)
        self._clients.move_to_end(client)
        if len(self._clients) > self.max_clients:
            self._clients.popitem(last=False)

    def forget(self, client: Client) -> None:
        """An endpoint answered the client."""
        self._clients.pop(client, None)
