"""Listeners that open, refuse, move and go, under clients that connect all the time."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from tests.dataplane.harness import Peer
from tests.integration.world import World, world
from userproxy import Settings
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

QUEUED = 300
FLAPS = 150


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda w: w.source.delete("Service", "web"), id="L6 the Service goes"),
        pytest.param(lambda w: w.source.apply(service("web", 81)), id="S12 the port changes"),
        pytest.param(lambda w: w.source.apply(endpoint_slice("web", [])), id="L5 the endpoints go"),
    ],
)
async def test_L6_hundreds_in_the_queue_are_served_by_the_last_route(change: Callable[[World], None]) -> None:
    async with TcpEcho() as echo, world() as w:
        w.source.apply(service("web", 80), endpoint_slice("web", [echo.endpoint]))
        await w.settled()
        change(w)
        # The change is known but not in force: no turn of the loop passes while these connect.
        clients = [await Peer.connect(w.proxy.address("web")) for _ in range(QUEUED)]
        await w.settled()
        for number, client in enumerate(clients):
            with client:
                await client.send(b"%03d" % number)
                assert await client.receive_exactly(3) == b"%03d" % number
        await w.quiet()
        assert w.ended() == {"--": QUEUED}


async def test_L6_nobody_is_reset_when_the_proxy_drains() -> None:
    async with TcpEcho() as echo, world() as w:
        w.source.apply(service("web", 80), endpoint_slice("web", [echo.endpoint]))
        await w.settled()
        clients = [await Peer.connect(w.proxy.address("web")) for _ in range(QUEUED)]
        draining = asyncio.create_task(w.proxy.drain(60))
        for client in clients:
            with client:
                await client.send(b"x")
                assert await client.receive_exactly(1) == b"x"
        report = await draining
        assert report.cut == 0
        # Workers may have served some before they heard of the stop.
        assert report.drained == QUEUED or w.in_workers


class Callers(threading.Thread):
    """Connects, says a word and hears it, over and over; counts how that went."""

    def __init__(self, *addresses: tuple[str, int]) -> None:
        super().__init__()
        self.addresses = addresses
        self.seen: Counter[str] = Counter()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for address in self.addresses:
                self.seen[self._call(address)] += 1

    def _call(self, address: tuple[str, int]) -> str:
        with socket.socket() as sock:
            sock.settimeout(30)
            try:
                sock.connect(address)
            except ConnectionRefusedError:
                return "refused"
            except ConnectionResetError:
                return "reset"
            try:
                sock.sendall(b"x")
                return "answered" if sock.recv(1) == b"x" else "empty answer"
            except ConnectionResetError:
                return "reset"


async def calling(callers: list[Callers], change: Callable[[int], None], w: World) -> Counter[str]:
    """Let ``callers`` run while ``change`` is made FLAPS times; what they have seen."""
    for caller in callers:
        caller.start()
    for turn in range(FLAPS):
        change(turn)
        await w.settled()
        # A caller or two in between.
        before = sum(sum(caller.seen.values()) for caller in callers)
        while sum(sum(caller.seen.values()) for caller in callers) < before + 2:
            await asyncio.sleep(0)
    for caller in callers:
        caller.over.set()
    while any(caller.is_alive() for caller in callers):
        await asyncio.sleep(0)
    await w.quiet()
    seen: Counter[str] = Counter()
    for caller in callers:
        seen.update(caller.seen)
    return seen


async def test_L5_L6_T8_each_client_of_a_flapping_service_is_served_or_refused_at_once() -> None:
    async with TcpEcho() as echo, world() as w:
        w.source.apply(service("web", 80), endpoint_slice("web", [echo.endpoint]))
        await w.settled()
        callers = [Callers(w.proxy.address("web")) for _ in range(3)]
        slices = endpoint_slice("web", []), endpoint_slice("web", [echo.endpoint])
        seen = await calling(callers, lambda turn: w.source.apply(slices[turn % 2]), w)
    # The kernel resets who comes between the last accept and the shutdown: about one in a hundred flaps.
    assert seen.keys() <= {"answered", "refused", "reset"}
    assert seen["reset"] <= FLAPS // 10
    assert seen["answered"] >= FLAPS // 2
    assert w.ended().keys() == {"--"}


async def test_L6_S12_no_client_of_a_moving_port_is_lost() -> None:
    async with TcpEcho() as echo, world(Settings()) as w:
        w.source.apply(service("web", 18310), endpoint_slice("web", [echo.endpoint]))
        await w.settled()
        host, _ = w.proxy.address("web")
        callers = [Callers((host, 18310), (host, 18311)) for _ in range(3)]
        seen = await calling(callers, lambda turn: w.source.apply(service("web", 18310 + turn % 2)), w)
    assert seen.keys() <= {"answered", "refused", "reset"}
    assert seen["reset"] <= FLAPS // 10
    assert seen["answered"] >= FLAPS // 2
    assert w.ended().keys() == {"--"}
