"""All that takes part in upgrades under load: backend, load, and one proxy after the other."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.actors.remote import Backend, Load
from benchmarks.errors import BenchmarkError
from benchmarks.staged import Staged
from benchmarks.userproxy_process import UserproxyProcess
from userproxy.testing.objects import endpoint_slice, service

__all__ = ["Stage", "Upgrade"]

ASKS = 100
"""By one keep-alive connection: short enough that an old process drains soon, by itself."""
TAKEN_OVER = re.compile(r" takeover_finished pid=(\d+) duration_ms=([0-9.]+) listeners=\d+ flows=(\d+) ")
STOPPED = re.compile(r"^stopped: (\d+) connections and flows over(?:, (\d+) cut)?")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One process took over from another."""

    total_s: float
    """From the start of the new process until it served."""
    frozen_ms: float
    """How long datagrams waited in the kernel."""
    flows: int
    """How many went over."""
    drain_s: float
    """Until the old process had ended."""
    drained: int
    cut: int
    exit_code: int


class Stage(Staged):
    """Its proxy is another one after each `upgrade`."""

    def __init__(self, loop: str, at_once: Mapping[str, int], workers: int) -> None:
        """``at_once``: clients of each kind of load."""
        super().__init__()
        self._loop = loop
        self._at_once = at_once
        self._workers = workers
        self._folder = Path()
        self._number = 0

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as exits:
            self._folder = Path(
                exits.enter_context(tempfile.TemporaryDirectory(prefix="userproxy-takeover-"))
            )
            backend = await exits.enter_async_context(Backend())
            objects = [service("web", 8080), service("dns", "5353/UDP")]
            for name, kind, protocol in (("web", "http", "TCP"), ("dns", "udp", "UDP")):
                for number in range(2):
                    endpoint = await backend.open(kind)
                    slice_name = f"{name}-{number}"
                    objects.append(endpoint_slice(name, [endpoint], name=slice_name, protocol=protocol))
            manifest = {"apiVersion": "v1", "kind": "List", "items": objects}
            (self._folder / "services.json").write_text(json.dumps(manifest))
            self._exits = exits.pop_all()
        try:
            self.proxy = await self._start()
            self._addresses = await self.proxy.addresses(["web", "dns"])
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def begin(self) -> None:
        """Start the load."""
        for kind, at_once in self._at_once.items():
            address = self._addresses["dns" if kind == "datagrams" else "web"]
            load = Load(kind, address, at_once=at_once, asks=ASKS if kind == "requests" else None)
            self._loads[kind] = await self._exits.enter_async_context(load)

    async def upgrade(self) -> Upgrade:
        """Start a new process, which takes over, and wait until the old one has ended by itself."""
        time = asyncio.get_running_loop().time
        began, old = time(), self.proxy
        self.proxy = await self._start()
        await self.proxy.addresses(["web", "dns"])
        serving = time()
        exit_code = await old.wait()
        taken_over = _found(TAKEN_OVER, self.proxy)
        stopped = _found(STOPPED, old)
        return Upgrade(
            total_s=serving - began,
            frozen_ms=float(taken_over[2]),
            flows=int(taken_over[3]),
            drain_s=time() - serving,
            drained=int(stopped[1]),
            cut=int(stopped[2] or 0),
            exit_code=exit_code,
        )

    async def _start(self) -> UserproxyProcess:
        folder = self._folder / str(self._number)
        folder.mkdir()
        self._number += 1
        options: list[object] = ["-f", self._folder / "services.json", "--takeover", self._folder / "socket"]
        if self._workers > 1:
            options += ["--workers", self._workers]
        return await self._exits.enter_async_context(
            UserproxyProcess(*options, "-v", loop=self._loop, folder=folder)
        )


def _found(pattern: re.Pattern[str], process: UserproxyProcess) -> re.Match[str]:
    """Where ``process`` said that. Raises BenchmarkError when it did not."""
    for line in process.said:
        found = pattern.search(line)
        if found is not None:
            return found
    raise BenchmarkError(f"{process.name} did not say {pattern.pattern!r}, but {process.said[-1:]}")
