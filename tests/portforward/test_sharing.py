"""How connections share the upgrades of a pod, and wait where there is no room."""

from __future__ import annotations

import asyncio

from tests.dataplane.harness import Peer
from tests.portforward.fake_server import only
from tests.portforward.harness import Forwarding, forwarding, works
from userproxy.portforward import ForwardLimits
from userproxy.portforward.handshake import Way


async def test_connections_to_one_pod_share_an_upgrade() -> None:
    async with forwarding() as f:
        clients = [await Peer.connect(f.address) for _ in range(20)]
        pods = []
        for number, client in enumerate(clients):
            await client.send(b"%d" % number)
            pods.append(await f.server.next_end())
        assert len(f.server.upgrades) == 1
        for pod in pods:
            await pod.until(lambda end: bool(end.got))
            pod.send(b"<%s>" % pod.got, fin=True)
        for number, client in enumerate(clients):
            assert await client.receive_exactly(len(str(number)) + 2) == b"<%d>" % number
            client.close()


async def test_a_client_that_never_reads_stops_its_upgrade_and_new_ones_get_another() -> None:
    async with forwarding() as f:
        with await Peer.connect(f.address) as lazy:
            pod = await f.server.next_end()
            # Kernels take megabytes at first; what waits at the server now is not read any more.
            while pod.upgrade.transport.get_write_buffer_size() < 16_000_000:
                pod.send(bytes(200_000))
                await asyncio.sleep(0)
            assert f.forwarder.counters.stalls >= 1
            await works(f)
            assert len(f.server.upgrades) == 2
            await lazy.receive_exactly(1_000_000)
            pod.fin()
            while await lazy.receive(1 << 20):
                pass
            lazy.fin()
            await pod.until(lambda end: end.ended)


async def test_32_connections_an_upgrade_and_8_upgrades_then_they_wait() -> None:
    limits = ForwardLimits(pairs_per_upgrade=2, upgrades_per_pod=2)
    async with forwarding(limits=limits) as f:
        clients = [await Peer.connect(f.address) for _ in range(4)]
        pods = [await f.server.next_end() for _ in clients]
        assert len(f.server.upgrades) == 2
        with await Peer.connect(f.address) as fifth:
            await fifth.send(b"5")
            for peer in clients:
                peer.reset()
            pod = await f.server.next_end()
            assert await pod.receive_exactly(1) == b"5"
        assert len(f.server.upgrades) == 2
        for end in pods:
            await end.until(lambda end: end.was_reset)


async def test_who_waits_gets_the_place_of_a_channel_that_ended_in_order() -> None:
    async with forwarding(limits=ForwardLimits(pairs_per_upgrade=1, upgrades_per_pod=1)) as f:
        only(f.server, Way.CHANNELS)
        with await Peer.connect(f.address):
            await f.server.next_upgrade()
            with await Peer.connect(f.address):
                await _one_waits(f)
                f.server.upgrades[0].message(8, b"")
                await f.server.next_upgrade()
            assert _failures(f) == [0]


async def test_who_waits_gets_the_place_of_an_upgrade_that_takes_no_more() -> None:
    async with forwarding(limits=ForwardLimits(upgrades_per_pod=1)) as f:
        with await Peer.connect(f.address) as old:
            pod = await f.server.next_end()
            pod.upgrade.session.goaway()
            pod.send(b"1")
            await old.receive_exactly(1)
            with await Peer.connect(f.address) as fresh:
                await fresh.send(b"2")
                await _one_waits(f)
                old.reset()
                assert await (await f.server.next_end()).receive_exactly(1) == b"2"
            assert _failures(f) == [0]


async def _one_waits(f: Forwarding) -> None:
    """Until a connection waits for an upgrade."""
    while not any(upgrades._waiting for upgrades in f.forwarder._pods.values()):
        await asyncio.sleep(0)


def _failures(f: Forwarding) -> list[int]:
    """Dials that failed, by endpoint: who waits too long has given up once."""
    return [seen.dial_failures for seen in f.plane.plane.snapshot()[0].endpoints]
