"""The TCP echo: bytes and half-closes, refusing, resetting, stalling, counting."""

from __future__ import annotations

import asyncio
import contextlib
import errno

import pytest

from tests.ipv6 import needs_ipv6
from userproxy.testing.backends import TcpEcho


async def connect(backend: TcpEcho) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(backend.host, backend.port)


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_bytes_come_back_and_a_half_close_is_answered() -> None:
    async with TcpEcho() as backend:
        assert backend.endpoint == f"127.0.0.1:{backend.port}"
        reader, writer = await connect(backend)
        payload = bytes(range(256)) * 4000
        writer.write(payload)
        writer.write_eof()
        assert await reader.read(-1) == payload
        await close(writer)
        assert (backend.connections, backend.bytes_received) == (1, len(payload))


async def test_a_name_is_said_first() -> None:
    async with TcpEcho("a") as backend:
        reader, writer = await connect(backend)
        assert await reader.readline() == b"a\n"
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        await close(writer)


async def test_refusing_and_coming_back_on_the_same_port() -> None:
    async with TcpEcho() as backend:
        reader, writer = await connect(backend)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        port = backend.port
        backend.refuse()
        with pytest.raises(ConnectionRefusedError):
            await connect(backend)
        writer.write(b"y")
        assert await reader.readexactly(1) == b"y", "open connections live on"
        await backend.accept()
        await backend.accept()
        assert backend.port == port
        _, another = await connect(backend)
        await close(another)
        await close(writer)


async def test_resetting_each_new_connection() -> None:
    async with TcpEcho() as backend:
        backend.resets = True
        reader, writer = await connect(backend)
        with pytest.raises(ConnectionResetError) as reset:
            await reader.readexactly(1)
        assert reset.value.errno == errno.ECONNRESET
        await close(writer)


async def test_resetting_the_open_ones() -> None:
    async with TcpEcho("a") as backend:
        reader, writer = await connect(backend)
        await reader.readline()
        assert backend.open_connections == 1
        backend.reset_connections()
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        assert backend.open_connections == 0
        await close(writer)


async def test_stalling_reads_and_answers_nothing() -> None:
    async with TcpEcho() as backend:
        backend.stall()
        reader, writer = await connect(backend)
        writer.write(b"hello")
        answer = asyncio.create_task(reader.readexactly(5))
        async with TcpEcho() as other:
            # A round trip elsewhere gives this one its chance.
            other_reader, other_writer = await connect(other)
            other_writer.write(b"x")
            await other_reader.readexactly(1)
            await close(other_writer)
        assert not answer.done()
        assert backend.bytes_received == 0
        backend.resume()
        assert await answer == b"hello"
        await close(writer)


async def test_a_client_that_does_not_read_is_not_read_from() -> None:
    async with TcpEcho() as backend:
        reader, writer = await connect(backend)
        payload = bytes(16 * 1024 * 1024)
        writer.write(payload)
        writer.write_eof()
        assert len(await reader.read(-1)) == len(payload)
        await close(writer)


async def test_leaving_the_block_closes_what_is_open() -> None:
    async with TcpEcho("a") as backend:
        reader, writer = await connect(backend)
        await reader.readline()
    assert backend.open_connections == 0
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    await close(writer)
    with pytest.raises(ConnectionRefusedError):
        await connect(backend)


@needs_ipv6
async def test_ipv6_and_a_stated_port() -> None:
    async with TcpEcho(host="::1") as backend:
        assert backend.endpoint == f"[::1]:{backend.port}"
        with pytest.raises(OSError) as taken:  # noqa: PT011 - the errno says which
            await TcpEcho(host="::1", port=backend.port).accept()
        assert taken.value.errno == errno.EADDRINUSE
