"""Opens idle connections through each peer in turn, and reads what it has grown by."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.actors.remote import Backend
from benchmarks.idle.connections import Connections
from benchmarks.measuring.proc import resident_of_tree
from benchmarks.peers.base import TCP_KINDS, Peer

__all__ = ["Grown", "Plan", "take"]

WARM_UP = 200
"""Connections that come and go before, so that what is made once and kept is there already."""
REST_S = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    peers: Sequence[Peer]
    connections: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Grown:
    """One peer in one round: resident memory of its process tree at rest, and with idle connections."""

    peer: str
    version: str
    round: int
    connections: int
    before_bytes: int
    after_bytes: int

    @property
    def each_bytes(self) -> float:
        return (self.after_bytes - self.before_bytes) / self.connections

    def as_json(self) -> dict[str, object]:
        return {
            "peer": self.peer,
            "round": self.round,
            "connections": self.connections,
            "before_bytes": self.before_bytes,
            "after_bytes": self.after_bytes,
        }


async def take(plan: Plan) -> list[Grown]:
    """Each peer is a new process in each round. Raises BenchmarkError when one fails."""
    taken = []
    async with Backend() as backend:
        http = await backend.open("http")
        endpoints = {**dict.fromkeys(TCP_KINDS, http), "udp": await backend.open("udp")}
        for number in range(plan.rounds):
            for peer in plan.peers:
                grown = await _grow(plan, peer, endpoints, number)
                print(
                    f"round {number + 1} of {plan.rounds}: {grown.peer}: {grown.each_bytes:,.0f} bytes each",
                    file=sys.stderr,
                    flush=True,
                )
                taken.append(grown)
    return taken


async def _grow(plan: Plan, peer: Peer, endpoints: Mapping[str, str], number: int) -> Grown:
    async with peer.start(endpoints) as running:
        assert running.child is not None, "a direct connection has no proxy"
        pid = running.child.pid
        with Connections(running.addresses["http"]) as passing:
            await passing.open(min(WARM_UP, plan.connections))
        await asyncio.sleep(REST_S)
        before_bytes = resident_of_tree(pid)
        with Connections(running.addresses["http"]) as idle:
            await idle.open(plan.connections)
            await asyncio.sleep(REST_S)
            after_bytes = resident_of_tree(pid)
        running.child.check()
    return Grown(running.name, running.version, number, plan.connections, before_bytes, after_bytes)
