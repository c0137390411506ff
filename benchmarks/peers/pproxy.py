"""pproxy, a proxy in plain asyncio, as a tunnel for each kind: TCP and UDP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from socket import SOCK_DGRAM

from benchmarks.peers.base import TCP_KINDS, RunningPeer, connectable, free_address
from benchmarks.processes import Child, python

__all__ = ["PProxy", "command"]


class PProxy:
    name = "pproxy"

    def missing(self) -> str:
        return "" if _version() else "not installed (pip install 'userproxy[benchmarks]')"

    @asynccontextmanager
    async def start(self, endpoints: Mapping[str, str]) -> AsyncIterator[RunningPeer]:
        addresses = {kind: free_address() for kind in TCP_KINDS} | {"udp": free_address(SOCK_DGRAM)}
        async with Child(self.name, command(addresses, endpoints)) as child:
            for kind in TCP_KINDS:
                await connectable(child, addresses[kind])
            yield RunningPeer(self.name, _version(), addresses, child)


def command(addresses: Mapping[str, str], endpoints: Mapping[str, str]) -> tuple[str, ...]:
    """Without ``-v`` it logs nothing; of keep-alive and backlog it knows nothing."""
    options = []
    for kind, address in addresses.items():
        options += ["-ul" if kind == "udp" else "-l", f"tunnel{{{endpoints[kind]}}}://{address}"]
    return python("benchmarks.peers.pproxy_start", *options)


def _version() -> str:
    try:
        return version("pproxy")
    except PackageNotFoundError:
        return ""
