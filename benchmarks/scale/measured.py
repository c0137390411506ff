"""The process that is measured: one thing, once, in a fresh interpreter; what it took as a line of JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path

import orjson

from benchmarks.measuring.proc import resident_bytes
from benchmarks.running import run
from benchmarks.scale.cluster import RESOURCES, SERVICE_PORT, pages
from userproxy.cli.collector import rare_collections
from userproxy.cli.limits import raise_descriptor_limit
from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.plane import DataPlane
from userproxy.model.events import Event, Synced
from userproxy.model.routes import RouteChanges
from userproxy.proxy import Proxy
from userproxy.proxy.proxy import FOLD_STEP_S, SERVICES_PER_STEP
from userproxy.routing import LoopbackAddresses, State
from userproxy.settings import Settings
from userproxy.sources.kube.connection import AnonymousConnection
from userproxy.sources.kube.listing import decoded
from userproxy.sources.kube.lists import parse_page
from userproxy.sources.kube.resources import ENDPOINT_SLICES, SERVICES, Collection
from userproxy.sources.kube.source import KubeSource

__all__ = ["main"]

_COLLECTIONS = {"services": Collection(SERVICES), "endpointslices": Collection(ENDPOINT_SLICES)}
_LISTEN = "0A"
"""TCP_LISTEN in /proc/net/tcp (proc(5))."""
_TICK_S = 0.001


def main() -> None:
    """``TASK SERVICES URL LOOP``; a task that needs no server gets any URL."""
    task, services, url, loop = sys.argv[1:]
    raise_descriptor_limit()
    if task == "loads":
        _say(_loads(int(services)))
    elif task == "parts":
        _say(_parts(int(services)))
    elif task == "listeners":
        _say(run(lambda: _listeners(int(services)), loop=loop))
    elif task == "routes":
        _say(run(lambda: _routes(url), loop=loop))
    else:
        run(lambda: _proxy(url), loop=loop)


def _loads(services: int) -> dict[str, object]:
    """One ``orjson.loads`` of one document that holds every list, as Python comes and without collector.

    What it makes is kept until the clock has been read.
    """
    document = b"[%b]" % b",".join(body for resource in RESOURCES for body in pages(resource, services))
    gc.collect()
    seconds: dict[str, object] = {}
    for name, collecting in (("loads", True), ("loads_uncollected", False)):
        (gc.enable if collecting else gc.disable)()
        with _timed(seconds, name):
            value = orjson.loads(document)
        del value
    return {"bytes": len(document), **seconds}


def _parts(services: int) -> dict[str, object]:
    """The steps of a first sync one after the other, each for all objects, without loop or server."""
    bodies = {resource: pages(resource, services) for resource in RESOURCES}
    gc.collect()
    seconds: dict[str, object] = {}
    with rare_collections():
        with _timed(seconds, "parse"):
            for resource, collection in _COLLECTIONS.items():
                for body in bodies[resource]:
                    for _ in parse_page(body, collection, server="").items:
                        pass
        with _timed(seconds, "parse_and_decode"):
            events = tuple(_events(bodies))
        with _timed(seconds, "fold_and_derive"):
            _changes(events)
    return seconds


async def _listeners(services: int) -> dict[str, object]:
    """From routes to sockets that listen, in the steps that the proxy takes."""
    changes = _changes(_events({resource: pages(resource, services) for resource in RESOURCES}))
    gc.collect()
    before = resident_bytes(os.getpid())
    plane = DataPlane(Settings())
    seconds: dict[str, object] = {}
    async with _steps(seconds):
        with rare_collections(), _timed(seconds, "listeners"):
            for change in changes:
                plane.apply(change)
                await asyncio.sleep(0)
    grown = resident_bytes(os.getpid()) - before
    listening = sum(port.state is ListenerState.LISTENING for port in plane.snapshot())
    kernel = _kernel_listeners()
    plane.close()
    return {**seconds, "listening": min(listening, kernel), "resident_bytes": grown}


async def _routes(url: str) -> dict[str, object]:
    """A first sync without a data plane: from the first request until all routes are derived."""
    before = resident_bytes(os.getpid())
    state = _state()
    seconds: dict[str, object] = {}
    async with _steps(seconds):
        with rare_collections(), _timed(seconds, "first_sync"):
            async with aclosing(KubeSource(AnonymousConnection(url)).events()) as events:
                step_ends_s = time.monotonic() + FOLD_STEP_S
                async for event in events:
                    state.fold(event)
                    if isinstance(event, Synced):
                        break
                    if time.monotonic() >= step_ends_s:
                        await asyncio.sleep(0)
                        step_ends_s = time.monotonic() + FOLD_STEP_S
                for _ in _taken(state):
                    await asyncio.sleep(0)
    gc.collect()
    return {**seconds, "routes": len(state.routes), "resident_bytes": resident_bytes(os.getpid()) - before}


async def _proxy(url: str) -> None:
    """A whole proxy: says when all is in force, then when each change is, until it is ended."""
    before = resident_bytes(os.getpid())
    seconds: dict[str, object] = {}
    async with Proxy(KubeSource(AnonymousConnection(url))) as proxy:
        async with _steps(seconds):
            with rare_collections(), _timed(seconds, "all_in_force"):
                await proxy.settled(timeout_s=None)
        gc.collect()
        grown = resident_bytes(os.getpid()) - before
        async with aclosing(proxy.changes()) as changes:
            await anext(changes)
            _say({**seconds, "resident_bytes": grown})
            async for _ in changes:
                in_force_ns = time.monotonic_ns()
                _say({"in_force_ns": in_force_ns, "cpu_ns": time.process_time_ns()})


def _changes(events: Iterable[Event]) -> tuple[RouteChanges, ...]:
    state = _state()
    for event in (*events, Synced()):
        state.fold(event)
    return tuple(_taken(state))


def _taken(state: State) -> Iterator[RouteChanges]:
    """All differences, in the steps that the proxy takes."""
    while True:
        changes = state.take(SERVICES_PER_STEP)
        yield changes
        if not changes.more:
            return


def _events(bodies: Mapping[str, Iterable[bytes]]) -> Iterator[Event]:
    for resource, collection in _COLLECTIONS.items():
        for body in bodies[resource]:
            page = parse_page(body, collection, server="")
            yield from (found[1] for found in decoded(page, collection) if found is not None)


def _state() -> State:
    return State(node_name="worker-000", addresses=LoopbackAddresses(), cluster_ip_required=True)


def _kernel_listeners() -> int:
    """TCP sockets of this machine that listen on the port of the Services, as the kernel says."""
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(line[1].endswith(f":{SERVICE_PORT:04X}") and line[3] == _LISTEN for line in lines)


@contextmanager
def _timed(seconds: dict[str, object], name: str) -> Iterator[None]:
    """Adds wall time as ``name``_s and processor time as ``name``_cpu_s."""
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    yield
    seconds[f"{name}_cpu_s"] = time.process_time() - began_cpu_s
    seconds[f"{name}_s"] = time.perf_counter() - began_s


@asynccontextmanager
async def _steps(seconds: dict[str, object]) -> AsyncIterator[None]:
    """Adds the longest step on the loop, as a timer sees it: in processor time, as the cores are shared."""
    longest_s = 0.0

    async def tick() -> None:
        nonlocal longest_s
        while True:
            began_s = time.thread_time()
            await asyncio.sleep(_TICK_S)
            longest_s = max(longest_s, time.thread_time() - began_s)

    task = asyncio.create_task(tick())
    try:
        yield
        await asyncio.sleep(_TICK_S)
    finally:
        task.cancel()
    seconds["longest_step_s"] = longest_s


def _say(values: dict[str, object]) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
