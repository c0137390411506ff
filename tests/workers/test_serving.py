"""Two workers serve what one process does."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.workers.crew import TWO, crew, running, say, until
from userproxy import MemorySource, NotListening, Proxy, Settings
from userproxy.dataplane.dialling import Dialler
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

pytestmark = pytest.mark.both_loops

OURS = f"web-{os.getpid()}"
"""A Service of this run of the tests alone, so its loopback address is too: parallel runs do not meet."""
MANY = 200
"""Connections: that all of them meet one of two workers by chance is not to be expected in a lifetime."""


async def test_both_workers_serve_and_their_counters_are_added() -> None:
    async with TcpEcho("one") as one, crew() as c:
        c.source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
        await c.settled()
        for number in range(MANY):
            assert f"hello {number}" in await say(c.proxy.address("web"), f"hello {number}")
        port = await c.port()
        assert (port.state, port.accepted, port.open, port.ends) == ("listening", MANY, 0, (("--", MANY),))
        shares = await c.by_worker()
        assert sum(shares) == MANY
        assert min(shares) > 0


async def test_a_swap_is_in_force_in_all_workers_once_settled() -> None:
    async with TcpEcho("one") as one, TcpEcho("two") as two, crew() as c:
        c.source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
        await c.settled()
        for backend in (two, one, two):
            c.source.apply(endpoint_slice("web", [backend.endpoint]))
            await c.settled()
            answers = [await say(c.proxy.address("web"), "x") for _ in range(20)]
            assert all(answer.startswith(backend.name) for answer in answers), answers


@pytest.mark.spec("T8")
async def test_without_endpoints_the_kernel_refuses_and_the_address_stays() -> None:
    async with TcpEcho("one") as one, crew() as c:
        c.source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
        await c.settled()
        address = c.proxy.address("web")
        for _ in range(3):
            c.source.apply(endpoint_slice("web", []))
            await c.settled()
            for _ in range(10):
                with pytest.raises(ConnectionRefusedError):
                    await say(address, "x")
            with pytest.raises(NotListening):
                c.proxy.address("web")
            c.source.apply(endpoint_slice("web", [one.endpoint]))
            await c.settled()
            assert c.proxy.address("web") == address
            assert "x" in await say(address, "x")


async def test_a_service_that_goes_and_comes_back_has_its_address_again() -> None:
    async with TcpEcho("one") as one, crew(Settings(workers=2)) as c:
        for turn in range(3):
            c.source.apply(service(OURS, 18310), endpoint_slice(OURS, [one.endpoint]))
            await c.settled()
            address = c.proxy.address(OURS)
            assert address[1] == 18310
            assert "x" in await say(address, "x")
            c.source.delete("Service", OURS)
            if turn:
                await c.settled()
                with pytest.raises(ConnectionRefusedError):
                    await say(address, "x")


async def test_a_port_that_is_renamed_or_moved_is_served_at_once() -> None:
    """By another service port at the same address: what the old one does comes first."""
    async with TcpEcho("one") as one, crew(Settings(workers=2)) as c:
        c.source.apply(service(OURS, "a:18313"), endpoint_slice(OURS, [one.endpoint], port_name="a"))
        await c.settled()
        address = c.proxy.address(OURS)
        for name, number in (("b", 18313), ("b", 18314), ("a", 18313), ("b", 18313), ("b", 18314)):
            c.source.apply(
                service(OURS, f"{name}:{number}"), endpoint_slice(OURS, [one.endpoint], port_name=name)
            )
            await c.settled()
            assert c.proxy.address(OURS) == (address.host, number)
            for _ in range(10):
                assert "x" in await say(c.proxy.address(OURS), "x")


async def test_a_drain_waits_for_what_is_open_in_all_workers() -> None:
    async with TcpEcho("one") as one, crew() as c:
        c.source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
        await c.settled()
        streams = [await asyncio.open_connection(*c.proxy.address("web")) for _ in range(20)]
        for _, writer in streams:
            writer.write(b"x")
        for reader, _ in streams:
            await reader.readline()
        await c.settled()
        draining = asyncio.create_task(c.proxy.drain(30))
        await until(lambda: all(port.state == "draining" for port in c.proxy.snapshot().ports))
        for _, writer in streams[1:]:
            writer.close()
        streams[0][1].close()
        report = await draining
        assert (report.drained, report.cut) == (20, 0)


async def test_a_drain_cuts_what_is_left_at_its_limit() -> None:
    async with TcpEcho("one") as one, crew() as c:
        c.source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
        await c.settled()
        streams = [await asyncio.open_connection(*c.proxy.address("web")) for _ in range(20)]
        for reader, writer in streams:
            writer.write(b"x")
            await reader.read(1)
        report = await c.proxy.drain(0.05)
        assert (report.drained, report.cut) == (0, 20)
        for _, writer in streams:
            writer.close()


async def test_the_end_of_the_block_cuts_what_is_open() -> None:
    async with TcpEcho("one") as one:
        async with crew() as c:
            c.source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
            await c.settled()
            reader, writer = await asyncio.open_connection(*c.proxy.address("web"))
            writer.write(b"x")
            await reader.read(1)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        assert [end["state"] for end in c.events.named("connection_closed")] == ["TT"]


def test_no_worker_and_a_dialler_for_several_are_refused() -> None:
    class Nowhere:
        def dial(self, *arguments: object) -> None: ...

    with pytest.raises(ValueError, match="workers is 0"):
        Proxy(MemorySource(), settings=Settings(workers=0))
    dialler: Dialler = Nowhere()
    with pytest.raises(ValueError, match="dialler"):
        Proxy(MemorySource(), settings=TWO, dialler=dialler)


SERVE_FOR_EVER = """
import asyncio
from userproxy import Addresses, MemorySource, Proxy, Settings

async def main():
    async with Proxy(MemorySource(), settings=Settings(addresses=Addresses.EPHEMERAL, workers=2)) as proxy:
        await proxy.settled()
        print(*(link.pid for link in proxy._running._links), flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_parent_that_is_killed_leaves_no_worker() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE_FOR_EVER, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert len(pids) == 2
    assert all(running(pid) for pid in pids)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await until(lambda: not any(running(pid) for pid in pids))


@pytest.mark.spec("L4")
async def test_L4_an_address_that_another_fleet_has_is_taken() -> None:
    """Of the same user, and with SO_REUSEPORT: the kernel alone would let both have it."""
    settings = Settings(workers=2)
    async with TcpEcho("one") as one, crew(settings) as c, Proxy(MemorySource(), settings=settings) as second:
        objects = service(OURS, 18311), endpoint_slice(OURS, [one.endpoint])
        c.source.apply(*objects)
        await c.settled()
        assert isinstance(second.source, MemorySource)
        second.source.apply(*objects)
        await second.settled()
        assert c.proxy.address(OURS).port == 18311
        assert second.address(OURS).port != 18311
        assert second.snapshot().ports[0].reason == "port 18311 is taken"


@pytest.mark.spec("L1")
async def test_L1_a_plain_socket_with_reuseport_is_seen_too() -> None:
    async with TcpEcho("one") as one, crew(Settings(workers=2)) as c:
        c.source.apply(service(OURS, 18312), endpoint_slice(OURS, [one.endpoint]))
        await c.settled()
        host = c.proxy.address(OURS).host
        c.source.delete("Service", OURS)
        await c.settled()
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            other.bind((host, 18312))
            other.listen()
            c.source.apply(service(OURS, 18312), endpoint_slice(OURS, [one.endpoint]))
            await c.settled()
            assert c.proxy.address(OURS) == (host, 26312)
            assert "x" in await say(c.proxy.address(OURS), "x")
