"""What every peer is: something that forwards traffic of each kind, or does not know it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from benchmarks.errors import BenchmarkError
from benchmarks.processes import Child

__all__ = ["KINDS", "TCP_KINDS", "Peer", "RunningPeer", "connectable", "free_address"]

TCP_KINDS = ("http", "transfer", "iperf")
KINDS = (*TCP_KINDS, "udp")
"""Kinds of endpoints, and so of traffic."""
START_LIMIT_S = 15.0
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class RunningPeer:
    """A peer that forwards now."""

    name: str
    version: str
    addresses: Mapping[str, str]
    """Where clients go, by kind; a kind that it does not forward is missing."""
    child: Child | None
    """None for a direct connection."""
    workers: tuple[int, ...] = ()
    """Its processes that carry traffic, where there are several."""


class Peer(Protocol):
    """One way from clients to endpoints."""

    @property
    def name(self) -> str: ...

    def missing(self) -> str:
        """How to install it; "" when it is there."""
        ...

    def start(self, endpoints: Mapping[str, str]) -> AbstractAsyncContextManager[RunningPeer]:
        """Forward to ``endpoints`` while the block runs. Raises BenchmarkError when it does not start."""
        ...


def free_address(kind: socket.SocketKind = socket.SOCK_STREAM) -> str:
    """An address of 127.0.0.1 that nobody uses now; a program that cannot be given a socket binds it next."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return "{}:{}".format(*probe.getsockname())


async def connectable(child: Child, address: str) -> None:
    """Return once ``address`` accepts connections. Raises BenchmarkError when ``child`` ends before."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(START_LIMIT_S):
            while True:
                child.check("did not start")
                with socket.socket() as probe:
                    if probe.connect_ex((host, int(port))) == 0:
                        return
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise BenchmarkError(f"{child.name} did not accept at {address} within {START_LIMIT_S:g} s") from None
