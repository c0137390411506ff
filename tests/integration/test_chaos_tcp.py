"""Peers that do anything, while everything about their Service changes under them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from dataclasses import replace

import pytest

from tests.integration.scripts import HEADER, Actor, Endpoints, narrow_proxy, random_script, shrink, stream
from tests.integration.world import EPHEMERAL, World, until, world
from userproxy import NotListening
from userproxy.log import FieldValue
from userproxy.settings import Limits
from userproxy.testing.objects import endpoint_slice, service

CLIENTS = 24
CHANGES = 12


async def play_client(w: World, actor: Actor, go_on: asyncio.Event) -> bool:
    """Connect from an address of this client's own, and play. False: it was refused."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    if actor.number % 3 == 0:
        shrink(sock)
    sock.bind((source_of(actor.number), 0))
    try:
        await loop.sock_connect(sock, w.proxy.address("web"))
        await loop.sock_sendall(sock, HEADER.pack(actor.number))
    except (NotListening, KeyError, OSError):
        sock.close()
        return False
    await actor.play(sock, go_on)
    return True


def source_of(number: int) -> str:
    return f"127.200.{number // 250}.{number % 250 + 1}"


def change(w: World, chance: random.Random, names: list[str]) -> None:
    """One change of the Service or of its endpoints, as a hostile cluster makes them."""
    kind = chance.randrange(10)
    if kind == 0:
        w.source.apply(*(endpoint_slice("web", [], name=f"web-{index}") for index in range(len(names))))
    elif kind == 1:
        with contextlib.suppress(KeyError):  # gone already
            w.source.delete("Service", "web")
    elif kind <= 5:
        chosen = chance.sample(names, chance.randrange(1, len(names) + 1))
        by_number = {name: endpoint_slice("web", [name], name=f"web-{names.index(name)}") for name in names}
        for name in names:
            w.source.apply(
                by_number[name]
                if name in chosen
                else endpoint_slice("web", [], name=f"web-{names.index(name)}")
            )
    else:
        annotations = {
            "userproxy.dev/hold": chance.choice(("0s", "30s")),
            "userproxy.dev/balancer": chance.choice(("round-robin", "consistent-hash", "least-connections")),
            "userproxy.dev/drain-limit": chance.choice(("none", "none", "1h", "20ms")),
            "userproxy.dev/idle-timeout": chance.choice(("none", "1h")),
        }
        affinity = chance.choice(("None", "ClientIP"))
        w.source.apply(
            service("web", chance.choice((80, 81)), annotations=annotations, sessionAffinity=affinity)
        )


def judge(client: Actor, endpoint: Actor, states: list[dict[str, FieldValue]]) -> None:
    """What must hold for each connection, whatever its peers and its Service did."""
    said = stream(client.number, 0, client.sent)
    answered = stream(client.number, 1, endpoint.sent)
    assert said.startswith(endpoint.received)
    assert answered.startswith(client.received)
    if endpoint.saw_end:
        assert len(endpoint.received) == client.sent
    if client.saw_end:
        assert len(client.received) == endpoint.sent
    assert len(states) == 1
    [end] = states
    state, to_endpoint, to_client = end["state"], end["bytes_to_endpoint"], end["bytes_to_client"]
    assert isinstance(to_endpoint, int)
    assert isinstance(to_client, int)
    assert len(endpoint.received) <= max(0, to_endpoint - HEADER.size) <= client.sent
    assert len(client.received) <= to_client <= endpoint.sent
    if state == "--":
        assert (to_endpoint - HEADER.size, to_client) == (client.sent, endpoint.sent)
    if client.orderly:
        assert str(state)[0] != "C", (end, client.script, endpoint.script)
    if endpoint.orderly:
        assert state not in ("ET", "EF"), (end, client.script, endpoint.script)


@pytest.mark.spec("C1", "C2", "L6", "L9", "S12")
@pytest.mark.parametrize("seed", range(10))
async def test_C2_no_byte_is_lost_or_invented_whatever_peers_and_services_do(seed: int) -> None:
    with narrow_proxy() if seed % 2 else contextlib.nullcontext():
        await one_round(seed)


async def one_round(seed: int) -> None:
    chance = random.Random(seed)
    go_on = asyncio.Event()
    endpoints = Endpoints(3, go_on)
    shrink(endpoints.socks[0])
    clients: list[Actor] = []
    limits = Limits(max_splice_pipes=chance.choice((0, 1, 32)))
    async with world(replace(EPHEMERAL, limits=limits)) as w, endpoints.serving():
        w.source.apply(
            service("web", 80),
            *(endpoint_slice("web", [name], name=f"web-{i}") for i, name in enumerate(endpoints.names)),
        )
        await w.settled()
        playing: list[asyncio.Task[bool]] = []
        for _ in range(CHANGES):
            for _ in range(CLIENTS // CHANGES):
                number = len(clients)
                bulk = chance.choice((1000, 100_000, 4_000_000))
                clients.append(Actor(number, 0, random_script(chance, side=0, bulk=bulk)))
                endpoints.actors[number] = Actor(number, 1, random_script(chance, side=1, bulk=bulk))
                playing.append(asyncio.create_task(play_client(w, clients[number], go_on)))
            for _ in range(chance.randrange(20)):
                await asyncio.sleep(0)
            change(w, chance, endpoints.names)
            w.look()
            if chance.random() < 0.5:
                await w.settled()
        await w.settled()
        if chance.random() < 0.3:
            await w.proxy.drain(0.05)
            w.look()
        go_on.set()
        if not w.proxy._background[0].cancelled():
            # Whoever still waits for an endpoint need not wait for ever.
            w.source.apply(service("web", 80))
        async with asyncio.timeout(20):
            served = await asyncio.gather(*playing)
        await w.quiet()
        sources = {source_of(client.number) for client, had in zip(clients, served, strict=True) if had}
        await until(
            lambda: sources <= w.ends.by_client().keys()
        )  # logs of workers come behind their counters
        ends = w.ends.by_client()
        for client, was_served in zip(clients, served, strict=True):
            if was_served:
                judge(client, endpoints.actors[client.number], ends[source_of(client.number)])
