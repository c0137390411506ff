"""Each peer that is installed, with real traffic of every kind that it forwards."""

from __future__ import annotations

import pytest

from benchmarks.actors.remote import Backend, Load
from benchmarks.forwarding.cases import CASES
from benchmarks.peers.all import PEERS
from benchmarks.peers.base import KINDS, TCP_KINDS, Peer

LOADS = {"requests": "http", "push": "transfer", "pull": "transfer", "datagrams": "udp"}


@pytest.mark.parametrize("peer", PEERS.values(), ids=list(PEERS))
async def test_it_forwards_every_byte(peer: Peer) -> None:
    if how := peer.missing():
        pytest.skip(f"{peer.name}: {how}")
    async with Backend() as backend:
        endpoints = {kind: await backend.open(kind) for kind in KINDS if kind != "iperf"}
        endpoints["iperf"] = endpoints["http"]  # iperf3 is not needed to see that it is forwarded
        async with peer.start(endpoints) as running:
            assert running.addresses.keys() in (set(KINDS), set(TCP_KINDS))
            assert (running.child is None) is (peer.name == "direct")
            assert running.version or peer.name == "direct"
            for load, kind in {**LOADS, "connections": "iperf"}.items():
                if kind in running.addresses:
                    async with Load(load, running.addresses[kind], at_once=3, total=4) as asking:
                        report = await asking.total(20)
                    assert (report.done, report.failed, report.error) == (4, 0, ""), load


def test_every_case_names_peers_that_there_are() -> None:
    for case in CASES:
        assert set(case.quick) <= set(case.peers) <= set(PEERS)
