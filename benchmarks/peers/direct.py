"""No proxy: what load and backend do by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from benchmarks.peers.base import RunningPeer

__all__ = ["Direct"]


class Direct:
    name = "direct"

    def missing(self) -> str:
        return ""

    @asynccontextmanager
    async def start(self, endpoints: Mapping[str, str]) -> AsyncIterator[RunningPeer]:
        yield RunningPeer(self.name, "", endpoints, None)
