"""All that takes part in a soak: API server, proxy, endpoints that are replaced, load."""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Self

from benchmarks.actors.remote import Backend, Load
from benchmarks.staged import Staged
from benchmarks.userproxy_process import UserproxyProcess
from userproxy.testing import ApiServer
from userproxy.testing.objects import endpoint_slice, service

__all__ = ["IDLE_TIMEOUT_S", "LOADS", "LoadPlan", "Stage"]

GRACE_S = 5.0
"""An endpoint that was replaced lives on so long, as a terminating pod does; connections end before."""
IDLE_TIMEOUT_S = 3
"""Of UDP flows, so that what is left of the load goes soon."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """``asks`` bounds how long one connection or socket is used."""

    service: str
    kind: str
    at_once: int
    asks: int | None


LOADS: Mapping[str, LoadPlan] = {
    "keep-alive requests": LoadPlan("web", "requests", at_once=16, asks=200),
    "short connections": LoadPlan("web", "connections", at_once=8, asks=None),
    "datagrams": LoadPlan("dns", "datagrams", at_once=8, asks=50),
}


@dataclass(slots=True)
class _Cast:
    """The endpoints of one Service, each in a slice of its own."""

    service: str
    kind: str
    size: int
    numbers: count[int] = field(default_factory=count)
    on_stage: deque[tuple[str, str]] = field(default_factory=deque)
    """Names of slices, and endpoints; the oldest first."""


class Stage(Staged):
    """Its endpoints are replaced, one at each `swap`."""

    def __init__(self, loop: str) -> None:
        super().__init__()
        self._loop = loop
        self._server = ApiServer()
        self._backend = Backend()
        web, dns = self._casts = (_Cast("web", "http", 3), _Cast("dns", "udp", 2))
        self._turns = cycle((web, web, dns))
        self._leaving: deque[tuple[float, str, str]] = deque()
        """When each endpoint that was replaced is to be closed, its kind and address."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as exits:
            folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="userproxy-soak-")))
            await exits.enter_async_context(self._server)
            await exits.enter_async_context(self._backend)
            idle_timeout = {"userproxy.dev/idle-timeout": f"{IDLE_TIMEOUT_S}s"}
            await self._server.apply(
                service("web", 8080), service("dns", "5353/UDP", annotations=idle_timeout)
            )
            for cast in self._casts:
                for _ in range(cast.size):
                    await self._enter(cast)
            self.proxy = await exits.enter_async_context(
                UserproxyProcess("--server", self._server.url, loop=self._loop, folder=folder)
            )
            self._addresses = await self.proxy.addresses(["web", "dns"])
            self._exits = exits.pop_all()
        return self

    async def begin(self) -> None:
        """Start the load."""
        for name, plan in LOADS.items():
            load = Load(plan.kind, self._addresses[plan.service], at_once=plan.at_once, asks=plan.asks)
            self._loads[name] = await self._exits.enter_async_context(load)

    async def swap(self) -> None:
        """A new endpoint comes, the oldest one of its Service goes."""
        now = asyncio.get_running_loop().time()
        cast = next(self._turns)
        await self._enter(cast)
        name, endpoint = cast.on_stage.popleft()
        await self._server.delete("EndpointSlice", name)
        self._leaving.append((now + GRACE_S, cast.kind, endpoint))
        while self._leaving[0][0] <= now:
            _, kind, gone = self._leaving.popleft()
            await self._backend.close(kind, gone)

    async def _enter(self, cast: _Cast) -> None:
        endpoint = await self._backend.open(cast.kind)
        name = f"{cast.service}-{next(cast.numbers)}"
        protocol = "UDP" if cast.kind == "udp" else "TCP"
        await self._server.apply(endpoint_slice(cast.service, [endpoint], name=name, protocol=protocol))
        cast.on_stage.append((name, endpoint))
