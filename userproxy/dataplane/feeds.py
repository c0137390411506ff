"""Following what a data plane serves: a consumer is told what there is, then what changed since it asked."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

from userproxy.dataplane.contract import Plane
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.model.routes import RouteKey

__all__ = ["Feed"]

PORTS_PER_STEP = 256
"""Service ports that are looked at in one turn of the loop: about 3 ms."""


class Feed:
    """One consumer. What changes while it is busy is folded."""

    __slots__ = ("_begun", "_filled", "_keys")

    def __init__(self, keys: Iterable[RouteKey]) -> None:
        """``keys`` are all that may be served now."""
        self._keys = dict.fromkeys(keys)
        self._begun = False
        self._filled = asyncio.Event()

    def touch(self, keys: Collection[RouteKey]) -> None:
        """These service ports may have changed."""
        self._keys.update(dict.fromkeys(keys))
        self._filled.set()

    def wake(self) -> None:
        """Let `wait` return, whatever there is to tell."""
        self._filled.set()

    async def wait(self) -> None:
        """Return when there is something to tell."""
        await self._filled.wait()

    async def take(self, plane: Plane) -> dict[RouteKey, tuple[PortSnapshot, ...]]:
        """What there is to tell; () says that a service port is gone. Gives the loop its turns."""
        keys = tuple(self._keys)
        self._keys.clear()
        self._filled.clear()
        found: dict[RouteKey, tuple[PortSnapshot, ...]] = dict.fromkeys(keys, ())
        for start in range(0, len(keys), PORTS_PER_STEP):
            if start:
                await asyncio.sleep(0)  # what is touched meanwhile is told the next time
            for port in plane.snapshot(frozenset(keys[start : start + PORTS_PER_STEP])):
                found[port.key] = (*found[port.key], port)
        if not self._begun:  # nothing was told before that could be gone
            self._begun = True
            return {key: ports for key, ports in found.items() if ports}
        return found
