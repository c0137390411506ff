"""What `Proxy` asks of a data plane, whether it carries traffic in this process or in workers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.dataplane.traffic import TrafficSnapshot
from userproxy.model.names import NamespacedName
from userproxy.model.problems import Problem
from userproxy.model.routes import RouteChanges, RouteKey

__all__ = ["NOT_LISTENING", "DrainReport", "Plane"]

NOT_LISTENING = (ListenerState.REFUSING, ListenerState.TAKEN, ListenerState.DRAINING)


@dataclass(frozen=True, slots=True)
class DrainReport:
    """How a stop went: what ended by itself, and what was cut at the limit."""

    drained: int
    cut: int


class Plane(Protocol):
    """Made inside a running loop; owns all sockets that carry traffic, until `close`."""

    def apply(self, changes: RouteChanges) -> None:
        """Bring ``changes`` into force, at once or soon (`published`)."""
        ...

    async def published(self) -> None:
        """Return once every route that was applied before is in force."""
        ...

    def address(self, service: NamespacedName, port_name: str, family: str | None) -> tuple[str, int]:
        """Host and port of one service port. ``port_name`` "" means the only port, whatever its name.

        Raises KeyError when there is no such service port, NotListening when it refuses now.
        """
        ...

    def snapshot(self, keys: Collection[RouteKey] | None = None) -> tuple[PortSnapshot, ...]:
        """Every service port, sorted, and those of Services that are gone but still have connections.

        With ``keys``, of these alone: costs in proportion to their number.
        """
        ...

    async def traffic(self, keys: Collection[RouteKey]) -> tuple[TrafficSnapshot, ...]:
        """All that is open of these service ports, one by one; gives the loop its turns."""
        ...

    def known(self) -> tuple[RouteKey, ...]:
        """What `snapshot` tells of, each once; cheap."""
        ...

    def take_touched(self) -> tuple[RouteKey, ...]:
        """The service ports whose state, address or endpoints may have changed since the last call."""
        ...

    def problems(self) -> tuple[Problem, ...]:
        """Addresses that are taken (rule L4), and endpoints that lead back to us (rule L8)."""
        ...

    async def drain(self, timeout_s: float) -> DrainReport:
        """Take in nothing more, wait until everything has ended by itself or ``timeout_s`` is over, then cut
        the rest."""
        ...

    def close(self) -> None:
        """Stop, cut what is open, and give every descriptor back."""
        ...
