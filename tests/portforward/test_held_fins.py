"""Clients' FINs that wait for the pod's end keep no place that others need (rule C2)."""

from __future__ import annotations

import asyncio

import pytest

from tests.dataplane.harness import Peer
from tests.portforward.fake_server import PodEnd
from tests.portforward.harness import Forwarding, forwarding
from userproxy.portforward import ForwardLimits

FEW = ForwardLimits(pairs_per_upgrade=4, upgrades_per_pod=1, scarce_fin_idle_s=0.0)


async def answered(f: Forwarding) -> tuple[Peer, PodEnd]:
    """A client that a pod has answered, which goes on."""
    client = await Peer.connect(f.address)
    await client.send(b"x")
    pod = await f.server.next_end()
    assert await pod.receive_exactly(1) == b"x"
    pod.send(b"y")
    assert await client.receive_exactly(1) == b"y"
    return client, pod


@pytest.mark.spec("C2")
async def test_C2_clients_that_have_closed_make_room_for_new_ones() -> None:
    """To us they look like clients that only have ended their own direction."""
    async with forwarding(limits=FEW) as f:
        pods: list[PodEnd] = []
        for _ in range(20):
            client, pod = await answered(f)
            client.close()
            pods.append(pod)
            if len(pods) > 2:
                await pods[-3].until(lambda end: end.ended)
                pods[-3].fin()
        assert [pod.ended for pod in pods[-2:]] == [False, False]


@pytest.mark.spec("C2")
async def test_C2_a_client_that_still_gets_something_keeps_its_place() -> None:
    limits = ForwardLimits(pairs_per_upgrade=4, upgrades_per_pod=1, scarce_fin_idle_s=3600.0)
    async with forwarding(limits=limits) as f:
        client, pod = await answered(f)
        client.fin()
        others = [await answered(f) for _ in range(3)]
        assert not pod.ended
        pod.send(b"z", fin=True)
        assert await client.receive() == b"z"
        for other, _ in others:
            other.close()
        client.close()


@pytest.mark.spec("C2", "L6")
async def test_L6_a_stop_does_not_wait_for_clients_that_have_closed() -> None:
    async with forwarding(limits=ForwardLimits(drain_fin_idle_s=0.0)) as f:
        client, pod = await answered(f)
        client.close()
        stays, other = await answered(f)
        drained = asyncio.create_task(f.plane.plane.drain(60.0))
        await pod.until(lambda end: end.ended)
        pod.fin()
        assert not other.ended
        other.fin()
        stays.fin()
        await other.until(lambda end: end.ended)
        report = await drained
        assert (report.drained, report.cut) == (2, 0)
        stays.close()
