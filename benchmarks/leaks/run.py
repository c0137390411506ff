"""Many short lives through one proxy in this process, and what is left of them."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.actors.remote import Backend, Load, Report
from benchmarks.leaks.census import Census
from userproxy.proxy import Proxy
from userproxy.settings import Addresses, Settings, UdpSettings
from userproxy.sources.memory import MemorySource
from userproxy.testing.objects import endpoint_slice, service

__all__ = ["LIMITS", "Leaks", "Lives", "seek"]

LIMITS = UdpSettings(
    unreplied_timeout_s=1.0, stream_timeout_s=1.0, max_flows=2048, max_flows_per_service=1024
)
"""So tight that most flows are evicted, and the last ones expire."""
WARM_UP = 500
"""Lives before the first census, so that what is made once and kept is there already."""
AT_ONCE = 32
RUN_LIMIT_S = 600.0
REST_LIMIT_S = 20.0
LOOK_S = 0.05
PROGRESS_S = 2.0
_LOADS = {"connections": ("web", "connections"), "flows": ("dns", "datagrams")}


@dataclass(frozen=True, slots=True)
class Lives:
    """All connections, or all flows."""

    name: str
    report: Report
    before: Census
    after: Census
    accepted: int
    """By the proxy, as it counts."""
    most: int
    """Open at once."""
    ends: Mapping[str, int]
    """By their two letters."""


@dataclass(frozen=True, slots=True)
class Leaks:
    """One loop."""

    loop: str
    lives: tuple[Lives, ...]
    at_first: Census
    """Before the proxy was made."""
    at_last: Census
    """After its block."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What is not as it must be; nothing when the run is good."""
        faults = [
            f"{life.name} left {what}" for life in self.lives for what in life.after.left_since(life.before)
        ]
        faults += [f"{life.report.failed} {life.name} failed" for life in self.lives if life.report.failed]
        faults += [
            f"the proxy counted {life.accepted} of {life.report.done} {life.name}"
            for life in self.lives
            if life.accepted < life.report.done
        ]
        faults += [f"the proxy left {what}" for what in self.at_last.left_since(self.at_first)]
        return tuple(faults)


async def seek(loop: str, totals: Mapping[str, int]) -> Leaks:
    """``totals`` by name: connections, flows. Raises BenchmarkError when a process fails."""
    async with Backend() as backend:
        source = MemorySource()
        source.apply(
            service("web", 80),
            endpoint_slice("web", [await backend.open("http")]),
            service("dns", "53/UDP"),
            endpoint_slice("dns", [await backend.open("udp")], protocol="UDP"),
        )
        at_first = Census.take()
        async with Proxy(source, settings=Settings(addresses=Addresses.EPHEMERAL, udp=LIMITS)) as proxy:
            await proxy.settled()
            for name in totals:
                await _live(proxy, name, WARM_UP)
            lives = [await _live(proxy, name, total, loop) for name, total in totals.items()]
        # Transports are closed in the next turn of the loop.
        await asyncio.sleep(0)
        return Leaks(loop, tuple(lives), at_first, Census.take())


async def _live(proxy: Proxy, name: str, total: int, progress: str = "") -> Lives:
    """Let ``total`` connections or flows come and go, and wait until the proxy is at rest."""
    service_name, load = _LOADS[name]
    host, port = proxy.address(service_name)
    before = Census.take(proxy)
    counted, ended = _counted(proxy, service_name), _ended(proxy, service_name)
    one_each = load == "datagrams"
    async with Load(
        load,
        f"{host}:{port}",
        at_once=AT_ONCE,
        total=total,
        asks=1 if one_each else None,
        distinct_sources=one_each,
    ) as process:
        report = asyncio.create_task(process.total(RUN_LIMIT_S))
        try:
            most = await _watch(
                proxy, service_name, report, counted, f"{progress}: {name}" if progress else ""
            )
        finally:
            report.cancel()
    await _rest(proxy)
    return Lives(
        name,
        report.result(),
        before,
        Census.take(proxy),
        _counted(proxy, service_name) - counted,
        most,
        _ended(proxy, service_name) - ended,
    )


async def _watch(
    proxy: Proxy, service_name: str, report: asyncio.Task[Report], counted: int, progress: str
) -> int:
    """Until ``report`` has come; the most that were open at once."""
    time = asyncio.get_running_loop().time
    next_progress = time() + PROGRESS_S
    most = 0
    while not report.done():
        await asyncio.wait([report], timeout=LOOK_S)
        now_open = _open(proxy)
        most = max(most, now_open)
        if progress and time() >= next_progress:
            next_progress += PROGRESS_S
            done = _counted(proxy, service_name) - counted
            print(f"{progress}: {done:,} so far, {now_open} open", file=sys.stderr, flush=True)
    return most


async def _rest(proxy: Proxy) -> None:
    """Return when nothing is open any more, or after the limit: the census then tells."""
    deadline = asyncio.get_running_loop().time() + REST_LIMIT_S
    while True:
        if not _open(proxy) or asyncio.get_running_loop().time() >= deadline:
            return
        await asyncio.sleep(LOOK_S)


def _open(proxy: Proxy) -> int:
    return sum(port.open for port in proxy.snapshot().ports)


def _counted(proxy: Proxy, service_name: str) -> int:
    return sum(port.accepted for port in proxy.snapshot().ports if port.key.name.name == service_name)


def _ended(proxy: Proxy, service_name: str) -> Counter[str]:
    ended: Counter[str] = Counter()
    for port in proxy.snapshot().ports:
        if port.key.name.name == service_name:
            ended.update(dict(port.ends))
    return ended
