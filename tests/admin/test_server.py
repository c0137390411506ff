"""A running proxy is found at its socket, and answers there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.option import with_workers
from userproxy import Addresses, MemorySource, Proxy, Settings
from userproxy.admin.client import RunningProxy, find_proxy
from userproxy.admin.server import AdminServer
from userproxy.discovery import Alias, Served
from userproxy.errors import AdminError
from userproxy.testing.objects import endpoint_slice, service

EPHEMERAL = with_workers(Settings(addresses=Addresses.EPHEMERAL))
pytestmark = [pytest.mark.both_loops, pytest.mark.proxied]


@contextlib.asynccontextmanager
async def answering(proxy: Proxy, runtime: Path) -> AsyncIterator[RunningProxy]:
    """``proxy`` answers below ``runtime``."""
    environ = {"XDG_RUNTIME_DIR": str(runtime)}
    task = asyncio.create_task(AdminServer(environ).follow(proxy))
    try:
        while not (runtime / "userproxy" / f"{os.getpid()}.sock").exists() and not task.done():
            await asyncio.sleep(0)
        yield find_proxy(environ=environ)
    finally:
        task.cancel()
        await asyncio.wait([task])


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
