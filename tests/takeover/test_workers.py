"""A takeover between proxies with two workers each: worker by worker, with nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.dataplane.harness import Peer
from tests.dataplane.udp_peers import UdpPeer
from tests.dataplane.udp_peers import clients as udp_clients
from tests.takeover.fleets import (
    CLIENTS,
    asked,
    echoed,
    fleet_of,
    in_vain,
    kill,
    source_of,
    under_way,
)
from tests.takeover.processes import EPHEMERAL, Successor, holding, serving, successor
from tests.workers.crew import LIMIT_S, TWO, say, until
from userproxy import Proxy, Settings
from userproxy.dataplane.binding import Move
from userproxy.dataplane.handover import Line
from userproxy.dataplane.heir import Heir
from userproxy.dataplane.inheritance import SharedListener
from userproxy.errors import TakeoverError
from userproxy.takeover import server
from userproxy.takeover.predecessor import Predecessor
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho
from userproxy.testing.objects import endpoint_slice, service
from userproxy.workers.fleet import Fleet
from userproxy.workers.handover import FleetHeir
from userproxy.workers.link import Link

pytestmark = pytest.mark.both_loops
HOLD = {"userproxy.dev/hold": "1h"}


@pytest.mark.proxied
async def test_flows_keep_their_sockets_and_connections_their_process(tmp_path: Path) -> None:
    async with TcpEcho() as tcp, UdpEcho() as udp:
        async with serving(tmp_path / "s", source_of(tcp, udp), TWO) as old:
            web, dns = old.proxy.address("web"), old.proxy.address("dns")
            with udp_clients(CLIENTS, dns) as clients, await Peer.connect(web) as kept:
                await kept.send(b"before")
                assert await kept.receive_exactly(6) == b"before"
                await asked(clients, b"before")
                sources = set(udp.clients)
                async with successor(old, source_of(tcp, udp), TWO) as new:
                    assert (new.address("web"), new.address("dns")) == (web, dns)
                    draining = asyncio.create_task(old.proxy.drain(60.0))
                    await asked(clients, b"after")
                    assert udp.clients == sources
                    await echoed(web)
                    await kept.send(b"still")
                    assert await kept.receive_exactly(5) == b"still"
                    kept.close()
                    report = await draining
                    assert (report.drained, report.cut) == (1, 0)
                    await new.settled()
                    by_name = {port.key.name.name: port for port in new.snapshot().ports}
                    assert (by_name["dns"].open, by_name["web"].accepted) == (CLIENTS, 1)


@pytest.mark.proxied
async def test_what_was_handed_over_is_no_longer_shown_as_served(tmp_path: Path) -> None:
    """Also by the worker that has nothing open; only one of the two has."""
    async with TcpEcho() as tcp, UdpEcho() as udp:
        async with serving(tmp_path / "s", source_of(tcp, udp), TWO) as old:
            with await Peer.connect(old.proxy.address("web")) as kept:
                await kept.send(b"kept")
                assert await kept.receive_exactly(4) == b"kept"
                async with successor(old, source_of(tcp, udp), TWO):
                    await until(lambda: {port.state for port in old.proxy.snapshot().ports} == {"draining"})
                    await until(lambda: sum(port.open for port in old.proxy.snapshot().ports) == 1)


@pytest.mark.proxied
async def test_B2_L9_affinity_and_whoever_waits_go_over(tmp_path: Path) -> None:
    web = service("web", 80, sessionAffinity="ClientIP", annotations=HOLD)
    dns = service("dns", "53/UDP", annotations=HOLD)
    many = service("many", 80, sessionAffinity="ClientIP")
    async with TcpEcho("a") as a, TcpEcho("b") as b, TcpEcho("c") as c, UdpEcho() as udp:
        slices = [endpoint_slice("many", [one.endpoint], name=f"many-{one.name}") for one in (a, b, c)]
        async with serving(tmp_path / "s", holding(web, dns, many, *slices), TWO) as old:
            address = old.proxy.address("many")
            hosts = [f"127.0.1.{number}" for number in range(1, 20)]
            before = {host: await say(address, "x", host) for host in hosts}
            asker = UdpPeer.to(old.proxy.address("dns"))
            with asker.sock, await Peer.connect(old.proxy.address("web")) as patient:
                await patient.send(b"patient")
                asker.send(b"patient")
                await held(old.proxy, 2)
                source = holding(web, dns, many, *slices)
                async with successor(old, source, TWO) as new:
                    await old.proxy.drain(0)
                    await held(new, 2)
                    source.apply(
                        endpoint_slice("web", [a.endpoint]),
                        endpoint_slice("dns", [udp.endpoint], protocol="UDP"),
                    )
                    assert (await patient.receive_exactly(9))[-7:] == b"patient"
                    assert (await asker.receive())[-7:] == b"patient"
                    assert {host: await say(address, "x", host) for host in hosts} == before


async def held(proxy: Proxy, count: int) -> None:
    """Return when so many clients wait."""
    while sum(port.held for port in proxy.snapshot().ports) != count:
        await proxy.settled()


async def test_a_new_worker_dies_once_all_old_ones_are_frozen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new process says so and ends; the old one goes on."""
    usual = FleetHeir.completed

    async def completed(heir: FleetHeir) -> None:
        await usual(heir)
        for client in clients:  # nobody reads this now
            client.send(b"while it was frozen")
        kill(heir._links[1])
        heir._missing = {0, 1}
        await heir._all_say(60.0)

    monkeypatch.setattr(FleetHeir, "completed", completed)
    async with under_way(tmp_path) as (old, clients, udp, source):
        sources = set(udp.clients)
        await in_vain(old, source, r"worker 1: has ended")
        for client in clients:
            assert await client.receive() == b"while it was frozen"
        await asked(clients, b"after")
        assert udp.clients == sources
        await echoed(old.proxy.address("web"))
        monkeypatch.undo()
        async with successor(old, source, TWO):  # and it works the next time
            await asked(clients, b"taken over")
            assert udp.clients == sources


async def test_a_new_worker_dies_before_it_has_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that replaces it comes too late to take over."""
    usual = Fleet.inherit

    def inherit(fleet: Fleet, listeners: Iterable[SharedListener], moves: Iterable[Move]) -> None:
        usual(fleet, listeners, moves)
        kill(fleet._links[0])

    monkeypatch.setattr(Fleet, "inherit", inherit)
    async with under_way(tmp_path) as (old, clients, udp, source):
        sources = set(udp.clients)
        await in_vain(old, source, r"worker 0: has ended")
        await asked(clients, b"after")
        assert udp.clients == sources
        await echoed(old.proxy.address("web"))


@pytest.mark.proxied
async def test_T8_what_refused_in_the_old_workers_opens_in_the_new_ones(tmp_path: Path) -> None:
    """A UDP socket that has refused is in no group any more, so each worker gets a new one."""
    async with TcpEcho() as tcp, UdpEcho() as udp:
        source = source_of(tcp, udp)
        async with serving(tmp_path / "s", source, TWO) as old:
            web, dns = old.proxy.address("web"), old.proxy.address("dns")
            source.delete("EndpointSlice", "web")
            source.delete("EndpointSlice", "dns")
            await old.proxy.settled()
            assert {port.state for port in old.proxy.snapshot().ports} == {"refusing"}
            async with successor(old, source_of(tcp, udp), TWO) as new:
                await old.proxy.drain(0)
                await new.settled()
                with udp_clients(CLIENTS, dns) as clients:
                    await asked(clients, b"new")
                await echoed(web)


async def test_an_old_worker_dies_while_it_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its flows are gone with it; the others stay, and nothing is refused."""
    usual = FleetHeir.caught_up

    async def caught_up(heir: FleetHeir) -> None:
        kill(fleet_of(old.proxy)._links[1])
        await usual(heir)

    monkeypatch.setattr(FleetHeir, "caught_up", caught_up)
    async with under_way(tmp_path) as (old, clients, _, source):
        await in_vain(old, source, "worker 1: the other process is gone")
        await asked(clients, b"after")
        await echoed(old.proxy.address("web"))
        monkeypatch.undo()
        await until(lambda: all(link.serving for link in fleet_of(old.proxy)._links))
        async with successor(old, source, TWO) as new:
            await asked(clients, b"taken over")
            await echoed(new.address("web"))


async def test_a_new_parent_that_hangs_with_everything_frozen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FROZEN_LIMIT_S", 0.5)
    usual = FleetHeir.completed

    async def completed(heir: FleetHeir) -> None:
        await usual(heir)
        for number, client in enumerate(clients):
            client.send(b"%d" % number)
        for number, client in enumerate(clients):  # the old side has lost patience
            assert await client.receive() == b"%d" % number

    monkeypatch.setattr(FleetHeir, "completed", completed)
    async with under_way(tmp_path) as (old, clients, udp, source):
        sources = set(udp.clients)
        await in_vain(old, source, "the other process is gone")
        await asked(clients, b"after")
        assert udp.clients == sources
        assert not old.replaced


async def test_nobody_takes_over_while_a_worker_is_being_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with under_way(tmp_path) as (old, clients, _, source):
        monkeypatch.setattr(Link, "serving", property(lambda link: link.index != 1))
        await in_vain(old, source, "a worker is being replaced; try again")
        await asked(clients, b"after")
        monkeypatch.undo()
        async with successor(old, source, TWO):
            await asked(clients, b"taken over")


async def test_a_worker_that_was_replaced_meanwhile_lets_go_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never was asked for anything, and stops with the others."""
    usual = FleetHeir.completed

    async def completed(heir: FleetHeir) -> None:
        await usual(heir)
        link = fleet_of(old.proxy)._links[1]
        kill(link)
        await until(lambda: not link.serving)
        await until(lambda: link.serving)
        await old.proxy.sockets.published()

    monkeypatch.setattr(FleetHeir, "completed", completed)
    async with under_way(tmp_path) as (old, clients, udp, source):
        sources = set(udp.clients)
        async with successor(old, source, TWO) as new:
            report = await old.proxy.drain(60.0)
            assert (report.drained, report.cut) == (0, 0)
            await asked(clients, b"after")
            assert udp.clients == sources
            for _ in range(20):  # both workers listen
                await echoed(new.address("web"))


async def test_S12_L6_what_the_new_one_does_not_serve_ends_and_its_address_is_free(tmp_path: Path) -> None:
    async with TcpEcho() as tcp, UdpEcho() as udp:
        more = service("more", 80), endpoint_slice("more", [tcp.endpoint])
        source = source_of(tcp, udp)
        source.apply(*more)
        async with serving(tmp_path / "s", source, TWO) as old:
            gone = old.proxy.address("more")
            with await Peer.connect(gone) as kept:
                await kept.send(b"kept")
                assert await kept.receive_exactly(4) == b"kept"
                async with successor(old, source_of(tcp, udp), TWO) as new:
                    draining = asyncio.create_task(old.proxy.drain(60.0))
                    await refused(gone)
                    await kept.send(b"still")
                    assert await kept.receive_exactly(5) == b"still"
                    web = new.address("web")
                    with socket.create_server(gone), pytest.raises(OSError, match="in use"):
                        socket.create_server(web)
                    kept.close()
                    assert (await draining).cut == 0


async def refused(address: tuple[str, int]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                with await Peer.connect(address):
                    await asyncio.sleep(0)
            except ConnectionRefusedError:
                return
            except ConnectionResetError:  # in the instant of the stop
                continue


@pytest.mark.parametrize("workers", [1, 3])
async def test_another_number_of_workers_is_refused_in_one_line(tmp_path: Path, workers: int) -> None:
    async with under_way(tmp_path) as (old, clients, _, source):
        other = replace(EPHEMERAL, workers=workers)
        says = f"runs with --workers 2, this one with --workers {workers}: must be equal"
        await in_vain(old, source, says, other)
        await asked(clients, b"after")
        await echoed(old.proxy.address("web"))


async def test_a_successor_that_gives_up_with_the_sockets_of_all_workers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each address has a socket for each worker, and a lock; each worker a line."""
    async with under_way(tmp_path) as (old, clients, udp, source):
        sources = set(udp.clients)
        new = Successor(old.channel())
        await new.greet(workers=2)
        listeners = await new.ask("listeners")
        members = [(item.number, item.worker) for item in listeners if isinstance(item, SharedListener)]
        assert members == [(number, worker) for number in (0, 1) for worker in (None, 0, 1)]
        lines = await new.ask("flows")
        assert [item.worker for item in lines if isinstance(item, Line)] == [0, 1]
        new.channel.close()  # the lines stay open for a while
        await until(lambda: not old.server.sessions)
        await asked(clients, b"after")
        await old.proxy.settled()
        new.close()
        async with successor(old, source, TWO):
            await asked(clients, b"taken over")
        assert udp.clients == sources
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize(("settings", "heir"), [(replace(EPHEMERAL, workers=1), Heir), (TWO, FleetHeir)])
async def test_the_old_one_is_stopped_when_both_have_the_listening_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings, heir: type
) -> None:
    """Its stop makes them refuse; whoever has them still opens them again."""

    async def caught_up(self: object) -> None:
        await old.server.close()
        await old.proxy.drain(0)

    monkeypatch.setattr(heir, "caught_up", caught_up)
    async with TcpEcho() as tcp, UdpEcho() as udp, contextlib.AsyncExitStack() as stack:
        old = await stack.enter_async_context(serving(tmp_path / "s", source_of(tcp, udp), settings))
        web, dns = old.proxy.address("web"), old.proxy.address("dns")
        async with Proxy(source_of(tcp, udp), settings=settings, dormant=True) as new:
            predecessor = Predecessor(old.connect(), "s")
            await predecessor.greet("", settings.workers)
            with pytest.raises(TakeoverError, match="is gone"):
                await predecessor.hand_over_to(new)
            predecessor.close()
            await stack.aclose()
            new.sockets.wake()
            new.resume()
            await new.settled()
            for _ in range(10):
                await echoed(web)
            with udp_clients(CLIENTS, dns) as clients:
                await asked(clients, b"again")
