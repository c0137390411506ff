"""Clients that wait for an endpoint, while their Service changes in every way that it can."""

from __future__ import annotations

import pytest

from tests.dataplane.harness import Peer
from tests.integration.world import World, until, world
from tests.option import in_one_process_only
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

HOLD = {"userproxy.dev/hold": "24h"}


def held(w: World) -> int:
    return sum(port.held for port in w.proxy.snapshot().ports)


async def waiting_client(w: World) -> Peer:
    """One that is held."""
    before = held(w)
    client = await Peer.connect(w.proxy.address("web"))
    await until(lambda: held(w) == before + 1)
    return client


async def is_reset(client: Peer) -> None:
    with pytest.raises(ConnectionResetError), client:
        await client.receive()


async def test_L6_TH_a_service_goes_while_clients_wait_at_its_present_and_earlier_ports() -> None:
    async with world() as w:
        clients = []
        for port in (80, 81, 82):
            w.source.apply(service("web", port, annotations=HOLD))
            await w.settled()
            clients.append(await waiting_client(w))
        w.source.delete("Service", "web")
        await w.settled()
        for client in clients:
            await is_reset(client)
        await w.quiet()
        assert w.ended() == {"TH": 3}


async def test_L9_NH_hold_that_is_switched_off_lets_nobody_wait_on() -> None:
    async with world() as w:
        w.source.apply(service("web", 80, annotations=HOLD))
        await w.settled()
        client = await waiting_client(w)
        w.source.apply(service("web", 80))
        await w.settled()
        await is_reset(client)
        await w.quiet()
        assert w.ended() == {"NH": 1}


async def test_L9_S12_waiting_clients_of_every_earlier_port_are_let_through() -> None:
    async with TcpEcho() as echo, world() as w:
        clients = []
        for port in (80, 81, 82):
            w.source.apply(service("web", port, annotations=HOLD))
            await w.settled()
            clients.append(await waiting_client(w))
        w.source.apply(endpoint_slice("web", [echo.endpoint]))
        await w.settled()
        for position, client in enumerate(clients):
            with client:
                await client.send(b"%d" % position)
                client.fin()
                assert await client.receive_exactly(1) == b"%d" % position
                assert await client.receive() == b""
        await w.quiet()
        assert w.ended() == {"--": 3}


@in_one_process_only("each worker has deadlines of its own, and only counters are told")
async def test_L9_CH_clients_that_wait_and_go_leave_nothing_for_the_rest_of_their_time() -> None:
    async with world() as w:
        w.source.apply(service("web", 80, annotations=HOLD))
        await w.settled()
        patient = await waiting_client(w)
        for _ in range(40):
            for client in [await Peer.connect(w.proxy.address("web")) for _ in range(100)]:
                client.reset()
            await until(lambda: held(w) <= 1)
        await until(lambda: w.ended()["CH"] + w.ended()["CD"] == 4000)
        assert len(w.runtime.deadlines) <= 10  # those of the one that waits still
        w.source.delete("Service", "web")
        await w.settled()
        await is_reset(patient)
        await w.quiet()
