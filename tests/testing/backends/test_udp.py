"""The UDP echo: its name in front, sizes, refusing, stalling, counting."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from userproxy.testing.backends import UdpEcho


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.setblocking(False)
        yield opened


async def ask(client: socket.socket, payload: bytes) -> bytes:
    client.send(payload)
    return await asyncio.get_running_loop().sock_recv(client, 65536)


async def test_the_name_comes_in_front(client: socket.socket) -> None:
    async with UdpEcho("a") as backend:
        client.connect((backend.host, backend.port))
        assert await ask(client, b"hello") == b"a:hello"
        assert await ask(client, b"") == b"a:"
        assert (backend.datagrams, backend.bytes_received) == (2, 5)
        assert backend.clients == {client.getsockname()}
        assert backend.endpoint == f"127.0.0.1:{backend.port}"


async def test_without_a_name_the_datagram_comes_back_alone(client: socket.socket) -> None:
    async with UdpEcho() as backend:
        client.connect((backend.host, backend.port))
        assert len(await ask(client, bytes(65507))) == 65507


async def test_refusing_and_coming_back_on_the_same_port(client: socket.socket) -> None:
    async with UdpEcho("a") as backend:
        client.connect((backend.host, backend.port))
        await ask(client, b"x")
        port = backend.port
        backend.refuse()
        await asyncio.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            await ask(client, b"x")
        await backend.accept()
        await backend.accept()
        assert backend.port == port
        assert await ask(client, b"y") == b"a:y"


async def test_a_stalled_backend_takes_and_answers_nothing(client: socket.socket) -> None:
    async with UdpEcho("a") as backend:
        client.connect((backend.host, backend.port))
        backend.stall()
        client.send(b"lost")
        while not backend.datagrams:  # nothing tells of a datagram that nobody answers
            await asyncio.sleep(0)
        backend.resume()
        assert await ask(client, b"heard") == b"a:heard"
