"""Datagrams under attack: any size, over swaps, late answers, floods, endpoints that are not there."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from tests.dataplane.harness import Peer
from tests.integration.world import World, until, world
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

pytestmark = pytest.mark.usefixtures("batching")

SIZES = (0, 1, 8, 512, 1472, 8192, 65506, 65507)
CHANGES = 30
CLIENTS = 6


class Answerer:
    """An endpoint in the test's hands: answers each datagram behind its own number, when it is told to."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.sock = self._socket(0)
        self.port = self.sock.getsockname()[1]
        self.heard: list[bytes] = []
        self.late: list[tuple[bytes, tuple[str, int]]] = []
        """Answers that are held back."""

    @staticmethod
    def _socket(port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.setblocking(False)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            sock.close()
            raise
        return sock

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, *, hold_back: bool = False) -> None:
        """Answer what has come."""
        while True:
            try:
                data, address = self.sock.recvfrom(1 << 16)
            except OSError:  # nothing more, or gone
                return
            self.heard.append(data)
            if hold_back:
                self.late.append((data, address))
            else:
                self.sock.sendto(data, address)

    def send_late(self) -> None:
        for data, address in self.late:
            self.sock.sendto(data, address)
        self.late.clear()

    def vanish(self) -> None:
        self.sock.close()

    def come_back(self) -> None:
        if self.sock.fileno() < 0:
            with contextlib.suppress(OSError):  # the number has gone to a flow's socket meanwhile
                self.sock = self._socket(self.port)


@dataclass
class Client:
    """Sends datagrams that say whose they are and which; keeps the answers."""

    number: int
    sock: socket.socket
    sent: list[bytes] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    def send(self, size: int) -> None:
        head = b"%d/%d/" % (self.number, len(self.sent))
        data = head + bytes(max(0, size - len(head)))
        with contextlib.suppress(ConnectionRefusedError):  # what was said of an earlier one (T8)
            self.sock.send(data)
            self.sent.append(data)

    def listen(self) -> None:
        while True:
            try:
                self.heard.append(self.sock.recv(1 << 16))
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue


@contextlib.contextmanager
def clients_of(address: tuple[str, int], count: int) -> Iterator[list[Client]]:
    with contextlib.ExitStack() as stack:
        clients = []
        for number in range(count):
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            sock.setblocking(False)
            sock.connect(address)
            clients.append(Client(number, sock))
        yield clients


def slices(endpoints: list[str]) -> list[dict[str, object]]:
    return [endpoint_slice("dns", endpoints[n : n + 1], name=f"dns-{n}", protocol="UDP") for n in range(3)]


@pytest.mark.spec("C3", "C5", "C6", "L6", "L9", "T8")
@pytest.mark.parametrize("seed", range(6))
async def test_C3_C5_answers_reach_their_client_whatever_endpoints_and_services_do(seed: int) -> None:
    await one_round(seed)


async def one_round(seed: int) -> None:
    chance = random.Random(seed)
    answerers = [Answerer(number) for number in range(3)]
    async with world() as w:
        w.source.apply(service("dns", "53/UDP"), *slices([a.endpoint for a in answerers]))
        await w.settled()
        with clients_of(w.proxy.address("dns"), CLIENTS) as clients:
            for _ in range(CHANGES):
                for _ in range(chance.randrange(1, 8)):
                    chance.choice(clients).send(chance.choice(SIZES))
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)
                change(w, chance, answerers)
                if chance.random() < 0.7:
                    await w.settled()
                for answerer in answerers:
                    answerer.answer(hold_back=chance.random() < 0.2)
                    if chance.random() < 0.3 and answerer.sock.fileno() >= 0:
                        answerer.send_late()
                for client in clients:
                    client.listen()
            w.look()
            for client in clients:
                client.listen()
                assert len(client.heard) <= len(client.sent)
                assert set(client.heard) <= set(client.sent), "an answer that nobody asked for"
                assert len(set(client.heard)) == len(client.heard), "an answer that came twice"
        with contextlib.suppress(KeyError):
            w.source.delete("Service", "dns")
        await w.settled()
        await w.without_flows()
        await w.quiet()
    for answerer in answerers:
        answerer.vanish()


def change(w: World, chance: random.Random, answerers: list[Answerer]) -> None:
    kind = chance.randrange(8)
    if kind == 0:
        chance.choice(answerers).vanish()
    elif kind == 1:
        for answerer in answerers:
            answerer.come_back()
    elif kind == 2:
        w.source.apply(*slices([]))
    elif kind == 3:
        annotations = {
            "userproxy.dev/hold": chance.choice(("0s", "30s")),
            "userproxy.dev/balancer": chance.choice(("round-robin", "consistent-hash", "least-connections")),
            "userproxy.dev/max-connections": chance.choice(("2", "100")),
            "userproxy.dev/idle-timeout": chance.choice(("none", "20ms")),
        }
        affinity = chance.choice(("None", "ClientIP"))
        w.source.apply(service("dns", "53/UDP", annotations=annotations, sessionAffinity=affinity))
    elif kind == 4:
        ready = chance.random() < 0.5
        w.source.apply(
            endpoint_slice(
                "dns",
                [answerers[0].endpoint],
                name="dns-0",
                protocol="UDP",
                ready=ready,
                serving=True,
                terminating=not ready,
            )
        )
    else:
        chosen = [a.endpoint for a in chance.sample(answerers, chance.randrange(1, 4))]
        w.source.apply(*slices(chosen))


async def test_C5_every_size_there_and_back_in_order_over_swaps() -> None:
    one, two = Answerer(0), Answerer(1)
    async with world() as w:
        w.source.apply(service("dns", "53/UDP"), *slices([one.endpoint]))
        await w.settled()
        with clients_of(w.proxy.address("dns"), 1) as [client]:
            for turn in range(20):
                here, there = (one, two) if turn % 2 == 0 else (two, one)
                for size in SIZES:
                    client.send(size)
                await until(partial(answered, here, client))
                assert here.heard == client.sent[-len(SIZES) :]
                here.heard.clear()
                there.answer()
                assert there.heard == []
                w.source.apply(*slices([there.endpoint]))
                await w.settled()
    one.vanish()
    two.vanish()


async def test_C3_answers_that_come_late_after_a_move_are_delivered() -> None:
    one, two = Answerer(0), Answerer(1)
    async with world() as w:
        w.source.apply(service("dns", "53/UDP"), *slices([one.endpoint]))
        await w.settled()
        with clients_of(w.proxy.address("dns"), 3) as clients:
            for client in clients:
                client.send(8)
            await until(partial(all_came, one, 3))
            w.source.apply(*slices([two.endpoint]))
            await w.settled()
            for client in clients:
                client.send(8)
            await until(partial(all_came, two, 3))
            two.send_late()
            one.send_late()
            for client in clients:
                await until(partial(all_answered, client))
    one.vanish()
    two.vanish()


def all_came(answerer: Answerer, count: int) -> bool:
    answerer.answer(hold_back=True)
    return len(answerer.late) == count


def all_answered(client: Client) -> bool:
    """In any order."""
    client.listen()
    return sorted(client.heard) == sorted(client.sent)


FLOOD = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect((sys.argv[1], int(sys.argv[2])))
print("flooding", flush=True)
while True:
    sock.send(b"flood")
"""


@contextlib.contextmanager
def flooding(address: tuple[str, int]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that sends all the time."""
    command = [sys.executable, "-c", FLOOD, address[0], str(address[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as flood:
        assert flood.stdout is not None
        assert flood.stdout.readline()
        yield flood
        flood.kill()


async def test_a_flood_of_one_client_starves_no_other_and_no_connection() -> None:
    """Everybody else does all their rounds while the flood lasts."""
    sink, quiet = Answerer(0), Answerer(1)
    async with TcpEcho() as echo, world() as w:
        w.source.apply(
            service("dns", "53/UDP"),
            *slices([sink.endpoint]),
            service("time", "123/UDP"),
            endpoint_slice("time", [quiet.endpoint], protocol="UDP"),
            service("web", 80),
            endpoint_slice("web", [echo.endpoint]),
        )
        await w.settled()
        with flooding(w.proxy.address("dns")) as flood:
            with clients_of(w.proxy.address("time"), 1) as [other]:
                with await Peer.connect(w.proxy.address("web")) as client:
                    for turn in range(100):
                        await client.send(b"word")
                        assert await client.receive_exactly(4) == b"word"
                        other.send(8)
                        await until(partial(answered, quiet, other))
                        if turn % 10 == 0:
                            w.source.apply(service("other", turn + 1))
                            await w.settled()
            assert flood.poll() is None
        forwarded = [e.bytes_to_endpoint for port in w.proxy.snapshot().ports for e in port.endpoints]
        assert max(forwarded) > 1000
    sink.vanish()
    quiet.vanish()


def answered(answerer: Answerer, client: Client) -> bool:
    answerer.answer()
    client.listen()
    return client.heard == client.sent
