"""Descriptors are planned: without them a service port is reported, and everything else works."""

from __future__ import annotations

import asyncio
import os
import resource
from dataclasses import replace

import pytest

from tests.workers.crew import TWO, Crew, crew, say, until
from userproxy.settings import Limits
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

pytestmark = pytest.mark.both_loops

NO_DESCRIPTORS = "no descriptors are left"


def states(c: Crew) -> dict[str, str]:
    return {port.key.name.name: port.state.value for port in c.proxy.snapshot().ports}


async def test_those_that_can_have_sockets_are_served_and_the_others_when_there_are_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("userproxy.dataplane.retries.PAUSES_S", (0.05,))
    all_but_few = Limits(reserved_descriptors=resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    async with TcpEcho("one") as one, crew(replace(TWO, limits=all_but_few)) as c:
        for number in range(4):
            c.source.apply(service(f"web-{number}", 80), endpoint_slice(f"web-{number}", [one.endpoint]))
        await c.settled()
        # Eight descriptors are the least: two sockets and a lock, twice.
        assert sorted(states(c).values()) == ["listening", "listening", "taken", "taken"]
        problems = [problem for problem in c.proxy.snapshot().problems if NO_DESCRIPTORS in problem.message]
        assert len(problems) == 2
        served = [name for name, state in states(c).items() if state == "listening"]
        assert "x" in await say(c.proxy.address(served[0]), "x")
        c.source.delete("Service", served[0])
        await until(lambda: sorted(states(c).values()) == ["listening", "listening", "taken"])
        assert "x" in await say(c.proxy.address(served[1]), "x")


async def test_a_worker_without_descriptors_says_so_and_gets_its_socket_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("userproxy.workers.link.SEND_AGAIN_S", 0.05)
    async with TcpEcho("one") as one, crew() as c:
        await c.settled()
        poor = c.pids()[0]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = {int(name) for name in os.listdir(f"/proc/{poor}/fd")}
        lowest_free = min(set(range(len(used) + 1)) - used)
        resource.prlimit(poor, resource.RLIMIT_NOFILE, (lowest_free, hard))
        c.source.apply(service("web", 80), endpoint_slice("web", [one.endpoint]))
        await c.settled()
        [port] = c.proxy.snapshot().ports
        assert (port.state, port.reason) == ("taken", "no descriptors are left in a worker")
        resource.prlimit(poor, resource.RLIMIT_NOFILE, (soft, hard))
        await until(lambda: states(c) == {"web": "listening"})
        streams = [await asyncio.open_connection(*c.proxy.address("web")) for _ in range(40)]
        for reader, writer in streams:
            writer.write(b"x")
            await reader.readuntil(b"x")
            writer.close()
        assert min(await c.by_worker()) > 0


@pytest.mark.spec("L6")
async def test_hundreds_of_service_ports_come_go_and_leave_nothing() -> None:
    """In several messages each way, while connections are open."""
    count = 300
    async with TcpEcho("one") as one, crew() as c:
        for _ in range(2):
            before = c.fleet._groups._descriptors.used
            for number in range(count):
                c.source.apply(service(f"web-{number}", 80), endpoint_slice(f"web-{number}", [one.endpoint]))
            await c.settled()
            assert set(states(c).values()) == {"listening"}
            assert len(states(c)) == count
            for number in range(0, count, 50):
                assert "x" in await say(c.proxy.address(f"web-{number}"), "x")
            for number in range(count):
                c.source.delete("Service", f"web-{number}")
            await c.settled()
            assert states(c) == {}
            assert c.fleet._groups._descriptors.used == before
