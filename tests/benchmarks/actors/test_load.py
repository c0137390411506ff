"""Load generators against backends that are right, and against some that are wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from benchmarks.actors.messages import PATTERN
from benchmarks.actors.remote import Backend, Load, Report
from benchmarks.actors.transfer_client import PART_BYTES
from benchmarks.actors.transfer_endpoint import ACKNOWLEDGEMENT, ASK, PUSH

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
KINDS = {
    "requests": "http",
    "connections": "http",
    "datagrams": "udp",
    "push": "transfer",
    "pull": "transfer",
}


@contextlib.asynccontextmanager
async def stream_server(serve: Serve) -> AsyncIterator[str]:
    """A server that treats each connection by ``serve`` and then closes it."""

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve_and_close, "127.0.0.1", 0)
    async with server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


async def until_failed(load: Load) -> Report:
    """The first report with a failure; every mark is answered."""
    async with asyncio.timeout(20):
        while not (report := await load.mark()).failed:
            await asyncio.sleep(0.01)
    return report


@pytest.mark.parametrize("kind", KINDS)
async def test_a_total_is_asked_and_answered_exactly(kind: str) -> None:
    total = 7 if KINDS[kind] == "transfer" else 203
    async with Backend() as backend:
        endpoint = await backend.open(KINDS[kind])
        async with Load(kind, endpoint, at_once=5, total=total) as load:
            report = await load.total(20)
    assert (report.done, report.failed, report.error) == (total, 0, "")
    assert report.bytes == (total * PART_BYTES if KINDS[kind] == "transfer" else 0)


@pytest.mark.parametrize("kind", ["requests", "datagrams"])
async def test_asks_bound_the_use_of_a_connection_or_socket(kind: str) -> None:
    async with Backend() as backend:
        endpoint = await backend.open(KINDS[kind])
        async with Load(kind, endpoint, at_once=3, total=100, asks=7) as load:
            report = await load.total(20)
    assert (report.done, report.failed) == (100, 0)


async def test_each_socket_has_a_source_of_its_own() -> None:
    sources: list[str] = []

    class Echo(asyncio.DatagramProtocol):
        transport: asyncio.DatagramTransport

        def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # datagram endpoints have no other transport
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            sources.append(addr[0])
            self.transport.sendto(data, addr)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Echo, local_addr=("127.0.0.1", 0)
    )
    address = "{}:{}".format(*transport.get_extra_info("sockname"))
    try:
        async with Load("datagrams", address, at_once=2, total=300, asks=1, distinct_sources=True) as load:
            assert (await load.total(20)).done == 300
    finally:
        transport.close()
    assert len(set(sources)) == 300


async def wrong_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n99999999")
    await writer.drain()
    await reader.read()


async def half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    await writer.drain()


async def one_byte_too_many(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    name = (await reader.readuntil(b"\r\n\r\n"))[5:13]
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + name + b"!")
    await writer.drain()
    await reader.read()


async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize("kind", ["requests", "connections"])
@pytest.mark.parametrize(
    ("serve", "error"),
    [
        pytest.param(wrong_body, "is no answer to", id="wrong token"),
        pytest.param(half_an_answer, "ended before its answer", id="half an answer"),
        pytest.param(one_byte_too_many, "is no answer to", id="a byte too many"),
        pytest.param(nothing, "ended before its answer", id="nothing"),
    ],
)
async def test_answers_that_are_wrong_are_failures(kind: str, serve: Serve, error: str) -> None:
    async with stream_server(serve) as address, Load(kind, address, at_once=1) as load:
        report = await until_failed(load)
    assert error in report.error
    assert report.done == 0


async def test_a_refused_connection_is_a_failure_and_tried_again() -> None:
    async with Backend() as backend:
        endpoint = await backend.open("http")
        await backend.close("http", endpoint)
        async with Load("connections", endpoint, at_once=1) as load:
            report = await until_failed(load)
            while (await load.mark()).failed == report.failed:
                await asyncio.sleep(0.01)
    assert "refused" in report.error


async def test_a_push_without_its_acknowledgement_is_a_failure() -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(ASK.size + PART_BYTES)
        writer.write(ACKNOWLEDGEMENT.pack(12))

    async with stream_server(swallow) as address, Load("push", address, at_once=1) as load:
        report = await until_failed(load)
    assert f"before {PART_BYTES} bytes were acknowledged" in report.error
    assert report.done == 0


async def test_a_wrong_byte_in_a_pull_is_a_failure() -> None:
    async def invent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(ASK.size)
        writer.write(PATTERN[:1000] + b"\0" * 1000)
        await reader.read()

    async with stream_server(invent) as address, Load("pull", address, at_once=1) as load:
        report = await until_failed(load)
    assert "a wrong byte" in report.error
    assert report.done == 0


async def test_a_wrong_byte_in_a_push_resets_the_stream() -> None:
    async with Backend() as backend:
        host, _, port = (await backend.open("transfer")).rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(ASK.pack(PUSH, 1000) + b"\0" * 1000)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_a_closed_endpoint_cuts_its_connections() -> None:
    async with Backend() as backend:
        endpoint = await backend.open("http")
        async with Load("requests", endpoint, at_once=4) as load:
            while not (await load.mark()).done:
                await asyncio.sleep(0.01)
            await backend.close("http", endpoint)
            assert (await until_failed(load)).failed >= 1
