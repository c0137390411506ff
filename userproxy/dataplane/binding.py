"""Which number a service port is bound to: the stated one, or where that may not be, another (rule L1)."""

from __future__ import annotations

import errno
import socket
from _socket import socket as Socket
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

from userproxy.dataplane.sockets import bind_keeping_address, stream_listener
from userproxy.model.names import Protocol
from userproxy.model.routes import Route, RouteKey

__all__ = ["Binder", "Bindings", "Bound", "Move", "open_address"]

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
    group_size: int = 1
    """How many sockets share the address, this one among them: one for each worker process."""


@dataclass(frozen=True, slots=True)
class Move:
    """Another number than the stated one, chosen for good (rule L1)."""

    host: str
    protocol: Protocol
    stated_port: int
    port: int
    reason: str


class Binder(Interface):
    """Where the data plane gets its sockets from: it binds them itself, or another process does."""

    def bind(self, routes: Sequence[Route]) -> tuple[dict[RouteKey, Bound], dict[RouteKey, OSError]]:
        """For each route a bound socket, which is the caller's, or why there is none."""
        ...

    def renewed(self, key: RouteKey) -> bool:
        """A new socket is there, though the address may be the same."""
        ...


class Bindings:
    """Remembers the numbers that stated ports moved to: a choice holds for the process (rule L1)."""

    __slots__ = ("_moved", "_open")

    def __init__(self, open_address: Callable[[Route, int], Socket] | None = None) -> None:
        """``open_address`` binds one number for a route, or raises OSError; None: `open_address` below."""
        self._open = open_address if open_address is not None else _open_address
        self._moved: dict[tuple[str, Protocol, int], tuple[int, str]] = {}

    def renewed(self, key: RouteKey) -> bool:
        return False

    def moves(self) -> tuple[Move, ...]:
        """Every choice that was made, for a successor."""
        return tuple(Move(*stated, *choice) for stated, choice in self._moved.items())

    def keep_moves(self, moves: Iterable[Move]) -> None:
        """Go on with the choices of a predecessor."""
        for move in moves:
            self._moved[(move.host, move.protocol, move.stated_port)] = (move.port, move.reason)

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
        sock = self._open(route, port)
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
                sock = self._open(route, port)
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


def open_address(route: Route, port: int) -> Socket:
    """A socket that alone holds ``port`` at the route's address. Raises OSError."""
    if route.name.protocol is Protocol.UDP:
        return bind_keeping_address(socket.SOCK_DGRAM, route.listen_host, port)
    return stream_listener(route.listen_host, port)


_open_address = open_address


def _candidates(route: Route) -> Collection[int]:
    stated = {port for protocol, port in route.stated_ports if protocol is route.name.protocol}
    wanted = route.listen_port + FALLBACK_OFFSET
    first = [wanted] if wanted <= 65535 else []
    return [port for port in (*first, *range(FIRST_FREE, FIRST_FREE + MOST_TRIED)) if port not in stated]
