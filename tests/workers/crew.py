"""A proxy with two workers, and what tests do to them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from tests.integration.world import nothing_left
from userproxy import Addresses, MemorySource, Proxy, Settings
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.log import FieldValue, fields_of
from userproxy.workers.fleet import Fleet
from userproxy.workers.link import Link

LIMIT_S = 60.0
"""A hard limit for whatever is waited for; nothing depends on it unless something is broken."""
TWO = Settings(addresses=Addresses.EPHEMERAL, workers=2)


class Events(logging.Handler):
    """Log events, to be waited for."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seen: list[dict[str, FieldValue]] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = fields_of(record)
        if fields is not None:
            self.seen.append(fields)

    def named(self, event: str) -> list[dict[str, FieldValue]]:
        return [fields for fields in self.seen if fields["event"] == event]


@dataclass
class Crew:
    """A proxy on a memory source; its workers, and what it logs."""

    source: MemorySource
    proxy: Proxy
    events: Events

    @property
    def fleet(self) -> Fleet:
        plane = self.proxy._running
        assert isinstance(plane, Fleet)
        return plane

    @property
    def links(self) -> tuple[Link, ...]:
        return self.fleet._links

    def kill_all(self) -> list[int]:
        """The workers that ran until now."""
        pids = self.pids()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return pids

    def pids(self) -> list[int]:
        """Of the workers that run now."""
        return [link.pid for link in self.links if link.pid is not None]

    async def settled(self) -> None:
        await self.proxy.settled(LIMIT_S)

    async def port(self) -> PortSnapshot:
        """The only service port, with counters that are true now."""
        await self.settled()
        [port] = self.proxy.snapshot().ports
        return port

    async def by_worker(self) -> list[int]:
        """How many connections each worker has accepted."""
        await self.settled()
        reports = self.fleet._board._reports
        return [
            sum(port.accepted for report in reports[link.index].values() for port in report.live)
            for link in self.links
        ]


@contextlib.asynccontextmanager
async def crew(settings: Settings = TWO) -> AsyncIterator[Crew]:
    """Run it; afterwards no process may be left, and nothing else."""
    events, source = Events(), MemorySource()
    async with nothing_left("userproxy", events):
        async with Proxy(source, settings=settings) as proxy:
            this = Crew(source, proxy, events)
            yield this
            pids = this.pids()
        assert [pid for pid in pids if running(pid)] == []


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(holds: Callable[[], object]) -> None:
    """Wait, turn by turn of the loop, until ``holds`` says so."""
    async with asyncio.timeout(LIMIT_S):
        while not holds():
            await asyncio.sleep(0.001)


async def say(address: tuple[str, int], text: str, client: str = "127.0.0.1") -> str:
    """One line to a TCP echo and back."""
    reader, writer = await asyncio.open_connection(*address, local_addr=(client, 0))
    try:
        writer.write(text.encode())
        writer.write_eof()
        return (await reader.read()).decode()
    finally:
        writer.close()
        await writer.wait_closed()


async def refused(address: tuple[str, int]) -> None:
    """By whichever worker it would be."""
    for _ in range(20):
        with pytest.raises(ConnectionRefusedError):
            await say(address, "x")
