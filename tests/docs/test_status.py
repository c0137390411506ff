"""docs/status.md: its tables are what the commands print of its JSON, which has a real answer's fields."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.docs.project import DOCS
from tests.option import with_workers
from userproxy import Addresses, MemorySource, Proxy, Settings
from userproxy.admin.client import find_proxy
from userproxy.admin.server import AdminServer
from userproxy.cli.connections import print_connections
from userproxy.cli.status import print_status
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

PAGE = (DOCS / "status.md").read_text(encoding="utf-8")
STATUS, CONNECTIONS = (
    json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
)


def example(command: str) -> str:
    """What the page shows below ``$ command``."""
    found = re.search(rf"^```\n\$ {re.escape(command)}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_tables_are_those_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    services = STATUS["services"]
    print_status(services, wide=False, all_namespaces=True, one=False)
    assert capsys.readouterr().out == example("userproxy status -A")
    web = [row for row in services if row["service"] == "web"]
    print_status(web, wide=False, all_namespaces=False, one=True)
    assert capsys.readouterr().out == example("userproxy status -n shop web")
    print_connections(CONNECTIONS["connections"], wide=False, all_namespaces=False)
    assert capsys.readouterr().out == example("userproxy connections -n shop")


def form(value: Any) -> Any:
    """The fields of a value, and of what is in it, in their order; a list has those of its first entry."""
    if isinstance(value, dict):
        return [
            (name, form(inner))
            for name, inner in value.items()
            if name not in ("ends", "dropped", "port_forward")
        ]
    return form(value[0]) if isinstance(value, list) else None


@pytest.mark.proxied
async def test_the_json_has_the_fields_of_a_real_answer(tmp_path: Path) -> None:
    source = MemorySource()
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    settings = with_workers(Settings(addresses=Addresses.EPHEMERAL))
    async with TcpEcho("one") as one, Proxy(source, settings=settings) as proxy:
        answering = asyncio.create_task(AdminServer(environ).follow(proxy))
        source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
        await proxy.settled()
        while not (tmp_path / "userproxy" / f"{os.getpid()}.sock").exists():
            await asyncio.sleep(0)
        ask = find_proxy(environ=environ).ask
        with socket.create_connection(proxy.address("web")):
            told: Any = {"connections": []}
            while not told["connections"]:
                told = await asyncio.to_thread(ask, "/v1/connections")
            assert form(told) == form(CONNECTIONS)
            assert form(await asyncio.to_thread(ask, "/v1/status")) == form(STATUS)
        answering.cancel()
        await asyncio.wait([answering])
