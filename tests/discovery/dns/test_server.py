"""The sockets: turns, limits, connections that idle or break, and addresses that cannot be had."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import AsyncIterator

import pytest
from dns.message import Message, from_wire

from tests.discovery.dns.served import lines, query, responder, status
from tests.ipv6 import needs_ipv6
from userproxy.discovery.dns.responder import Responder
from userproxy.discovery.dns.server import DnsServer, SocketAddress, what_to_do
from userproxy.discovery.dns.tcp import TcpShell
from userproxy.discovery.dns.udp import QUERIES_PER_TURN
from userproxy.errors import ListenError

WEB = "web.shop.svc.cluster.local."
LOCAL = SocketAddress("127.0.0.1", 0)
ANSWER = ["web.shop.svc.cluster.local. A 127.1.0.1"]


class Client:
    """Queries on one TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def ask(self, *names: str) -> None:
        for name in names:
            wire = query(name).to_wire()
            self.writer.write(len(wire).to_bytes(2, "big") + wire)

    async def answer(self) -> Message:
        length = int.from_bytes(await self.reader.readexactly(2), "big")
        return from_wire(await self.reader.readexactly(length))

    async def ended(self) -> bool:
        with contextlib.suppress(ConnectionError):
            return await self.reader.read() == b""
        return True


class Counting(Responder):
    """Counts the queries of each turn of the loop, which the test begins."""

    def __init__(self) -> None:
        self.turn = 0
        self.most = 0
        self.total = 0

    def respond(self, wire: bytes, *, udp: bool) -> bytes | None:
        self.turn += 1
        self.total += 1
        self.most = max(self.most, self.turn)
        return None if udp else b"answer"


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def tcp(of: Responder, **limits: float) -> AsyncIterator[int]:
    """The number of a TCP side alone."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    shell = TcpShell(
        listener,
        of,
        None,
        most_connections=int(limits.get("most_connections", 64)),
        idle_timeout_s=limits.get("idle_timeout_s", 100.0),
    )
    await shell.start()
    try:
        yield listener.getsockname()[1]
    finally:
        await shell.close()


async def test_one_number_answers_over_udp_and_tcp() -> None:
    async with DnsServer(LOCAL, responder()) as server:
        async with connected(server.address.port) as client:
            client.ask(WEB)
            assert lines((await client.answer()).answer) == ANSWER
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as asking:
            asking.connect(server.address)
            asking.send(query(WEB).to_wire())
            answer = await asyncio.get_running_loop().sock_recv(asking, 4096)
            assert lines(from_wire(answer).answer) == ANSWER


@needs_ipv6
async def test_it_answers_at_an_ipv6_address() -> None:
    async with DnsServer(SocketAddress("::1", 0), responder()) as server:
        assert str(server.address) == f"[::1]:{server.address.port}"
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as asking:
            asking.connect(server.address)
            asking.send(query(WEB).to_wire())
            answer = await asyncio.get_running_loop().sock_recv(asking, 4096)
            assert lines(from_wire(answer).answer) == ANSWER


async def test_a_flood_has_a_bounded_part_of_each_turn_of_the_loop() -> None:
    of = Counting()
    async with DnsServer(LOCAL, of) as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooding:
            flooding.connect(server.address)
            for _ in range(200):
                flooding.send(b"x" * 50)
        while of.total < 200:
            of.turn = 0
            await asyncio.sleep(0)
    assert of.most == QUERIES_PER_TURN


async def test_queries_of_all_tcp_connections_have_one_place_in_a_turn_of_the_loop() -> None:
    of = Counting()
    async with tcp(of) as port, contextlib.AsyncExitStack() as stack:
        for _ in range(8):
            client = await stack.enter_async_context(connected(port))
            client.ask(*[WEB] * 50)
        of.turn = of.most = 0
        while of.total < 400:
            of.turn = 0
            await asyncio.sleep(0)
    assert of.most == 1


async def test_several_queries_on_a_connection_are_answered_in_order() -> None:
    names = [WEB, "none.cluster.local.", "bare.shop.svc.cluster.local."]
    async with tcp(responder()) as port, connected(port) as client:
        client.ask(*names)
        assert [(await client.answer()).question[0].name.to_text() for _ in names] == names
        client.ask(WEB)
        assert lines((await client.answer()).answer) == ANSWER


async def test_a_query_may_come_in_pieces() -> None:
    wire = query(WEB).to_wire()
    async with tcp(responder()) as port, connected(port) as client:
        for byte in len(wire).to_bytes(2, "big") + wire:
            client.writer.write(bytes([byte]))
            await client.writer.drain()
        assert lines((await client.answer()).answer) == ANSWER


@pytest.mark.parametrize("sent", [b"", b"\0", b"\0\x50abc"], ids=["nothing", "half a length", "half a query"])
async def test_a_connection_that_idles_is_closed(sent: bytes) -> None:
    async with tcp(responder(), idle_timeout_s=0.02) as port, connected(port) as client:
        client.writer.write(sent)
        assert await client.ended()


@pytest.mark.parametrize(
    "sent", [b"\0\0", b"\0\x01x", b"\0\x0c" + b"\xff" * 12], ids=["empty", "short", "answer"]
)
async def test_what_is_no_query_ends_its_connection_alone(sent: bytes) -> None:
    async with tcp(responder()) as port, connected(port) as other, connected(port) as client:
        client.writer.write(sent)
        assert await client.ended()
        other.ask(WEB)
        assert lines((await other.answer()).answer) == ANSWER


async def test_a_query_that_cannot_be_read_is_a_format_error_and_the_next_one_is_answered() -> None:
    async with tcp(responder()) as port, connected(port) as client:
        client.writer.write(b"\0\x0e" + b"\0" * 5 + b"\x01" + b"\0" * 8)
        assert status(await client.answer()) == "FORMERR"
        client.ask(WEB)
        assert lines((await client.answer()).answer) == ANSWER


async def test_one_connection_too_many_is_closed_and_the_next_may_come() -> None:
    async with tcp(responder(), most_connections=1) as port:
        async with connected(port) as first:
            first.ask(WEB)
            assert await first.answer()
            async with connected(port) as second:
                assert await second.ended()
            first.ask(WEB)
            assert await first.answer()
        while True:
            async with connected(port) as third:
                third.ask(WEB)
                with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                    assert lines((await third.answer()).answer) == ANSWER
                    return


async def test_a_client_that_takes_nothing_is_let_go() -> None:
    async with tcp(responder(), idle_timeout_s=0.05) as port, connected(port) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined] # typeshed has a read transport less
        with contextlib.suppress(ConnectionError):
            while not client.writer.transport.is_closing():
                client.ask(*["bare.shop.svc.cluster.local."] * 100)
                await client.writer.drain()


async def test_connections_end_with_the_server() -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with DnsServer(LOCAL, responder()) as server:
            client = await stack.enter_async_context(connected(server.address.port))
            client.ask(WEB)
            await client.answer()
        assert await client.ended()


async def test_an_address_that_is_taken_is_an_error_that_says_what_to_do() -> None:
    async with DnsServer(LOCAL, responder()) as first:
        with pytest.raises(ListenError, match=f"127.0.0.1:{first.address.port}: is taken; stop whoever"):
            async with DnsServer(first.address, responder()):
                pass
    async with DnsServer(first.address, responder()):  # at once again
        pass


async def test_an_address_of_others_is_an_error() -> None:
    with pytest.raises(ListenError, match=r"192.0.2.1:0: is no address of this host"):
        async with DnsServer(SocketAddress("192.0.2.1", 0), responder()):
            pass


def test_a_number_that_is_roots_is_an_error_with_the_command_that_allows_it() -> None:
    denied = OSError(errno.EACCES, os.strerror(errno.EACCES))
    said = what_to_do(SocketAddress("127.0.0.1", 53), denied)
    assert said.endswith("allow it: sudo sysctl net.ipv4.ip_unprivileged_port_start=53")
    assert "name a port from 1024 up" in said
    assert "\n" not in said
