"""Datagrams that wait for an endpoint (rule L9): bounded for each client and for the service port. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from userproxy.dataplane.udp_clients import Client

__all__ = ["FLOW_BYTES", "LEAST_BYTES", "SERVICE_BYTES", "HeldDatagrams"]

FLOW_BYTES = 64 * 1024
SERVICE_BYTES = 4 * 1024 * 1024
LEAST_BYTES = 256
"""What a datagram counts at least: empty ones take memory too, and there may be very many."""


class _Waiting:
    __slots__ = ("datagrams", "since_s", "size_bytes")

    def __init__(self, since_s: float) -> None:
        self.since_s = since_s
        self.size_bytes = 0
        self.datagrams: list[bytes] = []


class HeldDatagrams:
    """Clients in the order in which they came, each with its datagrams in order."""

    __slots__ = ("_clients", "max_clients", "size_bytes")

    def __init__(self, max_clients: int) -> None:
        self.max_clients = max_clients
        self.size_bytes = 0
        """Of all; a datagram counts at least LEAST_BYTES."""
        self._clients: OrderedDict[Client, _Waiting] = OrderedDict()

    def __len__(self) -> int:
        """How many clients wait."""
        return len(self._clients)

    def __contains__(self, client: object) -> bool:
        return client in self._clients

    def add(self, client: Client, datagram: bytes, now: float) -> bool:
        """Keep ``datagram`` behind the client's earlier ones; False when there is no room for it."""
        size = max(LEAST_BYTES, len(datagram))
        waiting = self._clients.get(client)
        if self.size_bytes + size > SERVICE_BYTES:
            return False
        if waiting is None:
            if len(self._clients) >= self.max_clients:
                return False
            waiting = self._clients[client] = _Waiting(now)
        elif waiting.size_bytes + size > FLOW_BYTES:
            return False
        waiting.datagrams.append(datagram)
        waiting.size_bytes += size
        self.size_bytes += size
        return True

    def first_since_s(self) -> float | None:
        """When the first datagram of the longest waiting client came."""
        return next(iter(self._clients.values())).since_s if self._clients else None

    def waiting(self) -> Iterator[tuple[Client, float, Sequence[bytes]]]:
        """(client, since when, datagrams) of each, the longest waiting one first."""
        for client, waiting in self._clients.items():
            yield client, waiting.since_s, waiting.datagrams

    def pop(self) -> tuple[Client, list[bytes]]:
        """Take the longest waiting client out, with its datagrams. There must be one."""
        client, waiting = self._clients.popitem(last=False)
        self.size_bytes -= waiting.size_bytes
        return client, waiting.datagrams
