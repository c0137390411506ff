"""Bulk through the relay: both ways at once, with pauses, with chat in between, cut in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import random
from collections.abc import AsyncIterator

import pytest

from tests.dataplane.harness import Peer, endpoint_of, listening
from tests.integration.scripts import narrow_proxy
from tests.integration.world import EPHEMERAL, World, until, world
from tests.option import in_one_process_only
from userproxy import Settings
from userproxy.testing.objects import endpoint_slice, service

MANY_BYTES = 24 << 20
BLOCK = random.Random(7).randbytes((1 << 20) + 7)
"""No power of two, so that a block that is lost or doubled shifts all that follows."""


@contextlib.asynccontextmanager
async def pair(settings: Settings = EPHEMERAL) -> AsyncIterator[tuple[World, Peer, Peer]]:
    """One connection through a whole proxy: (world, client, endpoint)."""
    with listening() as listener:
        async with world(settings) as w:
            w.source.apply(service("web", 80), endpoint_slice("web", [endpoint_of(listener).name]))
            await w.settled()
            with (
                await Peer.connect(w.proxy.address("web")) as client,
                await Peer.accept(listener) as endpoint,
            ):
                await until(lambda: connected(w))
                yield w, client, endpoint
            await w.quiet()


def connected(w: World) -> int:
    return sum(endpoint.open for port in w.proxy.snapshot().ports for endpoint in port.endpoints)


async def send_all(peer: Peer, size: int) -> str:
    """Send ``size`` bytes and a FIN; gives their hash."""
    digest = hashlib.sha256()
    while size:
        part = BLOCK[: min(size, len(BLOCK))]
        await peer.send(part)
        digest.update(part)
        size -= len(part)
    peer.fin()
    return digest.hexdigest()


async def receive_all(peer: Peer, *, pause_after: int = 1 << 62) -> str:
    """To the end; gives the hash. Now and then nothing is read for some turns of the loop."""
    digest = hashlib.sha256()
    left = pause_after
    while part := await peer.receive(1 << 18):
        digest.update(part)
        left -= len(part)
        if left < 0:
            left = pause_after
            for _ in range(50):
                await asyncio.sleep(0)
    return digest.hexdigest()


@pytest.mark.parametrize("pipes", ["pipes", "no pipes"])
@pytest.mark.parametrize("slow", ["client", "endpoint"])
async def test_C2_bulk_both_ways_arrives_whole_by_hash(
    pipes: str, slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if pipes == "no pipes":
        monkeypatch.setattr(os, "pipe2", out_of_descriptors)
    async with pair() as (w, client, endpoint):
        sent_up, sent_down, got_up, got_down = await asyncio.gather(
            send_all(client, MANY_BYTES),
            send_all(endpoint, MANY_BYTES),
            receive_all(endpoint, pause_after=1 << 20 if slow == "endpoint" else 1 << 62),
            receive_all(client, pause_after=1 << 20 if slow == "client" else 1 << 62),
        )
        assert (sent_up, sent_down) == (got_up, got_down)
        assert w.in_workers or (w.runtime.pipes.made > 0) == (pipes == "pipes")
    assert w.ended() == {"--": 1}
    [end] = w.ends.events
    assert (end["bytes_to_endpoint"], end["bytes_to_client"]) == (MANY_BYTES, MANY_BYTES)


def out_of_descriptors(flags: int) -> tuple[int, int]:
    raise OSError(24, "Too many open files")


@in_one_process_only("pipes are each worker's own, and the kernel's answer is made up in this process")
async def test_a_pipe_that_comes_out_small_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel gives once a user's pipes hold 64 MiB (pipe(7))."""

    def over_quota(fd: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETPIPE_SZ:
            raise PermissionError(1, "Operation not permitted")
        return 8192

    monkeypatch.setattr(fcntl, "fcntl", over_quota)
    async with pair() as (w, client, endpoint):
        sent, got = await asyncio.gather(send_all(client, 4 << 20), receive_all(endpoint))
        assert sent == got
        assert w.runtime.pipes.made == 0


async def test_bulk_and_chat_take_turns() -> None:
    chance = random.Random(3)
    async with pair() as (w, client, endpoint):
        for _ in range(6):
            for sender, receiver in ((client, endpoint), (endpoint, client)):
                size = chance.randrange(1 << 20, 3 << 20)
                data = chance.randbytes(size)
                sending = asyncio.create_task(sender.send(data))
                assert await receiver.receive_exactly(size) == data
                await sending
                for _ in range(12):
                    word = chance.randbytes(chance.randrange(1, 40))
                    await receiver.send(word)
                    assert await sender.receive_exactly(len(word)) == word
                    await sender.send(word[::-1])
                    assert await receiver.receive_exactly(len(word)) == word[::-1]
        assert w.in_workers or w.runtime.pipes.made


@pytest.mark.parametrize("who", ["client", "endpoint"])
@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
async def test_C2_a_reset_in_the_middle_of_bulk_resets_the_other_and_gives_all_back(
    who: str, narrow: bool
) -> None:
    with narrow_proxy() if narrow else contextlib.nullcontext():
        async with pair() as (w, client, endpoint):
            victim, other = (client, endpoint) if who == "client" else (endpoint, client)
            for sender in (victim, other):
                fill(sender)
            await until(lambda: narrow or w.in_workers or w.runtime.pipes.made)
            for _ in range(20):
                await asyncio.sleep(0)
            victim.reset()
            with pytest.raises(ConnectionResetError):
                while await other.receive():
                    pass
            await until(w.ended)
            assert w.ended() == {"CT" if who == "client" else "ET": 1}
            assert w.in_workers or not any(pipe.filled for pipe in w.runtime.pipes._free)


def fill(peer: Peer) -> None:
    """Send until nothing more is taken."""
    with contextlib.suppress(OSError):
        while True:
            peer.sock.send(BLOCK[: 1 << 16])


@pytest.mark.parametrize("ends_first", ["client", "endpoint"])
async def test_C2_half_closed_bulk_goes_on_the_other_way(ends_first: str) -> None:
    async with pair() as (_, client, endpoint):
        first, other = (client, endpoint) if ends_first == "client" else (endpoint, client)
        sent, got = await asyncio.gather(send_all(first, 3 << 20), receive_all(other))
        assert sent == got
        sent, got = await asyncio.gather(send_all(other, 3 << 20), receive_all(first))
        assert sent == got


SIZES = (1, 16383, 16384, 16385, 32768, 65535, 65536, 65537, 131072, 262143, 262144, 262145)
"""Around what one read takes, on the fast path and on the other."""


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
async def test_every_size_around_a_buffers_length_both_ways_at_once(narrow: bool) -> None:
    chance = random.Random(1)
    with narrow_proxy() if narrow else contextlib.nullcontext():
        async with pair() as (_, client, endpoint):
            for size in SIZES[:9] if narrow else SIZES:  # the kernel's timers slow the others down
                up, down = chance.randbytes(size), chance.randbytes(size)
                sent = asyncio.gather(client.send(up), endpoint.send(down))
                got_up, got_down = await asyncio.gather(
                    endpoint.receive_exactly(size), client.receive_exactly(size)
                )
                await sent
                assert (got_up, got_down) == (up, down)


async def test_single_bytes_both_ways_at_once() -> None:
    data = bytes(range(256)) * 8

    async def dribble(peer: Peer) -> None:
        for byte in data:
            await peer.send(bytes((byte,)))
            await asyncio.sleep(0)

    async with pair() as (_, client, endpoint):
        dribbling = asyncio.gather(dribble(client), dribble(endpoint))
        got_down, got_up = await asyncio.gather(
            client.receive_exactly(len(data)), endpoint.receive_exactly(len(data))
        )
        await dribbling
        assert got_down == got_up == data


@pytest.mark.parametrize("size", SIZES)
async def test_C2_the_last_write_and_the_close_come_together(size: int) -> None:
    data = random.Random(size).randbytes(size)
    async with pair() as (w, client, endpoint):
        sending = asyncio.create_task(endpoint.send(data))
        endpoint_closes = asyncio.create_task(close_after(sending, endpoint))
        assert await client.receive_exactly(size) == data
        assert await client.receive() == b""
        await endpoint_closes
        client.close()
    assert w.ended() == {"--": 1}


async def close_after(sending: asyncio.Task[None], peer: Peer) -> None:
    await sending
    peer.close()
