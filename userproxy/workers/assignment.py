"""What one worker is told of one service port: its route, and where its socket is bound."""

from __future__ import annotations

from dataclasses import dataclass

from userproxy.model.routes import Route
from userproxy.workers.route_codec import Wire, route_from, route_to

__all__ = ["Assignment"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Goes with a descriptor when ``has_socket``; else the worker has the socket, or there is none."""

    route: Route
    incarnation: int
    """Grows each time that a service port of this name comes anew: reports say of which one they speak."""
    host: str
    port: int
    reason: str
    """Why not at the stated number, or, where nothing could be bound, not at all; "" when all is well."""
    group_size: int
    """How many sockets share the address; 0: nothing could be bound."""
    has_socket: bool

    def to_wire(self) -> Wire:
        return [
            route_to(self.route), self.incarnation, self.host, self.port, self.reason, self.group_size,
            self.has_socket,
        ]  # fmt: skip

    @classmethod
    def from_wire(cls, wire: Wire) -> Assignment:
        route, *rest = wire
        return cls(route_from(route), *rest)
