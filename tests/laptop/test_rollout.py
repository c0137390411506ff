"""Pods are replaced one by one under load, all through the API server: no request may fail."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.command_line.process import LIMIT_S, WEB, Row, Running, running
from tests.laptop.laptop import laptop
from userproxy.testing import ApiServer
from userproxy.testing.api_server.port_forward.faults import Way
from userproxy.testing.backends import HttpBackend
from userproxy.testing.objects import RawObject, pod, service

PORT = 18481
REPLICAS = 2
ROLLOUTS = 3
CLIENTS = 8
RESETS = 50


def pod_of(backend: HttpBackend) -> RawObject:
    return pod(backend.name, backends={PORT: backend.endpoint}, labels={"app": "web"})


@asynccontextmanager
async def load(folder: Path, address: tuple[str, int], *options: str) -> AsyncIterator[Running]:
    """Clients that go on until they are told to stop."""
    os.makedirs(folder)
    host, port = address
    arguments = (
        f"http://{host}:{port}/",
        "-c",
        f"{CLIENTS}",
        "-d",
        "110s",
        "--warm-up",
        "0s",
        "-o",
        "json",
        *options,
    )
    async with running(folder, "load", *arguments, table=False) as clients:
        yield clients


async def errors_of(clients: Running) -> int:
    """How many requests failed. Those that wait for their answer when the load is stopped have not."""
    clients.process.send_signal(signal.SIGINT)
    window: dict[str, Any] = json.loads(await clients.rest())["window"]
    failed = sum(window["errors"].values())
    assert 0 <= window["sent"] - window["answered"] - failed <= CLIENTS
    assert len(window["names"]) >= REPLICAS
    return int(failed)


def endpoints(rows: list[Row]) -> int:
    """How many the only Service has."""
    found = rows[0]["endpoints"] if rows else []
    assert isinstance(found, list)
    return len(found)


async def more_requests(backends: list[HttpBackend], count: int = 200) -> None:
    """Return once each of them has answered so many more."""
    wanted = [(backend, backend.requests + count) for backend in backends]
    async with asyncio.timeout(LIMIT_S):
        while any(backend.requests < number for backend, number in wanted):
            await asyncio.sleep(0.01)


async def leave(server: ApiServer, run: Running, backend: HttpBackend, *, early: bool) -> None:
    """A pod stops, as one whose server ends in order.

    ``early``: it refuses before its slice says that it leaves, so that clients are sent to it in vain.
    """
    if early:
        backend.refuse()
        backend.closes = True
    await server.delete("pods", backend.name)
    await run.rows(lambda rows: endpoints(rows) == REPLICAS)
    backend.closes = True
    async with asyncio.timeout(LIMIT_S):
        while backend.open_connections:
            await asyncio.sleep(0.01)
    backend.refuse()


class Cluster:
    """A Service of pods that come and go, and clients of it."""

    def __init__(self, server: ApiServer, stack: AsyncExitStack) -> None:
        self.server = server
        self.serving: list[HttpBackend] = []
        self.run: Running
        self._stack = stack
        self._started = 0

    async def start_pod(self) -> None:
        backend = await self._stack.enter_async_context(HttpBackend(f"web-{self._started}"))
        self._started += 1
        self.serving.append(backend)
        await self.server.apply(pod_of(backend))

    async def replace_pod(self, *, early: bool) -> None:
        """As a Deployment does it: a new one is ready before the oldest leaves."""
        await self.start_pod()
        await self.run.rows(lambda rows: endpoints(rows) == REPLICAS + 1)
        await more_requests(self.serving[-1:])
        await leave(self.server, self.run, self.serving.pop(0), early=early)
        await more_requests(self.serving)

    async def load(self, folder: Path, *options: str) -> Running:
        address = await self.run.address(WEB)
        return await self._stack.enter_async_context(load(folder, address, *options))


@asynccontextmanager
async def cluster(folder: Path, *, way: Way, half_close_limit_s: float | None) -> AsyncIterator[Cluster]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ApiServer(half_close_limit_s=half_close_limit_s))
        if way is Way.SPDY:
            server.refuse_upgrades(400, way=Way.TUNNEL)
        made = Cluster(server, stack)
        await server.apply(service(WEB, f"http:{PORT}", selector={"app": "web"}))
        for _ in range(REPLICAS):
            await made.start_pod()
        config = server.kubeconfig(folder / "config")
        options = ("--addresses", "ephemeral")
        made.run = await stack.enter_async_context(laptop(folder / "laptop", config, *options))
        await made.run.rows(lambda rows: endpoints(rows) == REPLICAS)
        yield made
        assert server.forwards.upgraded[way] == sum(server.forwards.upgraded.values()) > 0
        assert await made.run.stop() == 0


@pytest.mark.parametrize("way", [Way.TUNNEL, Way.SPDY])
@pytest.mark.parametrize("half_close_limit_s", [1.0, None])
async def test_rollouts_under_load_fail_no_request(
    tmp_path: Path, way: Way, half_close_limit_s: float | None
) -> None:
    async with cluster(tmp_path, way=way, half_close_limit_s=half_close_limit_s) as c:
        keeping = await c.load(tmp_path / "keeping")
        closing = await c.load(tmp_path / "closing", "--close")
        await more_requests(c.serving)
        for number in range(REPLICAS * ROLLOUTS):
            await c.replace_pod(early=bool(number % 2))
        assert [await errors_of(keeping), await errors_of(closing)] == [0, 0]


async def test_when_one_in_ten_is_reset_meanwhile_no_other_fails(tmp_path: Path) -> None:
    async with cluster(tmp_path, way=Way.TUNNEL, half_close_limit_s=1.0) as c:
        closing = await c.load(tmp_path / "closing", "--close")
        await more_requests(c.serving)
        c.server.fail_forwards("connection reset by peer", RESETS, every=10)
        for number in range(REPLICAS):
            await c.replace_pod(early=bool(number % 2))
        assert await errors_of(closing) == RESETS
