"""Which worker and which endpoint a client meets: affinity, flows, hashing, limits, holding."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from tests.workers.crew import LIMIT_S, TWO, Crew, crew, say, until
from userproxy import MemorySource, Proxy
from userproxy.model.names import ServicePortName
from userproxy.settings import Limits, UdpSettings
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho
from userproxy.testing.objects import endpoint_slice, endpoint_slices, service
from userproxy.workers.log_forwarding import levels_now

pytestmark = pytest.mark.both_loops

CLIENTS = [f"127.0.0.{number}" for number in range(1, 17)]


@contextlib.asynccontextmanager
async def echoes() -> AsyncIterator[list[TcpEcho]]:
    async with TcpEcho("a") as a, TcpEcho("b") as b, TcpEcho("c") as c:
        yield [a, b, c]


async def met(c: Crew, rounds: int = 6) -> dict[str, set[str]]:
    """Which endpoints each client meets."""
    found: dict[str, set[str]] = defaultdict(set)
    for client in CLIENTS * rounds:
        answer = await say(c.proxy.address("web"), "x", client)
        found[client].add(answer.partition("\n")[0])
    return found


@pytest.mark.spec("B2")
async def test_B2_affinity_holds_over_both_workers() -> None:
    async with echoes() as backends, crew() as c:
        c.source.apply(
            service("web", 80, sessionAffinity="ClientIP"),
            *endpoint_slices("web", [b.endpoint for b in backends]),
        )
        await c.settled()
        found = await met(c)
        assert {len(names) for names in found.values()} == {1}
        assert set.union(*found.values()) == {"a", "b", "c"}
        assert min(await c.by_worker()) > 0


@pytest.mark.spec("B2")
async def test_B2_affinity_that_comes_later_or_after_a_time_without_endpoints_holds_too() -> None:
    async with echoes() as backends, crew() as c:
        slices = endpoint_slices("web", [b.endpoint for b in backends])
        c.source.apply(service("web", 80), *slices)
        await c.settled()
        assert max(len(names) for names in (await met(c)).values()) > 1
        c.source.apply(service("web", 80, sessionAffinity="ClientIP"))
        await c.settled()
        assert {len(names) for names in (await met(c)).values()} == {1}
        for _ in range(2):
            c.source.apply(*({**one, "endpoints": []} for one in slices))
            await c.settled()
            c.source.apply(*slices)
            await c.settled()
            assert {len(names) for names in (await met(c)).values()} == {1}


@pytest.mark.spec("B2")
async def test_B2_one_worker_keeps_affinity_where_the_kernel_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("userproxy.workers.fleet.can_spread", lambda: False)
    async with echoes() as backends, crew() as c:
        c.source.apply(
            service("web", 80, sessionAffinity="ClientIP"),
            *endpoint_slices("web", [b.endpoint for b in backends]),
        )
        await c.settled()
        assert {len(names) for names in (await met(c)).values()} == {1}
        await c.settled()
        assert sorted(len(reports) for reports in c.fleet._board._reports.values()) == [1]


@pytest.mark.spec("B6")
async def test_B6_consistent_hashing_gives_the_same_endpoint_in_each_worker() -> None:
    hashed = {"userproxy.dev/balancer": "consistent-hash"}
    async with echoes() as backends, crew() as c:
        c.source.apply(
            service("web", 80, annotations=hashed), *endpoint_slices("web", [b.endpoint for b in backends])
        )
        await c.settled()
        found = await met(c)
        assert {len(names) for names in found.values()} == {1}
        # Without affinity a client's connections meet both workers.
        assert min(await c.by_worker()) > len(CLIENTS)


def client_socket(address: tuple[str, int], client: str = "127.0.0.1") -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((client, 0))
    sock.connect(address)
    sock.setblocking(False)
    return sock


async def ask(sock: socket.socket) -> str:
    """Who answers one datagram."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, b"?")
    async with asyncio.timeout(LIMIT_S):
        return (await loop.sock_recv(sock, 100)).partition(b":")[0].decode()


@contextlib.contextmanager
def sockets(address: tuple[str, int], clients: list[str]) -> Iterator[list[socket.socket]]:
    opened = [client_socket(address, client) for client in clients]
    try:
        yield opened
    finally:
        for sock in opened:
            sock.close()


@pytest.mark.proxied
async def test_udp_flows_stay_where_they_are_and_both_workers_have_some() -> None:
    async with UdpEcho("a") as a, UdpEcho("b") as b, crew() as c:
        slices = endpoint_slices("dns", [a.endpoint, b.endpoint], protocol="UDP")
        c.source.apply(service("dns", "53/UDP"), *slices)
        await c.settled()
        for _ in range(2):
            with sockets(c.proxy.address("dns"), ["127.0.0.1"] * 60) as clients:
                first = [await ask(client) for client in clients]
                assert [await ask(client) for client in clients] == first
            shares = await c.by_worker()
            assert min(shares) > 10
            # A time without endpoints: refusing takes a socket out of its group, and it comes back.
            c.source.apply(*({**one, "endpoints": []} for one in slices))
            await c.settled()
            c.source.apply(*slices)
            await c.settled()
        assert sum(shares) == 120


@pytest.mark.proxied
@pytest.mark.spec("B2")
async def test_B2_udp_affinity_holds_over_both_workers() -> None:
    async with UdpEcho("a") as a, UdpEcho("b") as b, UdpEcho("c") as third, crew() as c:
        slices = endpoint_slices("dns", [a.endpoint, b.endpoint, third.endpoint], protocol="UDP")
        c.source.apply(service("dns", "53/UDP", sessionAffinity="ClientIP"), *slices)
        await c.settled()
        for _ in range(2):
            with sockets(c.proxy.address("dns"), CLIENTS * 6) as clients:
                answers = [await ask(client) for client in clients]
            found = defaultdict(set)
            for client, answer in zip(CLIENTS * 6, answers, strict=True):
                found[client].add(answer)
            assert {len(seen) for seen in found.values()} == {1}
            assert min(await c.by_worker()) > 0
            c.source.apply(*({**one, "endpoints": []} for one in slices))
            await c.settled()
            c.source.apply(*slices)
            await c.settled()


@pytest.mark.parametrize("limit", [1, 7, 8, 9])
async def test_a_limit_on_connections_is_never_exceeded_and_one_means_one(limit: int) -> None:
    annotations = {"userproxy.dev/max-connections": str(limit)}
    async with TcpEcho("one") as one, crew() as c:
        c.source.apply(service("web", 80, annotations=annotations), endpoint_slice("web", [one.endpoint]))
        await c.settled()
        connections = [socket.create_connection(c.proxy.address("web")) for _ in range(100)]
        port = await c.port()
        await until(lambda: c.proxy.snapshot().ports[0].accepted == 100)
        port = await c.port()
        assert port.open == limit
        assert dict(port.ends)["LD"] == 100 - limit
        for connection in connections:
            connection.close()


async def test_a_limit_of_all_connections_holds_for_all_workers_together() -> None:
    async with TcpEcho("one") as one, crew(replace(TWO, limits=Limits(max_connections=20))) as c:
        c.source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
        await c.settled()
        connections = [socket.create_connection(c.proxy.address("web")) for _ in range(200)]
        await until(lambda: c.proxy.snapshot().ports[0].accepted == 200)
        assert (await c.port()).open == 20
        for connection in connections:
            connection.close()


async def test_who_serves_changes_with_the_limit_and_connections_go_on() -> None:
    async with TcpEcho("one") as one, crew() as c:
        c.source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
        await c.settled()
        address = c.proxy.address("web")
        for limit, workers in (("1", 1), ("none", 2), ("3", 1), ("100", 2)):
            annotations = {"userproxy.dev/max-connections": limit}
            c.source.apply(service("web", 80, annotations=annotations))
            await c.settled()
            assert c.proxy.address("web") == address
            for _ in range(20):
                assert "x" in await say(address, "x")
            [group] = c.fleet._groups._groups.values()
            assert len(group.sockets) == workers
        streams = [await asyncio.open_connection(*address) for _ in range(40)]
        for reader, writer in streams:
            writer.write(b"x")
            await reader.readuntil(b"x")
        for _, writer in streams:
            writer.close()


@pytest.mark.spec("L9")
async def test_L9_clients_are_held_in_both_workers_and_on_hold_is_called_here() -> None:
    woken: asyncio.Queue[ServicePortName] = asyncio.Queue()
    source = MemorySource()
    async with TcpEcho("one") as one:
        async with Proxy(source, settings=TWO, on_hold=woken.put_nowait) as proxy:
            source.apply(service("web", 80, annotations={"userproxy.dev/hold": "60s"}))
            await proxy.settled(LIMIT_S)
            asking = [asyncio.create_task(say(proxy.address("web"), "x")) for _ in range(20)]
            assert (await woken.get()).name == "web"
            await until(lambda: proxy.snapshot().ports[0].held == 20)
            source.apply(endpoint_slice("web", [one.endpoint]))
            assert all("x" in answer for answer in await asyncio.gather(*asking))


async def test_a_fault_of_on_hold_ends_the_proxy_as_itself() -> None:
    def broken(name: ServicePortName) -> None:
        raise ZeroDivisionError(str(name))

    source = MemorySource()
    with pytest.raises(ZeroDivisionError, match="default/web"):
        async with Proxy(source, settings=TWO, on_hold=broken) as proxy:
            source.apply(service("web", 80, annotations={"userproxy.dev/hold": "60s"}))
            await proxy.settled(LIMIT_S)
            await say(proxy.address("web"), "x")


async def test_what_workers_log_comes_out_here_at_the_levels_of_here() -> None:
    async with TcpEcho("one") as one, crew() as c:
        c.source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
        await c.settled()
        for _ in range(20):
            await say(c.proxy.address("web"), "x")
        await c.settled()
        ends = c.events.named("connection_closed")
        assert len(ends) == 20
        assert {end["service"] for end in ends} == {"web"}
        assert len(c.events.named("listener_opened")) == 1  # of two workers
        logging.getLogger("userproxy").setLevel(logging.INFO)
        for link in c.links:  # as with the next heartbeat
            link.say("ping", levels_now())
        await c.settled()
        await say(c.proxy.address("web"), "x")
        await c.settled()
        assert len(c.events.named("connection_closed")) == 20


async def test_few_flows_in_all_are_one_workers() -> None:
    settings = replace(TWO, udp=UdpSettings(max_flows=1))
    async with UdpEcho("a") as a, crew(settings) as c:
        c.source.apply(service("dns", "53/UDP"), endpoint_slice("dns", [a.endpoint], protocol="UDP"))
        await c.settled()
        with sockets(c.proxy.address("dns"), ["127.0.0.1"] * 20) as clients:
            for client in clients:
                await ask(client)
            port = await c.port()
            assert (port.open, port.accepted) == (1, 20)
