"""A running proxy with everything that it must have given back once its peers are gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from tests.option import OPTION, with_workers
from userproxy import Addresses, MemorySource, Proxy, Settings
from userproxy.dataplane.connection import Connection
from userproxy.dataplane.plane import DataPlane
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import ServicePort
from userproxy.dataplane.side import Side
from userproxy.log import FieldValue, fields_of
from userproxy.model.names import Protocol
from userproxy.settings import DialSettings

LIMIT_S = 60.0
"""A hard limit for whatever is waited for; nothing depends on it unless something is broken."""
EPHEMERAL = with_workers(
    Settings(
        addresses=Addresses.EPHEMERAL, dial=DialSettings(timeouts_s=(0.1, 0.1, 0.2, 0.2), hold_retry_s=0.02)
    )
)


class Ends(logging.Handler):
    """The ``connection_closed`` and ``flow_closed`` events in the order in which they came."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.events: list[dict[str, FieldValue]] = []
        self.faults: list[str] = []
        """Errors that were logged: a proxy under attack has none of its own."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = fields_of(record)
        if fields is not None and fields["event"] in ("connection_closed", "flow_closed"):
            self.events.append(fields)
        elif record.levelno >= logging.ERROR and fields is None:
            self.faults.append(record.getMessage())

    def by_client(self) -> dict[str, list[dict[str, FieldValue]]]:
        """Events by the client's IP address."""
        found: dict[str, list[dict[str, FieldValue]]] = {}
        for event in self.events:
            found.setdefault(str(event["client"]), []).append(event)
        return found


@dataclass
class World:
    """A proxy on a memory source, and what it has ever served."""

    source: MemorySource
    proxy: Proxy
    ends: Ends
    seen: dict[int, ServicePort] = field(default_factory=dict)
    """Every service port that was ever met, also those that are gone: their counters are still true."""

    @property
    def plane(self) -> DataPlane:
        """Raises RuntimeError with workers."""
        return self.proxy.plane

    @property
    def in_workers(self) -> bool:
        return OPTION.workers > 1

    @property
    def runtime(self) -> Runtime:
        return self.plane._runtime

    async def settled(self) -> None:
        """Wait until what was applied is in force, and remember the service ports that there are now."""
        await self.proxy.settled(LIMIT_S)
        self.look()

    def look(self) -> None:
        if self.in_workers:
            return
        for port in self.plane._every_port():
            self.seen[id(port)] = port

    async def quiet(self) -> None:
        """Wait until nothing is open; then nothing of it may be left anywhere."""
        if self.in_workers:
            await self._quiet_workers()
            return
        await until(lambda: not self.runtime.connections)
        runtime = self.runtime
        listening = [port.intake for port in self.plane._ports.values() if port.intake is not None]
        stopped = self.proxy._background[0].done()
        counted = (0 if stopped else len(listening)) + 2 * runtime.pipes.made + runtime.flows
        assert runtime.descriptors.used == counted
        assert not any(runtime.engine.fast)
        handlers = runtime.engine.handlers
        assert not [one for one in handlers if isinstance(one, Side | Connection)]
        for port in self.seen.values():
            assert port.counters.held == 0
            assert ended_of(port) + port.open_count() == port.counters.accepted
            if not port.open_count():
                assert not any(seen.open for seen in port.endpoints.values())
        assert self.ends.faults == []

    async def without_flows(self) -> None:
        """Wait until no UDP flow is left."""
        if self.in_workers:
            await until(lambda: not any(port.open for port in self.proxy.snapshot().ports))
        else:
            await until(lambda: not self.runtime.flows)

    async def _quiet_workers(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            while True:
                await self.proxy._running.published()  # and all that was counted is told
                ports = self.proxy.snapshot().ports
                if not any(port.open for port in ports if port.key.name.protocol is Protocol.TCP):
                    break
                await asyncio.sleep(0.01)
        for port in ports:
            assert port.held == 0
            if port.key.name.protocol is Protocol.TCP:
                assert sum(count for _, count in port.ends) == port.accepted
                assert not any(endpoint.open for endpoint in port.endpoints)
        assert self.ends.faults == []

    def ended(self) -> Counter[str]:
        """How everything that was ever accepted ended."""
        if self.in_workers:
            return Counter(str(event["state"]) for event in self.ends.events)
        total: Counter[str] = Counter()
        for port in self.seen.values():
            total.update(port.counters.ends)
        return total


def ended_of(port: ServicePort) -> int:
    """How many of those that were accepted have ended. A UDP client that waits is no flow yet."""
    udp = port.key.name.protocol is Protocol.UDP
    return sum(count for state, count in port.counters.ends.items() if not (udp and state.endswith("H")))


async def until(holds: Callable[[], object]) -> None:
    """Wait, turn by turn of the loop, until ``holds`` says so."""
    async with asyncio.timeout(LIMIT_S):
        while not holds():
            await asyncio.sleep(0)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@contextlib.asynccontextmanager
async def nothing_left(logged: str, to: logging.Handler) -> AsyncIterator[None]:
    """All records of the logger ``logged`` go to a handler meanwhile; afterwards no descriptor and no task
    may be left.

    Backends start before it: uvloop keeps a descriptor from the first server on.
    """
    before = open_descriptors()
    tasks = len(asyncio.all_tasks())
    logger = logging.getLogger(logged)
    level = logger.level
    logger.addHandler(to)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(to)
        logger.setLevel(level)
    # Peers on uvloop close in a later turn.
    await until(lambda: open_descriptors() <= before and len(asyncio.all_tasks()) <= tasks)


@contextlib.asynccontextmanager
async def world(settings: Settings = EPHEMERAL) -> AsyncIterator[World]:
    """Run a proxy; afterwards nothing of it may be left."""
    ends, source = Ends(), MemorySource()
    async with nothing_left("userproxy.dataplane", ends), Proxy(source, settings=settings) as proxy:
        yield World(source, proxy, ends)


async def greeting(address: tuple[str, int]) -> str:
    """Who answers there."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        return (await reader.readline()).decode().strip()
    finally:
        writer.close()
        await writer.wait_closed()
