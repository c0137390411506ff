"""A running proxy is found at its socket, and answers there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.option import with_workers
from userproxy import Addresses, MemorySource, Proxy, Settings
from userproxy.admin.client import RunningProxy, find_proxy
from userproxy.admin.server import AdminServer
from userproxy.cli.followers import beside
from userproxy.discovery import Alias, Served
from userproxy.errors import AdminError
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

EPHEMERAL = with_workers(Settings(addresses=Addresses.EPHEMERAL))
pytestmark = [pytest.mark.both_loops, pytest.mark.proxied]


@contextlib.asynccontextmanager
async def answering(proxy: Proxy, runtime: Path) -> AsyncIterator[RunningProxy]:
    """``proxy`` answers below ``runtime``."""
    environ = {"XDG_RUNTIME_DIR": str(runtime)}
    async with beside(proxy, [AdminServer(environ).follow]):
        while not (runtime / "userproxy" / f"{os.getpid()}.sock").exists():
            await asyncio.sleep(0)
        yield find_proxy(environ=environ)


async def test_what_is_served_is_told(tmp_path: Path) -> None:
    source = MemorySource()
    async with Proxy(source, settings=EPHEMERAL) as proxy, answering(proxy, tmp_path) as running:
        source.apply(service("web", 80), endpoint_slice("web", ["10.0.0.1:80"]))
        source.apply(service("mail", type="ExternalName", externalName="mail.example.com"))
        await proxy.settled()
        served = await asyncio.to_thread(running.served)
        assert served == Served.of(proxy.snapshot().ports, proxy.services)
        assert (served.ports[0].address, served.ports[0].port) == proxy.address("web")
        assert served.aliases == (Alias("default", "mail", "mail.example.com"),)


async def asked(running: RunningProxy, path: str, **query: str) -> Any:
    return await asyncio.to_thread(lambda: running.ask(path, **query))


async def test_the_status_says_what_the_objects_say_and_what_was_counted(tmp_path: Path) -> None:
    source = MemorySource()
    async with (
        TcpEcho("one") as one,
        Proxy(source, settings=EPHEMERAL) as proxy,
        answering(proxy, tmp_path) as running,
    ):
        stranger = endpoint_slice("web", ["127.0.0.9:9"], name="web-2", ready=False)
        source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]), stranger)
        await proxy.settled()
        with socket.create_connection(proxy.address("web")) as client:
            client.sendall(b"hello")
            client.shutdown(socket.SHUT_WR)
            while await asyncio.to_thread(client.recv, 4096):
                pass
        row = await counted(running, lambda row: row["ends"] == {"--": 1})
        assert (row["namespace"], row["service"], row["service_port"]) == ("default", "web", 80)
        assert (row["listen_address"], row["listen_port"]) == proxy.address("web")
        assert (row["state"], row["reason"], row["open"], row["accepted"]) == ("listening", "", 0, 1)
        assert row["bytes_to_endpoint"] == 5
        used, unused = sorted(row["endpoints"], key=lambda endpoint: not endpoint["usable"])
        assert (used["endpoint"], used["state"], used["reason"]) == (one.endpoint, "ready", "")
        assert (used["reached"], used["connections"], used["dials"]) == ("direct", 1, 1)
        assert used["dial_ms"] > 0
        assert (unused["endpoint"], unused["state"], unused["reason"]) == (
            "127.0.0.9:9",
            "not ready",
            "not ready",
        )
        assert (unused["usable"], unused["dial_ms"]) == (False, None)


async def counted(running: RunningProxy, holds: Callable[[Any], bool]) -> Any:
    """The only service port, once ``holds`` says so: workers tell their counters now and then."""
    while True:
        (row,) = (await asked(running, "/v1/status"))["services"]
        if holds(row):
            return row


async def test_what_is_open_is_told_also_by_workers(tmp_path: Path) -> None:
    source = MemorySource()
    async with (
        TcpEcho("one") as one,
        Proxy(source, settings=replace(EPHEMERAL, workers=2)) as proxy,
        answering(proxy, tmp_path) as running,
    ):
        source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
        await proxy.settled()
        with contextlib.ExitStack() as stack:
            names = []
            for _ in range(20):
                client = stack.enter_context(socket.create_connection(proxy.address("web")))
                host, port = client.getsockname()
                names.append(f"{host}:{port}")
            while True:
                rows = (await asked(running, "/v1/connections"))["connections"]
                if [row["state"] for row in rows] == ["transferring"] * 20:
                    break
            assert sorted(row["client"] for row in rows) == sorted(names)
            assert {(row["endpoint"], row["reached"]) for row in rows} == {(one.endpoint, "direct")}
            assert [row["age_s"] for row in rows] == sorted((row["age_s"] for row in rows), reverse=True)
            assert (await asked(running, "/v1/connections", namespace="other"))["connections"] == []


async def test_only_what_is_asked_for_is_told(tmp_path: Path) -> None:
    source = MemorySource()
    async with Proxy(source, settings=EPHEMERAL) as proxy, answering(proxy, tmp_path) as running:
        source.apply(service("web", 80), service("web", 80, namespace="shop"), service("api", 80))
        source.apply(service("mail", type="ExternalName", externalName="mail.example.com"))
        await proxy.settled()

        async def names(**query: str) -> list[tuple[str, str]]:
            rows = (await asked(running, "/v1/status", **query))["services"]
            return [(row["namespace"], row["service"]) for row in rows]

        everything = [("default", "api"), ("default", "mail"), ("default", "web"), ("shop", "web")]
        assert await names() == everything
        assert await names(namespace="default") == everything[:3]
        assert await names(service="web") == everything[2:]
        assert await names(namespace="shop", service="web") == everything[3:]
        assert await names(namespace="shop", service="api") == []
        (mail,) = (await asked(running, "/v1/status", service="mail"))["services"]
        assert (mail["state"], mail["reason"], mail["endpoints"]) == ("ignored", "type ExternalName", [])


async def test_the_proxy_says_who_it_is(tmp_path: Path) -> None:
    source = MemorySource()
    async with Proxy(source, settings=EPHEMERAL) as proxy, answering(proxy, tmp_path) as running:
        await proxy.settled()
        told = (await asked(running, "/v1/status"))["proxy"]
        assert (told["pid"], told["workers"], told["synced"]) == (os.getpid(), EPHEMERAL.workers, True)


async def test_a_question_that_is_unknown_has_an_answer_too(tmp_path: Path) -> None:
    async with Proxy(MemorySource(), settings=EPHEMERAL) as proxy, answering(proxy, tmp_path) as running:
        with pytest.raises(AdminError, match=f"process {os.getpid()}: Not Found"):
            await asked(running, "/v2/status")


async def test_nothing_is_left_at_the_end(tmp_path: Path) -> None:
    async with Proxy(MemorySource(), settings=EPHEMERAL) as proxy:
        async with answering(proxy, tmp_path) as running:
            assert running.pid == os.getpid()
        assert list((tmp_path / "userproxy").iterdir()) == []
        with pytest.raises(AdminError, match=f"no userproxy runs as process {os.getpid()}"):
            running.served()


async def test_where_no_socket_can_be_a_warning_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "userproxy").symlink_to(tmp_path)
    async with Proxy(MemorySource(), settings=EPHEMERAL) as proxy:
        with caplog.at_level(logging.WARNING):
            await AdminServer({"XDG_RUNTIME_DIR": str(tmp_path)}).follow(proxy)
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"userproxy status cannot ask this process: {tmp_path / 'userproxy'}: is a link"]
