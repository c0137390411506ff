"""A successor that fails leaves the old process as it was, with nothing lost; the last message decides."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.dataplane.harness import Peer
from tests.dataplane.udp_peers import UdpPeer
from tests.takeover.processes import EPHEMERAL, Old, Successor, holding, serving, successor
from userproxy import MemorySource, Proxy
from userproxy.dataplane.handover import HeldClient
from userproxy.dataplane.inheritance import SharedListener
from userproxy.errors import TakeoverError
from userproxy.takeover import server
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho
from userproxy.testing.objects import endpoint_slice, service

pytestmark = pytest.mark.both_loops
HOLD = {"userproxy.dev/hold": "1h"}


@dataclass
class Served:
    """The old process, with a flow, and with clients that wait, of TCP and of UDP."""

    old: Old
    source: MemorySource
    echo: TcpEcho
    datagrams: UdpEcho
    asker: UdpPeer
    patient: Peer
    patient_asker: UdpPeer

    async def frozen(self) -> Successor:
        """A successor that has everything, and has not said that it serves."""
        new = Successor(self.old.channel())
        await new.greet()
        listeners = await new.ask("listeners")
        assert len([item for item in listeners if isinstance(item, SharedListener)]) == 4
        assert len(await new.ask("flows")) == 1
        assert len(await new.ask("freeze", unwanted=[])) == 3  # changes of flows, a client, a datagram
        return new

    async def goes_on(self) -> None:
        """What was asked while it was frozen is answered, and who waited is served."""
        assert await self.asker.receive() == b"while it was frozen"
        self.source.apply(
            endpoint_slice("slow", [self.echo.endpoint]),
            endpoint_slice("slow-dns", [self.datagrams.endpoint], protocol="UDP"),
        )
        assert await self.patient.receive_exactly(7) == b"patient"
        assert await self.patient_asker.receive() == b"patient"
        with await Peer.connect(self.old.proxy.address("web")) as client:
            await client.send(b"new")
            assert await client.receive_exactly(3) == b"new"
        assert not self.old.replaced


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with TcpEcho() as echo, UdpEcho() as datagrams:
        source = holding(
            service("web", 80),
            endpoint_slice("web", [echo.endpoint]),
            service("dns", "53/UDP"),
            endpoint_slice("dns", [datagrams.endpoint], protocol="UDP"),
            service("slow", 80, annotations=HOLD),
            service("slow-dns", "53/UDP", annotations=HOLD),
        )
        async with serving(tmp_path / "s", source) as old:
            asker = UdpPeer.to(old.proxy.address("dns"))
            patient_asker = UdpPeer.to(old.proxy.address("slow-dns"))
            with asker.sock, patient_asker.sock, await Peer.connect(old.proxy.address("slow")) as patient:
                asker.send(b"flow")
                assert await asker.receive() == b"flow"
                await patient.send(b"patient")
                patient_asker.send(b"patient")
                while sum(port.held for port in old.proxy.snapshot().ports) < 2:
                    await asyncio.sleep(0)
                yield Served(old, source, echo, datagrams, asker, patient, patient_asker)


async def test_a_successor_that_dies_with_everything_in_its_hands(served: Served) -> None:
    new = await served.frozen()
    served.asker.send(b"while it was frozen")
    new.close()
    await served.goes_on()


async def test_a_successor_that_hangs(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is over; what it says afterwards reaches nobody, so it knows that it may not serve."""
    monkeypatch.setattr(server, "FROZEN_LIMIT_S", 0.2)
    new = await served.frozen()
    served.asker.send(b"while it was frozen")
    await served.goes_on()
    with pytest.raises(TakeoverError, match="the other process is gone"):
        new.serving()
    new.close()


async def test_a_successor_that_talks_nonsense(served: Served) -> None:
    new = await served.frozen()
    served.asker.send(b"while it was frozen")
    new.channel.send({"ask": "listeners"})
    await served.goes_on()
    new.close()


async def test_a_successor_that_served_for_a_moment_has_taken_over(served: Served) -> None:
    """It said so, and has died before the old process could read it."""
    new = await served.frozen()
    new.serving()
    new.close()
    while not served.old.replaced:
        await asyncio.sleep(0)
    report = await served.old.proxy.drain(0)
    assert (report.drained, report.cut) == (0, 0)


async def test_the_old_process_is_stopped_just_when_the_new_one_serves(served: Served) -> None:
    new = await served.frozen()
    new.serving()
    await served.old.server.close()  # before it has read that
    assert len(served.old.replaced) == 1
    new.close()


async def test_the_old_process_is_stopped_before_the_new_one_serves(served: Served) -> None:
    new = await served.frozen()
    served.asker.send(b"while it was frozen")
    await served.old.server.close()
    with pytest.raises(TakeoverError, match="the other process is gone"):
        new.serving()
    new.close()
    await served.goes_on()


async def test_routes_wait_while_somebody_takes_over_and_are_in_force_after_it_failed(
    served: Served,
) -> None:
    new = await served.frozen()
    served.source.apply(service("late", 80), endpoint_slice("late", [served.echo.endpoint]))
    settled = asyncio.create_task(served.old.proxy.settled())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not settled.done()
    new.close()
    await settled
    with await Peer.connect(served.old.proxy.address("late")) as client:
        await client.send(b"late")
        assert await client.receive_exactly(4) == b"late"


async def test_L9_nobody_s_time_runs_out_while_two_processes_have_the_client(tmp_path: Path) -> None:
    """A reset by the old process would be one in the new process too."""
    hold = {"userproxy.dev/hold": "1s"}
    source = holding(service("frozen", 80, annotations=hold), service("unwanted", 80, annotations=hold))
    async with serving(tmp_path / "s", source) as old:
        new = Successor(old.channel())
        await new.greet()
        listeners = await new.ask("listeners")
        unwanted = [
            item.number
            for item in listeners
            if isinstance(item, SharedListener) and item.key.name.name == "unwanted"
        ]
        await new.ask("flows")
        with await Peer.connect(old.proxy.address("frozen")) as patient:
            while not any(port.held for port in old.proxy.snapshot().ports):
                await asyncio.sleep(0)
            await new.ask("freeze", unwanted=unwanted)
            with await Peer.connect(old.proxy.address("unwanted")) as later:
                with pytest.raises(ConnectionResetError):
                    await later.receive()
            assert sum(port.held for port in old.proxy.snapshot().ports) == 1
            new.close()
            with pytest.raises(ConnectionResetError):
                await patient.receive()
            assert not any(port.held for port in old.proxy.snapshot().ports)


async def test_L9_no_time_runs_out_in_a_new_process_that_does_not_serve_yet() -> None:
    source = holding(service("web", 80, annotations=HOLD))
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with Proxy(source, settings=EPHEMERAL, dormant=True) as new:
            new.resume()
            await new.settled()
            [port] = new.plane._ports.values()
            assert port.intake is not None
            intake = port.intake
            heir = new.plane.heir()
            listener = SharedListener(0, port.key, intake.host, intake.port, intake.sock)
            assert heir.unwanted([listener]) == ()
            with await Peer.connect(server.getsockname()) as patient:
                client, _ = server.accept()
                client.setblocking(False)
                heir.adopt_client(HeldClient(0, "127.0.0.1", 0.0, client))
                later = asyncio.Event()
                new.plane._runtime.deadlines.after(0.0, later.set)
                await later.wait()
                assert port.counters.held == 1
                new.plane.wake()
                with pytest.raises(ConnectionResetError):
                    await patient.receive()


async def test_more_items_than_fit_into_one_message(served: Served) -> None:
    """Flows and listeners go in batches."""
    asker_address = served.asker.sock.getpeername()
    clients = [UdpPeer.to(asker_address) for _ in range(250)]
    try:
        for number, client in enumerate(clients):
            client.send(b"%d" % number)
            assert await client.receive() == b"%d" % number
        sources = set(served.datagrams.clients)
        names = [f"s{number}" for number in range(120)]
        served.source.apply(*(service(name, 80) for name in names))
        await served.old.proxy.settled()
        same = holding(
            service("dns", "53/UDP"),
            endpoint_slice("dns", [served.datagrams.endpoint], protocol="UDP"),
            *(service(name, 80) for name in names),
        )
        async with successor(served.old, same) as new:
            assert new.address("dns") == asker_address
            assert len(new.snapshot().ports) == 121
            await served.old.proxy.drain(0)
            for number, client in enumerate(clients):
                client.send(b"again %d" % number)
                assert await client.receive() == b"again %d" % number
            assert served.datagrams.clients == sources
    finally:
        for client in clients:
            client.sock.close()
