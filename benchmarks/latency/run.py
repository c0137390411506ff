"""Changes one after the other, and how long each took to be in force."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.errors import BenchmarkError
from benchmarks.latency.changes import Change, HttpPatch, KubectlApply, kubectl
from benchmarks.measuring.spread import Spread
from benchmarks.processes import Child, python
from benchmarks.userproxy_process import UserproxyProcess
from userproxy.testing.backends.process import BackendProcess
from userproxy.testing.objects import endpoint_slice, service

__all__ = ["TARGET_MS", "Latencies", "measure_changes"]

TARGET_MS = 100.0
IN_FORCE_LIMIT_S = 10.0
PAUSE_S = 0.05
"""Between two changes, so that each one finds all at rest."""
_LISTENING = "listening on "
_REQUEST = b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds by the way in which changes were made."""

    by_change: Mapping[str, Sequence[float]]

    def spreads(self) -> dict[str, Spread]:
        return {name: Spread.of(values) for name, values in self.by_change.items()}

    @property
    def good(self) -> bool:
        """Each one met the target."""
        return all(value <= TARGET_MS for values in self.by_change.values() for value in values)


async def measure_changes(count: int, loop: str) -> Latencies:
    """Raises BenchmarkError when a process does not start, or a change does not come into force."""
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="userproxy-latency-")))
        backends = [await exits.enter_async_context(BackendProcess("http", name)) for name in ("one", "two")]
        file = folder / "web.json"
        items = [service("web", 8080), endpoint_slice("web", [backends[0].endpoint])]
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        server = await exits.enter_async_context(
            Child("userproxy apiserver", python("userproxy", "apiserver", "-f", file), talks=True)
        )
        url = (await server.line()).removeprefix(_LISTENING)
        proxy = await exits.enter_async_context(UserproxyProcess("--server", url, loop=loop, folder=folder))
        address = (await proxy.addresses(["web"]))["web"]
        session = await exits.enter_async_context(aiohttp.ClientSession())
        changes: list[Change] = [HttpPatch(session, url)]
        if program := kubectl():
            changes.append(KubectlApply(program, url, folder))
        return Latencies(
            {change.name: await _measure(change, address, backends, count) for change in changes}
        )


async def _measure(
    change: Change, address: str, backends: Sequence[BackendProcess], count: int
) -> list[float]:
    """The first change only brings things into their places, and is not counted."""
    await change.make(backends[0].endpoint)
    await _in_force(address, backends[0].name)
    latencies = []
    for number in range(1, count + 1):
        await asyncio.sleep(PAUSE_S)
        backend = backends[number % 2]
        await change.make(backend.endpoint)
        latencies.append(await _in_force(address, backend.name) * 1000)
        print(
            f"{change.name}: change {number} of {count}: {latencies[-1]:.1f} ms", file=sys.stderr, flush=True
        )
    return latencies


async def _in_force(address: str, name: str) -> float:
    """Seconds until a new connection, begun after the call, is answered by ``name``."""
    time = asyncio.get_running_loop().time
    began = time()
    while await _who_answers(address) != name:
        if time() - began > IN_FORCE_LIMIT_S:
            raise BenchmarkError(f"a change was not in force after {IN_FORCE_LIMIT_S:g} s")
    return time() - began


async def _who_answers(address: str) -> str:
    """The name in the body of one answer, on a connection of its own."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(IN_FORCE_LIMIT_S):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(_REQUEST)
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            finally:
                writer.close()
                await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        raise BenchmarkError(f"{address} did not answer: {error}") from error
    if not head.startswith(b"HTTP/1.1 200 "):
        raise BenchmarkError(f"{address} answered {head[:80]!r}")
    return body.decode().strip()
