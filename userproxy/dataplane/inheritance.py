"""Bound sockets that processes share, and those of another process that a route may want to use."""

from __future__ import annotations

from _socket import socket as Socket
from collections.abc import Iterable
from dataclasses import dataclass

from userproxy.dataplane.binding import open_address
from userproxy.model.names import Protocol
from userproxy.model.routes import Route, RouteKey

__all__ = ["Inheritance", "SharedListener"]


@dataclass(frozen=True, slots=True)
class SharedListener:
    """A socket bound for one service port, which another process has too, and may serve by still."""

    number: int
    """Its name between the two processes."""
    key: RouteKey
    host: str
    port: int
    sock: Socket
    worker: int | None = 0
    """Whose it is, of those that share the address; None: the lock of the address (`workers.groups`)."""


class Inheritance:
    """Owns its sockets until a route takes them."""

    __slots__ = ("_by_address", "_by_key")

    def __init__(self) -> None:
        self._by_address: dict[tuple[Protocol, str, int], SharedListener] = {}
        self._by_key: dict[RouteKey, SharedListener] = {}

    def add(self, listeners: Iterable[SharedListener]) -> None:
        for found in listeners:
            self._by_address[(found.key.name.protocol, found.host, found.port)] = found
            self._by_key[found.key] = found

    def open(self, route: Route, port: int) -> Socket:
        """A socket at the route's address and ``port``: an inherited one if there is one, else a new one.

        Port 0 stands for the number that the service port had. Raises OSError.
        """
        if port:
            found = self._by_address.get((route.name.protocol, route.listen_host, port))
        else:
            found = self._by_key.get(route.key)
        if found is None or found.host != route.listen_host:
            return open_address(route, port)
        self._by_address.pop((found.key.name.protocol, found.host, found.port), None)
        self._by_key.pop(found.key, None)
        return found.sock

    def close(self) -> None:
        """Give up this process's copies of what was not taken."""
        for found in self._by_address.values():
            found.sock.close()
        self._by_address.clear()
        self._by_key.clear()
