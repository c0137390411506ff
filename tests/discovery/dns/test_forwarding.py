"""Names of others are asked of the server that was named, and what that does harms nobody."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import cast

import pytest
from dns.flags import TC
from dns.message import Message, from_wire, make_response
from dns.rcode import NXDOMAIN
from dns.rrset import from_text

from tests.discovery.dns.served import lines, query, responder, status
from userproxy.discovery.dns.forwarding import MOST_QUERIES, Forwarder
from userproxy.discovery.dns.outside import Outside

NEVER_S = 100.0
AT_ONCE_S = 0.02
Answers = Callable[[Message], list[bytes]]


def outside(name: str = "example.com.", *, udp: bool = True, edns: int | bool = False) -> Outside:
    made = responder(forwards=True).respond(query(name, edns=edns).to_wire(), udp=udp)
    assert isinstance(made, Outside)
    return made


def good(asked: Message, *, addresses: int = 1) -> Message:
    response = make_response(asked)
    texts = [f"192.0.2.{number}" for number in range(addresses)]
    response.answer.append(from_text(asked.question[0].name, 60, "IN", "A", *texts))
    return response


def cut(asked: Message) -> list[bytes]:
    """To be asked for over TCP."""
    response = make_response(asked)
    response.flags |= TC
    return [response.to_wire()]


@dataclass
class Upstream(asyncio.DatagramProtocol):
    """A DNS server that says what ``answers`` make of a query, over UDP; ``over_tcp`` is for TCP."""

    answers: Answers
    over_tcp: Answers = lambda asked: []
    asked: list[Message] = field(default_factory=list)
    sources: list[object] = field(default_factory=list)
    port: int = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own does not say so

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        self.asked.append(from_wire(data))
        self.sources.append(addr)
        for answer in self.answers(self.asked[-1]):
            self.transport.sendto(answer, addr)

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        for answer in self.over_tcp(from_wire(await reader.readexactly(length))):
            writer.write(len(answer).to_bytes(2, "big") + answer)
        writer.close()
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def upstream(answers: Answers, over_tcp: Answers = lambda asked: []) -> AsyncIterator[Upstream]:
    loop = asyncio.get_running_loop()
    server = Upstream(answers, over_tcp)
    # One number for both: what is free for TCP may be another's for UDP.
    while True:
        listening = await asyncio.start_server(server.serve_tcp, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: server, local_addr=("127.0.0.1", server.port)
            )
            break
        except OSError:
            listening.close()
    try:
        yield server
    finally:
        transport.close()
        listening.close()


async def answer(server: Upstream, asked: Outside, *, timeout_s: float = NEVER_S) -> Message:
    return from_wire(await Forwarder("127.0.0.1", server.port, timeout_s=timeout_s).answer(asked))


async def test_an_answer_is_passed_on_with_the_clients_id() -> None:
    async with upstream(lambda asked: [good(asked).to_wire()]) as server:
        asked = outside()
        found = await answer(server, asked)
    assert lines(found.answer) == ["example.com. A 192.0.2.0"]
    assert found.id == asked.response.id


async def test_ids_and_ports_cannot_be_guessed() -> None:
    asked = [outside() for _ in range(20)]
    async with upstream(lambda asked: [good(asked).to_wire()]) as server:
        for one in asked:
            await answer(server, one)
        assert len({one.id for one in server.asked}) > 15
        assert len(set(server.sources)) > 15
        assert [one.id for one in server.asked] != [one.response.id for one in asked]


async def test_answers_that_were_not_asked_for_are_left_unread() -> None:
    def answers(asked: Message) -> list[bytes]:
        other = good(query("example.org."))
        other.id = asked.id
        wrong_id = good(asked, addresses=2)
        wrong_id.id ^= 1
        return [b"", b"x", asked.to_wire(), other.to_wire(), wrong_id.to_wire(), good(asked).to_wire()]

    async with upstream(answers) as server:
        assert lines((await answer(server, outside())).answer) == ["example.com. A 192.0.2.0"]


async def test_an_answer_that_is_cut_is_asked_for_over_tcp() -> None:
    async with upstream(cut, lambda asked: [b"", good(asked, addresses=100).to_wire()]) as server:
        assert len(lines((await answer(server, outside(udp=False))).answer)) == 100
        found = await answer(server, outside())
        assert found.flags & TC, "this client takes no more than 512 octets"
        assert found.question
        assert not found.answer


@pytest.mark.parametrize("over_tcp", [lambda asked: [], lambda asked: [b"x"]], ids=["nothing", "nonsense"])
async def test_a_server_that_gives_no_answer_over_tcp_is_a_failure(over_tcp: Answers) -> None:
    async with upstream(cut, over_tcp) as server:
        assert status(await answer(server, outside())) == "SERVFAIL"


async def test_a_silent_server_is_asked_twice_and_then_it_is_a_failure() -> None:
    async with upstream(lambda asked: []) as server:
        found = await answer(server, outside(), timeout_s=AT_ONCE_S)
        assert status(found) == "SERVFAIL"
        assert found.question, "clients read no failure without it"
        assert len(server.asked) == 2


async def test_a_server_that_is_not_there_is_a_failure_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    forwarder = Forwarder("127.0.0.1", port, timeout_s=NEVER_S)
    assert status(from_wire(await forwarder.answer(outside()))) == "SERVFAIL"


async def test_no_more_than_so_many_are_under_way() -> None:
    enough = asyncio.Event()

    def count(asked: Message) -> list[bytes]:
        if len(server.asked) == MOST_QUERIES:
            enough.set()
        return []

    async with upstream(count) as server:
        forwarder = Forwarder("127.0.0.1", server.port, timeout_s=NEVER_S)
        tasks = [asyncio.create_task(forwarder.answer(outside())) for _ in range(MOST_QUERIES)]
        await enough.wait()
        assert forwarder.full
        assert status(from_wire(await forwarder.answer(outside()))) == "SERVFAIL"
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert not forwarder.full


async def test_an_alias_that_leads_out_is_followed() -> None:
    def answers(asked: Message) -> list[bytes]:
        return [good(asked).to_wire()]

    async with upstream(answers) as server:
        found = await answer(server, outside("mail.shop.svc.cluster.local."))
        assert [one.question[0].name.to_text() for one in server.asked] == ["mail.example.com."]
    assert [lines([rrset]) for rrset in found.answer] == [
        ["mail.shop.svc.cluster.local. CNAME mail.example.com."],
        ["mail.example.com. A 192.0.2.0"],
    ]


async def test_an_alias_of_a_name_that_is_not_there_or_not_readable() -> None:
    def none(asked: Message) -> list[bytes]:
        response = make_response(asked)
        response.set_rcode(NXDOMAIN)
        return [response.to_wire()]

    async with upstream(none) as server:
        found = await answer(server, outside("mail.shop.svc.cluster.local."))
        assert status(found) == "NXDOMAIN"
        assert len(found.answer) == 1
    async with upstream(lambda asked: [good(asked).to_wire() + b"more"]) as server:
        assert status(await answer(server, outside("mail.shop.svc.cluster.local."))) == "SERVFAIL"
