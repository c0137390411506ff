"""Rounds of everything that is measured of a large cluster, each thing in a fresh process."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.processes import Child, python
from benchmarks.scale.api_server import PreparedApiServer

__all__ = ["FEW_SERVICES", "Changes", "Round", "measure_rounds"]

FEW_SERVICES = 100
"""The small cluster that a change in the large one is compared with."""
LIMIT_S = 120.0
WARM_UP_CHANGES = 20
_FIRST_PORT, _PORTS = 10_000, 50_000
_STRIDE = 37
"""From one changed slice to the next, so that neighbours in memory are not changed together."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Slices changed one after the other, each once the one before it was in force."""

    milliseconds: tuple[float, ...]
    """From sending the first byte of the event until whoever follows `Proxy.changes` is told."""
    cpu_ms: float
    """Processor time of the proxy for one change, on average."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round gave; times in seconds, by the names that ``measured`` gives them."""

    loads: Mapping[str, float]
    parts: Mapping[str, float]
    paged: Mapping[str, float]
    """First sync, lists in pages of 500."""
    whole: Mapping[str, float]
    """First sync, each list in one answer."""
    proxy: Mapping[str, float]
    listeners: Mapping[str, float]
    changes: Changes
    changes_of_few: Changes
    """In a cluster of `FEW_SERVICES`."""

    @property
    def ratios(self) -> dict[str, float]:
        """First sync to one ``orjson.loads`` of the same bytes, the slower way of both; a change to that in a
        small cluster. Times of the clock, and of the processor where others share it."""
        sync_s = max(self.paged["first_sync_s"], self.whole["first_sync_s"])
        sync_cpu_s = max(self.paged["first_sync_cpu_s"], self.whole["first_sync_cpu_s"])
        return {
            "sync": sync_s / self.loads["loads_s"],
            "sync_cpu": sync_cpu_s / self.loads["loads_cpu_s"],
            "sync_cpu_uncollected": sync_cpu_s / self.loads["loads_uncollected_cpu_s"],
            "change_cpu": self.changes.cpu_ms / self.changes_of_few.cpu_ms,
        }


async def measure_rounds(services: int, rounds: int, changes: int, loop: str) -> tuple[Round, ...]:
    """Raises BenchmarkError when a process fails."""
    measured = []
    for number in range(1, rounds + 1):
        print(f"scale: round {number} of {rounds}", file=sys.stderr, flush=True)
        measured.append(await _round(services, changes, loop))
    return tuple(measured)


async def _round(services: int, changes: int, loop: str) -> Round:
    loads = await _once("loads", services, loop)
    parts = await _once("parts", services, loop)
    listeners = await _once("listeners", services, loop)
    async with PreparedApiServer(services, paged=False) as server:
        whole = await _once("routes", services, loop, server)
    async with PreparedApiServer(services) as server:
        paged = await _once("routes", services, loop, server)
        proxy, many = await _changed(services, changes, loop, server)
    async with PreparedApiServer(min(FEW_SERVICES, services)) as server:
        _, few = await _changed(min(FEW_SERVICES, services), changes, loop, server)
    return Round(loads, parts, paged, whole, proxy, listeners, many, few)


async def _once(
    task: str, services: int, loop: str, server: PreparedApiServer | None = None
) -> Mapping[str, float]:
    async with _child(task, services, loop, server) as child:
        return _values(await child.line(LIMIT_S))


async def _changed(
    services: int, changes: int, loop: str, server: PreparedApiServer
) -> tuple[Mapping[str, float], Changes]:
    milliseconds = []
    async with _child("proxy", services, loop, server) as child:
        synced = _values(await child.line(LIMIT_S))
        first_cpu_ns = 0.0
        for number in range(WARM_UP_CHANGES + changes):
            sent_ns = await server.change(number * _STRIDE % services, _FIRST_PORT + number % _PORTS)
            told = _values(await child.line())
            if number < WARM_UP_CHANGES:
                first_cpu_ns = told["cpu_ns"]
            else:
                milliseconds.append((told["in_force_ns"] - sent_ns) / 1e6)
    return synced, Changes(tuple(milliseconds), (told["cpu_ns"] - first_cpu_ns) / 1e6 / changes)


def _child(task: str, services: int, loop: str, server: PreparedApiServer | None) -> Child:
    url = server.url if server is not None else ""
    return Child(f"scale {task}", python("benchmarks.scale.measured", task, services, url, loop), talks=True)


def _values(line: str) -> Mapping[str, float]:
    values: dict[str, float] = json.loads(line)
    return values
