"""The UDP load generator against a backend that is right, and endpoints that are wrong."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterable

import pytest

from benchmarks.actors.remote import Backend
from benchmarks.actors.udp_endpoint import UdpEndpoint
from benchmarks.actors.udp_remote import UdpLoad, UdpReport

Address = tuple[str, int]
Answers = Callable[[bytes, Address], Iterable[tuple[bytes, Address]]]


async def until(load: UdpLoad, enough: Callable[[UdpReport], bool]) -> None:
    async with asyncio.timeout(30):
        while not enough(await load.mark()):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("flows", "size_bytes", "run"), [(1, 64, 1), (100, 1200, 1), (300, 8, 1), (4, 64, 32), (3, 9000, 2)]
)
async def test_a_backend_answers_everything_in_order(flows: int, size_bytes: int, run: int) -> None:
    async with Backend() as backend:
        address = await backend.open("udp")
        async with UdpLoad(address, flows=flows, size_bytes=size_bytes, run=run, in_flight=40) as load:
            await until(load, lambda report: report.answered > 2000)
            report = await load.end()
    assert (report.unanswered, report.wrong) == (0, 0)


async def test_a_run_leaves_as_one_message() -> None:
    """Cut by the kernel, each datagram comes as itself, from its client's address."""
    sizes: list[int] = []

    def back(data: bytes, client: Address) -> list[tuple[bytes, Address]]:
        sizes.append(len(data))
        return [(data, client)]

    async with (
        answering(back) as address,
        UdpLoad(address, flows=3, size_bytes=900, run=32, as_one=True, in_flight=70) as load,
    ):
        await until(load, lambda report: report.answered > 2000)
        report = await load.end()
    assert (report.unanswered, report.wrong, report.sent % 32) == (0, 0, 0)
    assert set(sizes) == {900}


async def test_a_rate_is_kept_whoever_answers() -> None:
    """Open loop: nobody listens there any more."""
    async with Backend() as backend:
        address = await backend.open("udp")
        await backend.close("udp", address)
        async with UdpLoad(address, flows=7, size_bytes=64, rate=5000) as load:
            await until(load, lambda report: report.sent > 2000)
            report = await load.end()
    assert report.sent <= 5000 * report.seconds + 1
    assert (report.answered, report.wrong) == (0, 0)


async def test_a_closed_loop_sends_whole_runs() -> None:
    """However the answers come, what has been sent is a multiple of a run."""
    async with Backend() as backend:
        async with UdpLoad(await backend.open("udp"), flows=3, size_bytes=64, run=7, in_flight=16) as load:
            await until(load, lambda report: report.answered > 700)
            report = await load.end()
    assert report.sent % 7 == 0


class Answering(asyncio.DatagramProtocol):
    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # datagram endpoints have no other transport
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        for answer, to in self._answers(data, addr):
            self._transport.sendto(answer, to)


@contextlib.asynccontextmanager
async def answering(answers: Answers) -> AsyncIterator[str]:
    """An endpoint that answers as told."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Answering(answers), local_addr=("127.0.0.1", 0)
    )
    try:
        yield "{}:{}".format(*transport.get_extra_info("sockname"))
    finally:
        transport.close()


def twice(data: bytes, client: Address) -> list[tuple[bytes, Address]]:
    return [(data, client)] * 2


def another_byte(data: bytes, client: Address) -> list[tuple[bytes, Address]]:
    return [(data[:-1] + b"?", client)]


def longer(data: bytes, client: Address) -> list[tuple[bytes, Address]]:
    return [(data + b"!", client)]


def to_a_neighbour(data: bytes, client: Address) -> list[tuple[bytes, Address]]:
    return [(data, ("127.64.0.1" if client[0] == "127.64.0.0" else "127.64.0.0", client[1]))]


def backwards() -> Answers:
    waiting: list[tuple[bytes, Address]] = []

    def answers(data: bytes, client: Address) -> list[tuple[bytes, Address]]:
        waiting.insert(0, (data, client))
        if len(waiting) < 4:
            return []
        now = list(waiting)
        waiting.clear()
        return now

    return answers


@pytest.mark.parametrize(
    ("answers", "kind"),
    [(twice, "doubled"), (another_byte, "corrupted"), (longer, "corrupted"), (to_a_neighbour, "misdelivered"),
     (backwards(), "reordered")],
)  # fmt: skip
async def test_answers_that_are_wrong_are_told(answers: Answers, kind: str) -> None:
    async with answering(answers) as address:
        async with UdpLoad(address, flows=2, size_bytes=64, in_flight=8, run=4) as load:
            await until(load, lambda report: getattr(report, kind) > 5)
            report = await load.end()
    assert report.wrong == getattr(report, kind)


def test_marks_are_told_apart() -> None:
    first = UdpReport(1.0, 10, 8, 0, 0, 0, 0)
    second = UdpReport(3.0, 30, 27, 1, 0, 2, 0)
    between = second.since(first)
    assert between == UdpReport(2.0, 20, 19, 1, 0, 2, 0)
    assert (between.unanswered, between.wrong) == (1, 3)


@pytest.mark.parametrize("batches", [True, False])
def test_an_endpoint_echoes_with_and_without_batches(batches: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not batches:
        monkeypatch.setattr("benchmarks.actors.udp_endpoint.vector_calls", lambda: None)
    served: dict[int, Callable[[int], None]] = {}

    class OneHandler:
        def watch(self, fd: int, handler: Callable[[int], None]) -> None:
            served[fd] = handler

        def forget(self, fd: int) -> None:
            del served[fd]

    endpoint = UdpEndpoint(OneHandler())  # type: ignore[arg-type]  # the two methods that it uses
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(endpoint.address)
            for datagrams in ([b"one"], [b"", b"x" * 60_000, b"three"]):
                for datagram in datagrams:
                    client.send(datagram)
                for handler in served.values():
                    handler(0)
                assert [client.recv(1 << 16) for _ in datagrams] == datagrams
    finally:
        endpoint.close()
    assert not served
