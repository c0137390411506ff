"""Which number a service port is bound to: the stated one, or where that may not be, another (rule L1)."""

from __future__ import annotations

import errno
import socket
from _socket import socket as Socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from userproxy.dataplane.sockets import bind_keeping_address, stream_listener
from userproxy.model.names import Protocol
from userproxy.model.routes import Route, RouteKey

__all__ = ["Bindings", "Bound"]

FALLBACK_OFFSET = 8000
"""80 is 8080, 443 is 8443."""
FIRST_FREE = 10_000
MOST_TRIED = 512
"""Numbers tried from 10000 up before the listener counts as taken."""
_MOVES = (errno.EACCES, errno.EADDRINUSE)


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound socket, where, and why not at the stated number ("" when it is)."""

    sock: Socket
    host: str
    port: int
    reason: str


class Bindings:
    """Remembers the numbers that stated ports moved to: a choice holds for the process (rule L1)."""

    __slots__ = ("_moved",)

    def __init__(self) -> None:
        self._moved: dict[tuple[str, Protocol, int], tuple[int, str]] = {}

    def bind(self, routes: Sequence[Route]) -> tuple[dict[RouteKey, Bound], dict[RouteKey, OSError]]:
        """Stated numbers first, then others for those that could not have theirs (rule L1)."""
        bound: dict[RouteKey, Bound] = {}
        errors: dict[RouteKey, OSError] = {}
        for route in routes:
            try:
                bound[route.key] = self.stated(route)
            except OSError as error:
                errors[route.key] = error
        for route in [route for route in routes if route.key in errors]:
            try:
                bound[route.key] = self.moved(route, errors[route.key])
                del errors[route.key]
            except OSError as error:
                errors[route.key] = error
        return bound, errors

    def stated(self, route: Route) -> Bound:
        """Bind the number that the route states, or the one that was chosen for it before.

        Raises OSError; EACCES and EADDRINUSE leave `moved` to be tried, once all stated ports are bound.
        """
        moved = self._moved.get(self._key(route))
        port, reason = moved if moved is not None else (route.listen_port, "")
        sock = _bind(route, port)
        return Bound(sock, route.listen_host, sock.getsockname()[1], reason)

    def moved(self, route: Route, error: OSError) -> Bound:
        """Bind another number than the stated one, which failed with ``error``.

        Raises ``error`` when there is none, or when another number would not help.
        """
        if error.errno not in _MOVES or not route.listen_port:
            raise error
        why = "not permitted" if error.errno == errno.EACCES else "taken"
        reason = f"port {route.listen_port} is {why}"
        for port in _candidates(route):
            try:
                sock = _bind(route, port)
            except OSError as other:
                if other.errno not in _MOVES:
                    raise
                continue
            self._moved[self._key(route)] = (port, reason)
            return Bound(sock, route.listen_host, port, reason)
        raise error

    @staticmethod
    def _key(route: Route) -> tuple[str, Protocol, int]:
        return (route.listen_host, route.name.protocol, route.listen_port)


def _bind(route: Route, port: int) -> Socket:
    if route.name.protocol is Protocol.UDP:
        return bind_keeping_address(socket.SOCK_DGRAM, route.listen_host, port)
    return stream_listener(route.listen_host, port)


def _candidates(route: Route) -> Collection[int]:
    stated = {port for protocol, port in route.stated_ports if protocol is route.name.protocol}
    wanted = route.listen_port + FALLBACK_OFFSET
    first = [wanted] if wanted <= 65535 else []
    return [port for port in (*first, *range(FIRST_FREE, FIRST_FREE + MOST_TRIED)) if port not in stated]
