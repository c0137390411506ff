"""A proxy with two workers that another one takes over from, its clients, and what may go wrong."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dataplane.harness import Peer
from tests.dataplane.udp_peers import UdpPeer, clients
from tests.integration.world import open_descriptors
from tests.takeover.processes import Old, holding, serving, successor
from tests.workers.crew import TWO, until
from userproxy import MemorySource, Proxy, Settings
from userproxy.errors import TakeoverError
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho
from userproxy.testing.objects import endpoint_slice, service
from userproxy.workers.fleet import Fleet
from userproxy.workers.link import Link

CLIENTS = 24
"""Of UDP: both workers have some, but for once in millions of runs."""


def source_of(tcp: TcpEcho, udp: UdpEcho) -> MemorySource:
    return holding(
        service("web", 80, sessionAffinity="ClientIP"),
        endpoint_slice("web", [tcp.endpoint], name="web"),
        service("dns", "53/UDP"),
        endpoint_slice("dns", [udp.endpoint], name="dns", protocol="UDP"),
    )


def fleet_of(proxy: Proxy) -> Fleet:
    fleet = proxy.sockets
    assert isinstance(fleet, Fleet)
    return fleet


async def asked(askers: list[UdpPeer], text: bytes) -> None:
    """Each client asks, then each gets its answer."""
    for number, client in enumerate(askers):
        client.send(b"%s %d" % (text, number))
    for number, client in enumerate(askers):
        assert await client.receive() == b"%s %d" % (text, number)


async def echoed(address: tuple[str, int]) -> None:
    with await Peer.connect(address) as client:
        await client.send(b"new")
        assert await client.receive_exactly(3) == b"new"


@contextlib.asynccontextmanager
async def under_way(tmp_path: Path) -> AsyncIterator[tuple[Old, list[UdpPeer], UdpEcho, MemorySource]]:
    """An old proxy with flows; afterwards no descriptor is left open here."""
    async with TcpEcho() as tcp, UdpEcho() as udp:
        before = open_descriptors()
        source = source_of(tcp, udp)
        async with serving(tmp_path / "s", source, TWO) as old:
            with clients(CLIENTS, old.proxy.address("dns")) as askers:
                await asked(askers, b"before")
                yield old, askers, udp, source_of(tcp, udp)
        await until(lambda: open_descriptors() <= before)


async def in_vain(old: Old, source: MemorySource, says: str, settings: Settings = TWO) -> None:
    """A successor that does not come to serve, and why not."""
    with pytest.raises(TakeoverError, match=says):
        async with successor(old, source, settings):
            pytest.fail("it must not serve")


def kill(worker: Link) -> None:
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
