"""A worker that dies or hangs costs its own connections, and is replaced; its listeners never refuse."""

from __future__ import annotations

import asyncio
import os
import signal
import socket

import pytest

from tests.workers.crew import LIMIT_S, TWO, Crew, crew, refused, running, say, until
from userproxy import MemorySource, Proxy
from userproxy.errors import WorkerError
from userproxy.model.routes import RouteKey
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

pytestmark = pytest.mark.both_loops

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def served(c: Crew, backend: TcpEcho) -> tuple[str, int]:
    """The address of one Service on ``backend``."""
    c.source.apply(service("web", 80), endpoint_slice("web", [backend.endpoint]))
    await c.settled()
    return c.proxy.address("web")


async def opened(address: tuple[str, int], count: int) -> list[Stream]:
    """Connections that have reached the endpoint."""
    streams = [await asyncio.open_connection(*address) for _ in range(count)]
    for reader, writer in streams:
        writer.write(b"x")
        await reader.readuntil(b"x")
    return streams


async def outcome(stream: Stream) -> str:
    """Whether a connection still works."""
    reader, writer = stream
    try:
        writer.write(b"y")
        await reader.readuntil(b"y")
        return "works"
    except (ConnectionError, asyncio.IncompleteReadError):
        return "ended"
    finally:
        writer.close()


async def replaced(c: Crew, *old: int) -> None:
    """Wait until there are two workers, and none of ``old``."""
    await until(lambda: all(link.pid and link.pid not in old and link._greeted for link in c.links))
    await c.settled()


async def test_a_killed_worker_costs_its_own_connections_and_no_other() -> None:
    async with TcpEcho("one") as one, crew() as c:
        address = await served(c, one)
        streams = await opened(address, 60)
        shares = await c.by_worker()
        assert min(shares) > 0
        victim = c.pids()[0]
        os.kill(victim, signal.SIGKILL)
        await replaced(c, victim)
        outcomes = [await outcome(stream) for stream in streams]
        assert (outcomes.count("ended"), outcomes.count("works")) == (shares[0], shares[1])
        [lost] = c.events.named("worker_lost")
        assert (lost["worker"], lost["message"]) == (0, "ended by SIGKILL")
        port = await c.port()
        assert port.accepted == 60
        assert dict(port.ends)["XT"] == shares[0]
        assert "x" in await say(address, "x")


async def test_who_comes_while_a_worker_is_dead_is_not_refused_and_is_served_by_the_next() -> None:
    """Clients that connect from the kill on, in a row: some wait in the queue of the dead one."""
    async with TcpEcho("one") as one, crew() as c:
        address = await served(c, one)
        for index in (0, 1, 0):
            victim = c.pids()[index]
            os.kill(victim, signal.SIGSTOP)  # nobody accepts from its queue from here on
            streams = [await asyncio.open_connection(*address) for _ in range(40)]
            os.kill(victim, signal.SIGKILL)
            streams += [await asyncio.open_connection(*address) for _ in range(40)]
            await replaced(c, victim)
            assert [await outcome(stream) for stream in streams] == ["works"] * 80


async def test_all_workers_killed_at_once_refuse_nobody() -> None:
    async with TcpEcho("one") as one, crew() as c:
        address = await served(c, one)
        old = c.kill_all()
        streams = [await asyncio.open_connection(*address) for _ in range(40)]
        await replaced(c, *old)
        assert [await outcome(stream) for stream in streams] == ["works"] * 40
        assert c.proxy.address("web") == address


async def test_a_worker_that_is_stopped_is_noticed_killed_and_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with TcpEcho("one") as one, crew() as c:
        address = await served(c, one)
        monkeypatch.setattr("userproxy.workers.link.BEAT_S", 0.2)
        monkeypatch.setattr("userproxy.workers.link.BEATS_UNTIL_STARTED", 1000)
        victim = c.pids()[1]
        os.kill(victim, signal.SIGSTOP)
        streams = [await asyncio.open_connection(*address) for _ in range(40)]
        await replaced(c, victim)
        assert not running(victim)
        assert [await outcome(stream) for stream in streams] == ["works"] * 40
        [lost] = c.events.named("worker_lost")
        assert (lost["worker"], lost["message"]) == (1, "no answer for 1 s")


async def test_a_change_settles_though_a_worker_dies_meanwhile() -> None:
    async with TcpEcho("one") as one, TcpEcho("two") as two, crew() as c:
        address = await served(c, one)
        victim = c.pids()[0]
        os.kill(victim, signal.SIGSTOP)
        c.source.apply(endpoint_slice("web", [two.endpoint]))
        settling = asyncio.create_task(c.proxy.settled(LIMIT_S))
        await until(lambda: c.links[1]._marks_sent > 1)
        assert not settling.done()
        os.kill(victim, signal.SIGKILL)
        await settling
        await replaced(c, victim)
        answers = [await say(address, "x") for _ in range(40)]
        assert all(answer.startswith("two") for answer in answers)


async def test_a_new_worker_gets_what_changed_while_there_was_none() -> None:
    """It refuses what has no endpoint any more, though the socket that it gets listens."""
    async with TcpEcho("one") as one, crew() as c:
        address = await served(c, one)
        old = c.kill_all()
        c.source.apply(endpoint_slice("web", []))
        await replaced(c, *old)
        await refused(address)


async def test_one_that_dies_young_again_and_again_is_replaced_ever_later() -> None:
    async with TcpEcho("one") as one, crew() as c:
        await served(c, one)
        for _ in range(3):
            victim = c.pids()[0]
            os.kill(victim, signal.SIGKILL)
            await replaced(c, victim)
        assert [lost["retry_s"] for lost in c.events.named("worker_lost")] == [0.0, 0.5, 1.0]


async def test_workers_that_never_start_end_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("userproxy.workers.link.PAUSES_S", (0.0,))
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(WorkerError, match=r"worker \d does not start: exit code 1"):
        async with Proxy(MemorySource(), settings=TWO):
            await asyncio.sleep(LIMIT_S)


async def test_a_program_that_is_not_there_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(WorkerError, match="workers cannot be started: No such file or directory"):
        async with Proxy(MemorySource(), settings=TWO):
            pass


async def test_a_kill_during_a_drain_counts_what_it_cut() -> None:
    async with TcpEcho("one") as one, crew() as c:
        streams = await opened(await served(c, one), 60)
        shares = await c.by_worker()
        victim = c.pids()[0]
        draining = asyncio.create_task(c.proxy.drain(LIMIT_S))
        await until(lambda: all(port.state == "draining" for port in c.proxy.snapshot().ports))
        os.kill(victim, signal.SIGKILL)
        await until(lambda: not running(victim) or c.links[0].pid is None)
        for _, writer in streams:
            writer.close()
        report = await draining
        assert (report.drained, report.cut) == (shares[1], shares[0])
        assert c.events.named("worker_lost") == []


@pytest.mark.spec("L6")
async def test_a_drain_while_workers_are_dead_or_just_starting_takes_nothing_in() -> None:
    async with TcpEcho("one") as one, crew() as c:
        address = await served(c, one)
        c.kill_all()
        await until(lambda: not all(link.serving for link in c.links))
        report = await c.proxy.drain(LIMIT_S)
        assert (report.drained, report.cut) == (0, 0)
        await refused(address)


@pytest.mark.spec("L6")
async def test_workers_ignore_what_stops_a_whole_group() -> None:
    async with TcpEcho("one") as one, crew() as c:
        [stream] = await opened(await served(c, one), 1)
        for pid in c.pids():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                os.kill(pid, number)
        await c.settled()
        assert await outcome(stream) == "works"
        assert c.events.named("worker_lost") == []


async def test_what_is_not_our_protocol_is_a_worker_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    async with TcpEcho("one") as one, crew() as c:
        address = await served(c, one)
        link = c.links[0]
        assert link._channel is not None
        victim = link.pid
        theirs = socket.socket(fileno=os.dup(link._channel._sock.fileno()))
        with theirs:  # what a worker reads that is no frame ends it
            theirs.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert victim is not None
        await replaced(c, victim)
        assert "x" in await say(address, "x")


async def test_what_waits_for_a_slow_worker_is_the_newest_of_each_and_no_more() -> None:
    async with TcpEcho("one") as one, TcpEcho("two") as two, crew() as c:
        address = await served(c, one)
        link = c.links[0]
        os.kill(c.pids()[0], signal.SIGSTOP)
        many = [f"10.0.{n // 250}.{n % 250 + 1}:80" for n in range(900)]  # fills the socket soon
        for turn in range(100):
            c.source.apply(endpoint_slice("web", many[turn:]), service(f"other-{turn % 3}", 80))
            c.source.apply(endpoint_slice("web", [two.endpoint]))
            await asyncio.sleep(0)
            assert len([key for key in link._pending if isinstance(key, RouteKey)]) <= 4
        os.kill(c.pids()[0], signal.SIGCONT)
        await c.settled()
        assert c.events.named("worker_lost") == []
        answers = [await say(address, "x") for _ in range(40)]
        assert all(answer.startswith("two") for answer in answers)
