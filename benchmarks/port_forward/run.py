"""Rounds through userproxy and kubectl in turn, on one API server and one pod."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from benchmarks.errors import BenchmarkError
from benchmarks.measuring.proc import cpu_of_tree
from benchmarks.peers.base import connectable, free_address
from benchmarks.port_forward.endpoint import echoed, endpoint, received, sent
from benchmarks.processes import Child, python
from benchmarks.programs import find
from benchmarks.userproxy_process import UserproxyProcess
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
    address: str


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
    manifest, config = folder / "objects.json", folder / "config"
    pods = [
        pod(f"web-{number}", PORT, backends={PORT: backend}, labels={"app": "web"}) for number in range(PODS)
    ]
    items = [service("web", PORT, selector={"app": "web"}), *pods]
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    command = python("userproxy", "apiserver", "-f", manifest, "--write-kubeconfig", config)
    server = await exits.enter_async_context(Child("apiserver", command, talks=True))
    await server.line()  # it listens, and the kubeconfig is there
    proxy = await exits.enter_async_context(
        UserproxyProcess("--kubeconfig", config, "--addresses", "ephemeral", loop="uvloop", folder=folder)
    )
    ways = {USERPROXY: Way(proxy, (await proxy.addresses(["web"]))["web"])}
    if kubectl := find("kubectl"):
        for name, websockets in ((KUBECTL, "true"), (KUBECTL_SPDY, "false")):
            address = free_address()
            port = address.rpartition(":")[2]
            child = Child(
                name,
                (kubectl, f"--kubeconfig={config}", "port-forward", "pod/web-0", f"{port}:{PORT}"),
                environment={"KUBECTL_PORT_FORWARD_WEBSOCKETS": websockets},
            )
            await exits.enter_async_context(child)
            await connectable(child, address)
            ways[name] = Way(child, address)
    return ways


async def _transferred(way: Way, kind: str, size_bytes: int) -> Measured:
    transfer = received if kind == "download" else sent

    def run() -> float:
        with _connected(way, LIMIT_S * 10) as sock:
            began = monotonic()
            transfer(sock, size_bytes)
            return monotonic() - began

    return await _measured(way, kind, run)


async def _crowd(way: Way, at_once: int) -> Measured:
    def run() -> float:
        with contextlib.ExitStack() as open_ones:
            began = monotonic()
            socks = [open_ones.enter_context(_connected(way, LIMIT_S)) for _ in range(at_once)]
            for sock in (*socks, *socks):  # all of them are open still when they answer again
                echoed(sock)
            return monotonic() - began

    return await _measured(way, f"{at_once} connections at once", run)


def _connected(way: Way, limit_s: float) -> socket.socket:
    host, _, port = way.address.rpartition(":")
    return socket.create_connection((host, int(port)), limit_s)


async def _measured(way: Way, what: str, run: Callable[[], float]) -> Measured:
    """``run``, which gives its seconds, in a thread."""
    before = cpu_of_tree(way.process.pid)
    try:
        seconds = await asyncio.to_thread(run)
    except OSError as error:
        raise BenchmarkError(f"{way.process.name}: {what} failed: {error}") from error
    return Measured(seconds, cpu_of_tree(way.process.pid).since(before).total_s)
