"""Rounds through userproxy and kubectl in turn, on one API server and one pod."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from benchmarks.errors import BenchmarkError
from benchmarks.measuring.proc import cpu_of_tree
from benchmarks.port_forward.endpoint import echoed, endpoint, received, sent
from benchmarks.processes import Child, python
from benchmarks.programs import find
from userproxy.testing.objects import pod, service

__all__ = ["AT_ONCE", "KINDS", "USERPROXY", "Measured", "measure"]

USERPROXY, KUBECTL, KUBECTL_SPDY = "userproxy", "kubectl", "kubectl, plain SPDY"
KINDS = ("download", "upload")
AT_ONCE = 1000
PODS = 4
"""A pod takes 256 connections at once."""
PORT = 8080
LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One transfer."""

    seconds: float
    cpu_s: float
    """Of the process that forwards."""


@dataclass(frozen=True, slots=True)
class Way:
    """A process that forwards, and where to connect."""

    process: Child
    address: tuple[str, int]


async def measure(
    rounds: int, size_bytes: int, at_once: int
) -> tuple[dict[str, dict[str, list[Measured]]], Measured | None]:
    """By way and kind, and the seconds of ``at_once`` connections through userproxy (None: not wanted).

    Raises BenchmarkError when something does not start or a connection fails.
    """
    async with AsyncExitStack() as exits:
        ways = await _ways(exits)
        found: dict[str, dict[str, list[Measured]]] = {way: {kind: [] for kind in KINDS} for way in ways}
        for number in range(rounds + 1):
            print(f"port-forward: round {number} of {rounds}, 0 to warm up", file=sys.stderr, flush=True)
            for name, way in ways.items():
                for kind in KINDS:
                    one = await _transferred(way, kind, size_bytes)
                    if number:
                        found[name][kind].append(one)
        crowd = await _crowd(ways[USERPROXY], at_once) if at_once else None
        return found, crowd


async def _ways(exits: AsyncExitStack) -> Mapping[str, Way]:
    folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="userproxy-forward-")))
    backend = exits.enter_context(endpoint())
    manifest, config, table = folder / "objects.json", folder / "config", folder / "table.json"
    pods = [
        pod(f"web-{number}", PORT, backends={PORT: backend}, labels={"app": "web"}) for number in range(PODS)
    ]
    items = [service("web", PORT, selector={"app": "web"}), *pods]
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    server = python("userproxy", "apiserver", "-f", manifest, "--write-kubeconfig", config)
    process = await exits.enter_async_context(Child("apiserver", server))
    await _until(process, config.exists)
    command = python(
        "userproxy", "run", "--kubeconfig", config, "--addresses", "ephemeral", "--table-file", table
    )
    proxy = await exits.enter_async_context(Child(USERPROXY, command))
    await _until(proxy, lambda: bool(_address_in(table)))
    ways = {USERPROXY: Way(proxy, _address_in(table)[0])}
    if kubectl := find("kubectl"):
        for name, websockets in ((KUBECTL, "true"), (KUBECTL_SPDY, "false")):
            port = _free_port()
            child = Child(
                name,
                (kubectl, f"--kubeconfig={config}", "port-forward", "pod/web-0", f"{port}:{PORT}"),
                environment={"KUBECTL_PORT_FORWARD_WEBSOCKETS": websockets},
            )
            await exits.enter_async_context(child)
            address = ("127.0.0.1", port)
            await _until(child, lambda address=address: _listens(address))
            ways[name] = Way(child, address)
    return ways


async def _transferred(way: Way, kind: str, size_bytes: int) -> Measured:
    transfer = received if kind == "download" else sent

    def run() -> float:
        with socket.create_connection(way.address) as sock:
            sock.settimeout(LIMIT_S * 10)
            began = monotonic()
            transfer(sock, size_bytes)
            return monotonic() - began

    before = cpu_of_tree(way.process.pid)
    try:
        seconds = await asyncio.to_thread(run)
    except OSError as error:
        raise BenchmarkError(f"{way.process.name}: {kind} failed: {error}") from error
    return Measured(seconds, cpu_of_tree(way.process.pid).since(before).total_s)


async def _crowd(way: Way, at_once: int) -> Measured:
    def run() -> float:
        with contextlib.ExitStack() as open_ones:
            began = monotonic()
            socks = [open_ones.enter_context(socket.create_connection(way.address)) for _ in range(at_once)]
            for sock in socks:
                sock.settimeout(LIMIT_S)
                echoed(sock)
            for sock in socks:  # all of them are open still
                echoed(sock)
            return monotonic() - began

    before = cpu_of_tree(way.process.pid)
    try:
        seconds = await asyncio.to_thread(run)
    except OSError as error:
        raise BenchmarkError(f"{at_once} connections at once: {error}") from error
    return Measured(seconds, cpu_of_tree(way.process.pid).since(before).total_s)


async def _until(process: Child, holds: object) -> None:
    assert callable(holds)
    async with _limited(process):
        while not holds():
            process.check("did not start")
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def _limited(process: Child) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(LIMIT_S):
            yield
    except TimeoutError:
        raise BenchmarkError(f"{process.name} was not ready within {LIMIT_S:g} s") from None


def _address_in(table: Path) -> list[tuple[str, int]]:
    try:
        rows = json.loads(table.read_text())
    except (FileNotFoundError, ValueError):
        return []
    return [(row["listen_address"], row["listen_port"]) for row in rows if row["state"] == "listening"]


def _listens(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])
