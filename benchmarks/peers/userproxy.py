"""userproxy itself, on manifests with one Service for each kind of traffic."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from benchmarks.measuring.proc import children_of
from benchmarks.peers.base import RunningPeer
from benchmarks.userproxy_process import UserproxyProcess
from userproxy.testing.objects import endpoint_slice, service

__all__ = ["Userproxy", "manifests"]

MAX_FLOWS = 12_000
"""More than any case has at once; userproxy's default keeps descriptors for connections."""
_PORTS = {"http": "8080", "transfer": "9000", "iperf": "5201", "udp": "5353/UDP"}


class Userproxy:
    """``loop`` is its event loop: uvloop or asyncio."""

    def __init__(self, loop: str = "uvloop", name: str = "userproxy", workers: int = 1) -> None:
        self.name = name
        self._loop = loop
        self._workers = workers

    def missing(self) -> str:
        return ""

    @asynccontextmanager
    async def start(self, endpoints: Mapping[str, str]) -> AsyncIterator[RunningPeer]:
        with tempfile.TemporaryDirectory(prefix="userproxy-benchmark-") as name:
            folder = Path(name)
            file = folder / "services.json"
            file.write_text(json.dumps(manifests(endpoints)))
            arguments = ("-f", file, "--workers", self._workers, "--max-udp-flows", MAX_FLOWS)
            async with UserproxyProcess(*arguments, loop=self._loop, folder=folder) as child:
                addresses = await child.addresses(tuple(endpoints))
                workers = children_of(child.pid) if self._workers > 1 else ()
                yield RunningPeer(
                    self.name, f"{version('userproxy')} ({self._loop})", addresses, child, workers
                )


def manifests(endpoints: Mapping[str, str]) -> dict[str, object]:
    """A List with one Service and one slice for each kind of traffic."""
    items: list[object] = []
    for kind, endpoint in endpoints.items():
        protocol = "UDP" if kind == "udp" else "TCP"
        slices = endpoint_slice(kind, [endpoint], protocol=protocol)
        items += [service(kind, _PORTS[kind]), slices]
    return {"apiVersion": "v1", "kind": "List", "items": items}
