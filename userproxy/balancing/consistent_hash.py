"""Consistent hashing by client address (rule B6)."""

from __future__ import annotations

from collections.abc import Collection, Generator

from userproxy.balancing.hash_ring import HashRing
from userproxy.model.routes import Endpoint

__all__ = ["ConsistentHash"]


class ConsistentHash:
    """The same client gets the same endpoint from every proxy that has the same endpoints.

    An endpoint that goes moves only its own clients; one that comes takes its share from all others.
    """

    __slots__ = ("_by_name", "endpoints", "ring")

    def __init__(self, endpoints: tuple[Endpoint, ...], ring: HashRing) -> None:
        self.endpoints = endpoints
        self.ring = ring
        """Over the names of ``endpoints``; frozen, so the next picker may use parts of it."""
        self._by_name = {endpoint.name: endpoint for endpoint in endpoints}

    @classmethod
    def steps(
        cls, endpoints: tuple[Endpoint, ...], previous: ConsistentHash | None = None
    ) -> Generator[None, None, ConsistentHash]:
        """Build the picker, pausing where a step has taken a few milliseconds."""
        if previous is not None and previous.endpoints == endpoints:
            return cls(endpoints, previous.ring)
        old_ring = previous.ring if previous is not None else None
        ring = yield from HashRing.steps([endpoint.name for endpoint in endpoints], old_ring)
        return cls(endpoints, ring)

    def pick(self, client: str, tried: Collection[Endpoint]) -> Endpoint | None:
        """The client's endpoint on the ring; with ``tried``, the next one onward that is not in it."""
        name = self.ring.nearest(client, {endpoint.name for endpoint in tried} if tried else ())
        return self._by_name[name] if name is not None else None
