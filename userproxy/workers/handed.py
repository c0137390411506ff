"""Sockets that the parent has bound: the data plane of a worker takes them from here instead of binding."""

from __future__ import annotations

import errno
import os
import socket
from _socket import socket as Socket
from collections.abc import Sequence

from userproxy.dataplane.binding import Bound
from userproxy.model.names import Family, Protocol
from userproxy.model.routes import Route, RouteKey
from userproxy.workers.assignment import Assignment

__all__ = ["HandedSockets"]

_KINDS = {Protocol.TCP: socket.SOCK_STREAM, Protocol.UDP: socket.SOCK_DGRAM}
_FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}


class HandedSockets:
    """A `Binder`. Owns what was handed over and not taken yet."""

    __slots__ = ("_failures", "_handed")

    def __init__(self) -> None:
        self._handed: dict[RouteKey, Bound] = {}
        self._failures: dict[RouteKey, str] = {}

    def hand(self, assignment: Assignment, descriptor: int) -> None:
        """``descriptor`` is the bound socket of ``assignment``."""
        key = assignment.route.key
        self.forget(key)
        sock = Socket(_FAMILIES[key.family], _KINDS[key.name.protocol], 0, descriptor)
        self._handed[key] = Bound(
            sock, assignment.host, assignment.port, assignment.reason, assignment.group_size
        )

    def fail(self, key: RouteKey, reason: str) -> None:
        """There is no socket for ``key``, and why."""
        self.forget(key)
        self._failures[key] = reason

    def forget(self, key: RouteKey) -> None:
        self._failures.pop(key, None)
        bound = self._handed.pop(key, None)
        if bound is not None:
            bound.sock.close()

    def renewed(self, key: RouteKey) -> bool:
        return key in self._handed

    def bind(self, routes: Sequence[Route]) -> tuple[dict[RouteKey, Bound], dict[RouteKey, OSError]]:
        bound: dict[RouteKey, Bound] = {}
        errors: dict[RouteKey, OSError] = {}
        for route in routes:
            handed = self._handed.pop(route.key, None)
            if handed is not None:
                bound[route.key] = handed
            else:
                reason = self._failures.get(route.key, os.strerror(errno.EADDRINUSE))
                errors[route.key] = OSError(errno.EADDRINUSE, reason)
        return bound, errors

    def close(self) -> None:
        for key in tuple(self._handed):
            self.forget(key)
