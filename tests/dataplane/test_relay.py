"""C2 against every order of data, half-close and reset on both sides; bytes out equal bytes in."""

from __future__ import annotations

import asyncio
import itertools
import random
from _socket import socket as Socket
from collections.abc import Iterator

import pytest

from tests.dataplane.harness import Peer, pair, talk
from userproxy.dataplane import relay
from userproxy.dataplane.engine import LARGE_READ_BYTES, SMALL_READ_BYTES
from userproxy.settings import Limits, Settings

SCRIPTS = ("F", "R", "DF", "DR", "DDF", "DDR")
"""D sends data, F is a FIN, R a reset."""


def merges(client: str, endpoint: str) -> Iterator[str]:
    """Every order of the two scripts; the client's steps in capitals, the endpoint's in small letters."""
    total = len(client) + len(endpoint)
    for places in itertools.combinations(range(total), len(client)):
        mine, theirs = iter(client), iter(endpoint.lower())
        yield "".join(next(mine) if place in places else next(theirs) for place in range(total))


ORDERS = sorted({order for c in SCRIPTS for e in SCRIPTS for order in merges(c, e)})


class Dialogue:
    """Plays one order; after each step the effect must be seen on the other side before the next."""

    def __init__(self, client: Peer, endpoint: Peer) -> None:
        self.peers = {True: client, False: endpoint}
        self.ended: set[bool] = set()
        self.sent = 0

    async def step(self, letter: str) -> str | None:
        """Returns the expected two letters once the connection is over."""
        is_client = letter.isupper()
        me, other = self.peers[is_client], self.peers[not is_client]
        kind = letter.upper()
        if kind == "D":
            self.sent += 1
            data = bytes([self.sent]) * (self.sent * 1000)
            await me.send(data)
            assert await other.receive_exactly(len(data)) == data
            return None
        if kind == "F":
            me.fin()
            assert await other.receive() == b""
            self.ended.add(is_client)
            return "--" if len(self.ended) == 2 else None
        half = bool(self.ended)
        me.reset()
        # Whoever has read the other's FIN already learns of the reset by an error or by nothing more.
        if is_client not in self.ended:
            with pytest.raises(ConnectionResetError):
                await other.receive()
        return ("C" if is_client else "E") + ("F" if half else "T")


@pytest.mark.parametrize("talked", [False, True], ids=["new", "talked"])
@pytest.mark.parametrize("order", ORDERS)
async def test_C2_every_order_of_data_half_close_and_reset(order: str, talked: bool) -> None:
    """Also of pairs that are on the fast path by then."""
    async with pair() as (client, endpoint, h):
        if talked:
            await talk(client, endpoint)
            assert any(h.plane._runtime.engine.fast)
        dialogue = Dialogue(client, endpoint)
        for letter in order:
            expected = await dialogue.step(letter)
            if expected is not None:
                assert await h.ends.state() == expected
                return
        pytest.fail("the script never ended")


RACES = sorted({order for c in SCRIPTS for e in SCRIPTS for order in merges(c, e)})[::7]


@pytest.mark.parametrize("talked", [False, True], ids=["new", "talked"])
@pytest.mark.parametrize("order", RACES)
async def test_C2_nothing_is_invented_when_nobody_waits(order: str, talked: bool) -> None:
    """The same steps at once: what arrives is a beginning of what was sent, and all of it before a FIN."""
    async with pair() as (client, endpoint, h):
        if talked:
            await talk(client, endpoint)
        sent = {True: b"", False: b""}
        for number, letter in enumerate(order, start=1):
            is_client = letter.isupper()
            me = client if is_client else endpoint
            if me.sock.fileno() < 0:
                continue
            kind = letter.upper()
            try:
                if kind == "D":
                    data = bytes([number]) * (number * 30_000)
                    await me.send(data)
                    sent[is_client] += data
                elif kind == "F":
                    me.fin()
                else:
                    me.reset()
            except OSError:  # the other's reset got through already
                break
        state = None
        for is_client, peer in ((True, endpoint), (False, client)):
            if peer.sock.fileno() < 0:
                continue
            got = b""
            try:
                while part := await peer.receive():
                    got += part
                clean = True
            except OSError:
                clean = False
            assert sent[is_client].startswith(got)
            assert got == sent[is_client] or not clean
            if clean and not peer_has_ended(peer):
                peer.close()
        state = await h.ends.state()
        assert state in ("--", "CT", "CF", "ET", "EF")
        assert (state == "--") <= ("R" not in order.upper())


def peer_has_ended(peer: Peer) -> bool:
    return peer.sock.fileno() < 0


async def test_C2_bytes_before_a_reset_are_delivered_first() -> None:
    async with pair() as (client, endpoint, h):
        await client.send(b"last words")
        client.reset()
        got = b""
        with pytest.raises(ConnectionResetError):
            while True:
                got += await endpoint.receive()
        assert got == b"last words"
        assert await h.ends.state() == "CT"


async def test_a_pair_that_goes_on_talking_is_served_by_the_fast_path_and_one_that_ends_leaves_it() -> None:
    async with pair() as (client, endpoint, h):
        fast = h.plane._runtime.engine.fast
        await client.send(b"?")
        assert await endpoint.receive() == b"?"
        assert not any(fast)
        await talk(client, endpoint)
        assert len([side for side in fast if side is not None]) == 2
        endpoint.fin()
        assert await client.receive() == b""
        assert not any(fast)


async def test_C2_fin_behind_data_that_waits() -> None:
    """The FIN must not overtake what the other side has not taken yet."""
    payload = random.Random(1).randbytes(12_000_000)
    async with pair() as (client, endpoint, h):
        sending = asyncio.create_task(client.send(payload))
        await asyncio.sleep(0)
        got = await endpoint.receive_exactly(1)
        await asyncio.wait([sending], timeout=0.05)  # until everything in between is full
        received = asyncio.create_task(endpoint.receive_exactly(len(payload) - 1))
        await sending
        client.fin()
        assert got + await received == payload
        assert await endpoint.receive() == b""
        await endpoint.send(b"thanks")
        assert await client.receive() == b"thanks"
        endpoint.fin()
        assert await client.receive() == b""
        assert await h.ends.state() == "--"


@pytest.mark.parametrize("seed", range(8))
async def test_bytes_out_equal_bytes_in_under_random_chunks_sizes_and_pauses(seed: int) -> None:
    """Both ways at once, from single bytes to runs that are spliced, with pauses on both ends."""
    rng = random.Random(seed)
    forth = rng.randbytes(rng.choice([0, 1, 4096, 65536, 300_000, 6_000_000]))
    back = rng.randbytes(rng.choice([0, 1, 16384, 262_144, 3_000_000]))

    async def speak(peer: Peer, data: bytes) -> None:
        at = 0
        while at < len(data):
            size = rng.choice([1, 7, 1000, 16384, 65536, 500_000, 2_000_000])
            await peer.send(data[at : at + size])
            at += size
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)
        peer.fin()

    async def listen(peer: Peer) -> bytes:
        got = []
        while part := await peer.receive(rng.choice([100, 4096, 65536, 1 << 20])):
            got.append(part)
            if rng.random() < 0.1:
                await asyncio.sleep(0)
        return b"".join(got)

    async with pair() as (client, endpoint, h):
        _, _, at_client, at_endpoint = await asyncio.gather(
            speak(client, forth), speak(endpoint, back), listen(client), listen(endpoint)
        )
        assert at_endpoint == forth
        assert at_client == back
        end = await h.ends.next()
        assert (end["state"], end["bytes_to_endpoint"], end["bytes_to_client"]) == (
            "--",
            len(forth),
            len(back),
        )


async def test_a_client_that_stops_reading_stops_the_endpoint() -> None:
    """What waits in between is bounded by the kernel's buffers, one buffer of ours and one pipe."""
    chunk = b"x" * 65536
    async with pair() as (client, endpoint, _):
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 200_000_000:
                async with asyncio.timeout(0.5):
                    await endpoint.send(chunk)
                    sent += len(chunk)
        assert sent < 64_000_000
        assert await client.receive_exactly(1000) == chunk[:1000]


async def test_a_bulk_direction_is_spliced_and_a_chatty_one_copied_again() -> None:
    block = random.Random(2).randbytes(1 << 20)
    async with pair() as (client, endpoint, h):
        pipes = h.plane._runtime.pipes
        for _ in range(8):
            _, got = await asyncio.gather(client.send(block), endpoint.receive_exactly(len(block)))
            assert got == block
        assert pipes.made > 0
        for number in range(40):
            word = b"%d" % number
            await client.send(word)
            assert await endpoint.receive_exactly(len(word)) == word
        # Chatty again: the pipe is back in the pool, empty.
        spare = pipes.acquire()
        assert spare is not None
        assert spare.filled == 0
        pipes.release(spare)


async def test_only_what_bulk_is_sent_by_is_unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint's socket when the client sends bulk; the answers, which are small, are left alone."""
    unpaced: list[Socket] = []
    monkeypatch.setattr(relay, "unpace_on_loopback", unpaced.append)
    block = random.Random(4).randbytes(4 << 20)
    async with pair() as (client, endpoint, h):
        await talk(client, endpoint)
        assert not unpaced
        _, got = await asyncio.gather(client.send(block), endpoint.receive_exactly(len(block)))
        assert got == block
        await endpoint.send(b"thanks")
        assert await client.receive() == b"thanks"
        assert {sock.getpeername() for sock in unpaced} == {endpoint.sock.getsockname()}
        assert h.plane._runtime.pipes.made == 1


async def test_without_pipes_bulk_is_copied() -> None:
    settings = Settings(limits=Limits(max_splice_pipes=0))
    block = random.Random(3).randbytes(4 << 20)
    async with pair(settings) as (client, endpoint, h):
        _, got = await asyncio.gather(client.send(block), endpoint.receive_exactly(len(block)))
        assert got == block
        assert h.plane._runtime.pipes.made == 0


async def test_on_the_fast_path_bytes_are_counted_too_and_a_pair_that_was_asked_comes_back_to_it() -> None:
    async with pair() as (client, endpoint, h):
        fast = h.plane._runtime.engine.fast
        await talk(client, endpoint)
        before = h.plane.snapshot()[0].endpoints[0]
        assert not any(fast)
        for _ in range(10):
            await client.send(b"question")
            assert await endpoint.receive_exactly(8) == b"question"
            await endpoint.send(b"yes")
            assert await client.receive_exactly(3) == b"yes"
        assert any(fast)
        after = h.plane.snapshot()[0].endpoints[0]
        assert after.bytes_to_endpoint - before.bytes_to_endpoint == 80
        assert after.bytes_to_client - before.bytes_to_client == 30
        assert h.plane.snapshot()[0].endpoints[0] == after
        client.fin()
        assert await endpoint.receive() == b""
        await endpoint.send(b"bye")
        endpoint.close()
        end = await h.ends.next()
        assert end["bytes_to_endpoint"] == after.bytes_to_endpoint
        assert end["bytes_to_client"] == after.bytes_to_client + 3


async def test_a_reset_on_the_fast_path_loses_no_count() -> None:
    async with pair() as (client, endpoint, h):
        await talk(client, endpoint)
        before = h.plane.snapshot()[0].endpoints[0]
        for _ in range(2):
            await client.send(b"question")
            assert await endpoint.receive_exactly(8) == b"question"
        assert any(h.plane._runtime.engine.fast)
        client.reset()
        end = await h.ends.next()
        assert (end["state"], end["bytes_to_endpoint"]) == ("CT", before.bytes_to_endpoint + 16)


async def test_where_the_kernel_does_not_count_no_pair_is_fast_and_all_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("userproxy.dataplane.relay.kernel_counts", lambda _: False)
    async with pair() as (client, endpoint, h):
        await talk(client, endpoint)
        assert not any(h.plane._runtime.engine.fast)
        before = h.plane.snapshot()[0].endpoints[0]
        await client.send(b"question")
        assert await endpoint.receive_exactly(8) == b"question"
        after = h.plane.snapshot()[0].endpoints[0]
        assert after.bytes_to_endpoint - before.bytes_to_endpoint == 8


async def test_a_side_whose_messages_are_large_is_read_in_larger_pieces_from_then_on() -> None:
    async with pair() as (client, endpoint, h):
        await talk(client, endpoint)
        fast = h.plane._runtime.engine.fast
        for size in (SMALL_READ_BYTES - 1, SMALL_READ_BYTES, SMALL_READ_BYTES + 1, 5000):
            data = random.Random(size).randbytes(size)
            await client.send(data)
            assert await endpoint.receive_exactly(size) == data
        sides = [side for side in fast if side is not None]
        assert sorted(side.read_bytes for side in sides) == [SMALL_READ_BYTES, LARGE_READ_BYTES]
