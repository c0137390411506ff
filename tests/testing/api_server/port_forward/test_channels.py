"""Forwarding by v4.channel.k8s.io: a WebSocket with two channels for each port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from userproxy.testing import ApiServer
from userproxy.testing.api_server.port_forward.faults import Way
from userproxy.testing.backends import TcpEcho
from userproxy.testing.objects import pod

pytestmark = pytest.mark.both_loops

PATH = "/api/v1/namespaces/default/pods/web-0/portforward"


@asynccontextmanager
async def opened(server: ApiServer, query: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}{PATH}?{query}", protocols=("v4.channel.k8s.io",)) as socket,
    ):
        yield socket


async def received(socket: aiohttp.ClientWebSocketResponse, channel: int, size: int) -> bytes:
    """So many bytes of one channel."""
    found = b""
    async with asyncio.timeout(30):
        while len(found) < size:
            message = await socket.receive_bytes()
            found += message[1:] if message[0] == channel else b""
    return found


@pytest.fixture
async def echo(server: ApiServer) -> AsyncIterator[TcpEcho]:
    async with TcpEcho() as running:
        await server.apply(pod("web-0", backends={8080: running.endpoint, 9090: running.endpoint}))
        yield running


@pytest.mark.parametrize("query", ["ports=8080&ports=9090", "ports=8080,9090"])
async def test_each_channel_says_its_port_and_carries_its_bytes(
    server: ApiServer, echo: TcpEcho, query: str
) -> None:
    async with opened(server, query) as socket:
        heads = [await socket.receive_bytes() for _ in range(4)]
        assert heads == [
            bytes([channel]) + port.to_bytes(2, "little")
            for channel, port in ((0, 8080), (1, 8080), (2, 9090), (3, 9090))
        ]
        await socket.send_bytes(b"\x00first")
        await socket.send_bytes(b"\x02second")
        await socket.send_bytes(b"\x01ignored")
        await socket.send_bytes(b"\x09ignored")
        assert await received(socket, 0, 5) == b"first"
        assert await received(socket, 2, 6) == b"second"
        assert (server.forwards.open_connections, server.forwards.upgraded[Way.CHANNELS]) == (2, 1)
    await server.forwarding(upgrades=0, connections=0)


async def test_a_failure_is_told_and_the_end_of_all_connections_ends_the_socket(
    server: ApiServer, echo: TcpEcho
) -> None:
    echo.refuse()
    async with opened(server, "ports=8080") as socket:
        messages = [await socket.receive() for _ in range(4)]
    assert b"connect: connection refused" in messages[2].data
    assert messages[2].data[0] == 1
    assert messages[3].type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_the_pod_ends_one_connection_and_the_other_goes_on(server: ApiServer, echo: TcpEcho) -> None:
    server.forwards.half_close_limit_s = 0.01
    server.fail_forwards("gone", after_bytes=1)
    async with opened(server, "ports=8080&ports=9090") as socket:
        await socket.send_bytes(b"\x00x")
        assert (await received(socket, 1, 60))[2:].startswith(b"error forwarding port 8080 to pod ")
        await socket.send_bytes(b"\x00nobody takes this")
        await socket.send_bytes(b"\x02still")
        assert await received(socket, 2, 5) == b"still"


@pytest.mark.parametrize("query", ["", "ports=", "ports=0", "ports=x", "ports=65536", "ports=1" + ",1" * 127])
async def test_ports_are_required(server: ApiServer, echo: TcpEcho, query: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with opened(server, query):
            pass
    assert refused.value.status == 400


async def test_a_broken_client_ends_its_connections(server: ApiServer, echo: TcpEcho) -> None:
    async with opened(server, "ports=8080") as socket:
        await socket.send_bytes(b"\x00x")
        await received(socket, 0, 3)
        server.break_forwards()
        await server.forwarding(upgrades=0, connections=0)
