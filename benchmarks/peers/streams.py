"""The relay of `streams_relay`: what asyncio's streams do without any more thought. TCP only."""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from benchmarks.peers.base import TCP_KINDS, RunningPeer, connectable, free_address
from benchmarks.processes import Child, python

__all__ = ["Streams"]


class Streams:
    name = "streams"

    def missing(self) -> str:
        return ""

    @asynccontextmanager
    async def start(self, endpoints: Mapping[str, str]) -> AsyncIterator[RunningPeer]:
        addresses = {kind: free_address() for kind in TCP_KINDS}
        pairs = [f"{addresses[kind]}={endpoints[kind]}" for kind in TCP_KINDS]
        async with Child(self.name, python("benchmarks.peers.streams_relay", *pairs)) as child:
            for address in addresses.values():
                await connectable(child, address)
            yield RunningPeer(self.name, f"asyncio of {platform.python_version()}", addresses, child)
