"""No descriptors left, for TCP, for UDP and for both: nothing else stops, and all recovers alone."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
from collections.abc import Iterator

import pytest

from tests.dataplane.harness import Peer, endpoint_of, listening
from tests.integration.world import World, open_descriptors, until, world
from tests.option import in_one_process_only
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho
from userproxy.testing.objects import endpoint_slice, service

pytestmark = in_one_process_only(
    "each worker has descriptors of its own, and those that run out here are this process's"
)


@contextlib.contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """The process may open ``count`` more, whatever anybody has counted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The limit is on numbers, not on how many there are: fill the gaps.
    fillers: list[int] = []
    highest = max(map(int, os.listdir("/proc/self/fd")))
    while not fillers or fillers[-1] < highest:
        fillers.append(os.open(os.devnull, os.O_RDONLY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (fillers[-1] + 1 + count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for filler in fillers:
            os.close(filler)


async def echoed(peer: Peer, text: bytes = b"hello") -> None:
    await peer.send(text)
    assert await peer.receive_exactly(len(text)) == text


async def test_accept_finds_none_and_is_tried_again_when_there_are_some() -> None:
    async with TcpEcho() as echo, world() as w:
        w.source.apply(service("web", 80), endpoint_slice("web", [echo.endpoint]))
        await w.settled()
        with socket.socket() as waiting, await Peer.connect(w.proxy.address("web")) as served:
            await echoed(served)
            with descriptors_left(0):
                waiting.connect(w.proxy.address("web"))
                await echoed(served)
                await until(lambda: paused(w))
            await echoed(Peer(waiting))
        await w.quiet()
        assert w.ended() == {"--": 2}


def paused(w: World) -> bool:
    return any(port.intake._listener._pausing for port in w.plane._ports.values())  # type: ignore[union-attr]  # TCP intakes have a listener


async def test_LD_none_for_the_dial_is_no_fault_of_the_endpoint() -> None:
    with listening() as listener:
        async with world() as w:
            w.source.apply(service("web", 80), endpoint_slice("web", [endpoint_of(listener).name]))
            await w.settled()
            with socket.socket() as sock:
                with descriptors_left(1):
                    sock.connect(w.proxy.address("web"))
                    with pytest.raises(ConnectionResetError):
                        await Peer(sock).receive()
            with await Peer.connect(w.proxy.address("web")), await Peer.accept(listener):
                pass
            await w.quiet()
            assert w.ended() == {"LD": 1, "--": 1}
            assert [e.dial_failures for port in w.proxy.snapshot().ports for e in port.endpoints] == [0]


async def test_a_datagram_finds_none_and_the_next_one_some() -> None:
    async with UdpEcho() as echo, TcpEcho() as tcp, world() as w:
        w.source.apply(
            service("dns", "53/UDP"),
            endpoint_slice("dns", [echo.endpoint], protocol="UDP"),
            service("web", 80),
            endpoint_slice("web", [tcp.endpoint]),
        )
        await w.settled()
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
            await Peer.connect(w.proxy.address("web")) as served,
        ):
            await echoed(served)
            client.connect(w.proxy.address("dns"))
            datagrams = Peer(client)
            with descriptors_left(0):
                client.send(b"lost")
                await until(lambda: dropped(w) == {"no descriptor": 1})
                await echoed(served)
            client.send(b"found")
            assert await datagrams.receive() == b"found"


def dropped(w: World) -> dict[str, int]:
    return {reason: count for port in w.proxy.snapshot().ports for reason, count in port.dropped}


@contextlib.contextmanager
def soft_limit(more: int) -> Iterator[None]:
    """What the process may open while the proxy starts, beyond what is open now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_descriptors() + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_LT_udp_leaves_half_of_the_budget_to_tcp_and_tcp_leaves_udp_its_turn() -> None:
    async with UdpEcho() as echo, TcpEcho() as tcp:
        with soft_limit(64 + 40):
            running = world()
            w = await running.__aenter__()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_exit(running)
            w.source.apply(
                service("dns", "53/UDP"),
                endpoint_slice("dns", [echo.endpoint], protocol="UDP"),
                service("web", 80),
                endpoint_slice("web", [tcp.endpoint]),
            )
            await w.settled()
            for _ in range(100):
                await datagram_echoed(stack, w)
            flows = w.runtime.flows
            assert flows <= w.runtime.descriptors.capacity // 2
            assert w.ended() == {"LT": 100 - flows}
            # TCP has what UDP left, to the end of the budget ...
            clients = []
            while w.runtime.descriptors.available >= 2:
                client = stack.enter_context(await Peer.connect(w.proxy.address("web")))
                await echoed(client)
                clients.append(client)
            assert len(clients) >= 8
            late = stack.enter_context(await Peer.connect(w.proxy.address("web")))
            await until(lambda: paused_tcp(w))
            # ... and then a new UDP client takes the place of the oldest, not one of TCP's.
            for _ in range(10):
                await datagram_echoed(stack, w)
            for client in clients:
                await echoed(client)
            clients[0].close()
            await echoed(late)


def paused_tcp(w: World) -> bool:
    [web] = [port for port in w.plane._ports.values() if port.key.name.name == "web"]
    return bool(web.intake._listener._pausing)  # type: ignore[union-attr]  # a TCP intake has a listener


async def datagram_echoed(stack: contextlib.AsyncExitStack, w: World) -> None:
    """One datagram and its answer, by a client that stays."""
    sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.connect(w.proxy.address("dns"))
    sock.send(b"x")
    assert await Peer(sock).receive() == b"x"
