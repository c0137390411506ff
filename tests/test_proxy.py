"""`Proxy` as embedders meet it: addresses, settling, swaps under traffic, failures that are not hidden."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from unittest.mock import patch

import pytest

from tests.option import in_one_process_only, with_workers
from userproxy import (
    Addresses,
    MemorySource,
    NotListening,
    Proxy,
    Settings,
)
from userproxy.model.events import Event, Mark, Synced
from userproxy.model.names import Family, ServicePortName
from userproxy.model.routes import RouteKey
from userproxy.proxy import node_name_of
from userproxy.sources.base import EventQueue
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho
from userproxy.testing.objects import endpoint_slice, service

EPHEMERAL = with_workers(Settings(addresses=Addresses.EPHEMERAL))
KEY = RouteKey(ServicePortName("default", "web", ""), Family.IPV4)
pytestmark = [pytest.mark.both_loops, pytest.mark.proxied]


async def say(address: tuple[str, int], text: str) -> str:
    """One line to a TCP echo and back."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(text.encode())
        writer.write_eof()
        return (await reader.read()).decode()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_service_is_reached_by_its_address() -> None:
    source = MemorySource()
    async with TcpEcho("one") as one, Proxy(source, settings=EPHEMERAL) as proxy:
        source.apply(service("web", "http:80"), endpoint_slice("web", [one.endpoint], port_name="http"))
        await proxy.settled()
        address = proxy.address("default/web", "http")
        assert address == proxy.address("web")
        assert "hello" in await say(address, "hello")


async def test_udp_services_too() -> None:
    source = MemorySource()
    async with UdpEcho("dns") as dns, Proxy(source, settings=EPHEMERAL) as proxy:
        source.apply(service("dns", "53/UDP"), endpoint_slice("dns", [dns.endpoint], protocol="UDP"))
        await proxy.settled()
        loop = asyncio.get_running_loop()
        answers: asyncio.Queue[bytes] = asyncio.Queue()

        class Client(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, address: object) -> None:
                answers.put_nowait(data)

        transport, _ = await loop.create_datagram_endpoint(Client, remote_addr=proxy.address("dns"))
        transport.sendto(b"?")
        assert await answers.get() == b"dns:?"
        transport.close()


async def test_L1_loopback_mode_gives_each_service_its_own_address_with_its_real_port() -> None:
    source = MemorySource()
    async with TcpEcho() as echo, Proxy(source) as proxy:
        source.apply(service("web", 18300), endpoint_slice("web", [echo.endpoint]))
        await proxy.settled()
        # SHA-256 of "default/web", as rule L1 says.
        assert proxy.address("web") == ("127.117.209.100", 18300)
        assert "x" in await say(proxy.address("web"), "x")


async def test_address_of_nothing_and_of_something_that_refuses() -> None:
    source = MemorySource()
    source.apply(service("web", 80))
    async with Proxy(source, settings=EPHEMERAL) as proxy:
        await proxy.settled()
        with pytest.raises(NotListening):
            proxy.address("web")
        with pytest.raises(KeyError):
            proxy.address("nothing")
    with pytest.raises(RuntimeError):
        proxy.address("web")


@pytest.mark.spec("R10")
async def test_settled_waits_for_every_call_that_has_returned_and_folds_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One turn of the loop, on a slow machine too.
    monkeypatch.setattr("userproxy.proxy.proxy.FOLD_STEP_S", 60.0)
    source = MemorySource()
    async with TcpEcho("a") as a, TcpEcho("b") as b, Proxy(source, settings=EPHEMERAL) as proxy:
        source.apply(service("web", 80), endpoint_slice("web", [a.endpoint]))
        await proxy.settled()
        generation = proxy.snapshot().generation
        for _ in range(100):
            source.apply(endpoint_slice("web", [a.endpoint]))
            source.apply(endpoint_slice("web", [b.endpoint]))
        await proxy.settled()
        assert [e.endpoint for e in proxy.snapshot().ports[0].endpoints if e.usable] == [b.endpoint]
        # A hundred events for one Service in one loop turn cost one change.
        assert proxy.snapshot().generation == generation + 1


async def test_settled_gives_up_in_its_time() -> None:
    async with Proxy(Silent(), settings=EPHEMERAL) as proxy:
        with pytest.raises(TimeoutError):
            await proxy.settled(timeout_s=0.01)


async def test_changes_say_what_is_served_and_then_what_changes() -> None:
    source = MemorySource()
    source.apply(service("web", 80), service("other", 80))
    async with TcpEcho() as echo, Proxy(source, settings=EPHEMERAL) as proxy:
        await proxy.settled()
        changes = proxy.changes()
        first = await anext(changes)
        assert {key.name.name for key in first} == {"web", "other"}
        source.apply(endpoint_slice("web", [echo.endpoint]))
        second = await anext(changes)
        assert [(key.name.name, port.state) for key, (port,) in second.items()] == [("web", "listening")]
        source.delete("Service", "web")
        source.apply(service("third", 80))
        await proxy.settled()
        third = await anext(changes)
        assert {key.name.name: len(ports) for key, ports in third.items()} == {"web": 0, "third": 1}
        await changes.aclose()
        assert {port.key.name.name for port in proxy.snapshot().ports} == {"other", "third"}


async def test_changes_tell_of_a_ring_that_took_its_time() -> None:
    """Its route is in force later than the others, and nothing else happens then."""
    source = MemorySource()
    annotations = {"userproxy.dev/balancer": "consistent-hash"}
    many = [f"10.0.{n // 250}.{n % 250 + 1}:80" for n in range(400)]
    async with Proxy(source, settings=EPHEMERAL) as proxy:
        await proxy.settled()
        changes = proxy.changes()
        assert await anext(changes) == {}
        source.apply(service("web", 80, annotations=annotations), endpoint_slice("web", many))
        async with asyncio.timeout(60):
            while len((await anext(changes))[KEY][0].endpoints) < 400:  # workers may tell of none before
                pass
        await changes.aclose()


async def test_what_is_said_together_is_published_together() -> None:
    """However long nothing was said before: a Service without its slice would refuse for a moment."""
    source = MemorySource()
    async with Proxy(source, settings=EPHEMERAL) as proxy:
        with patch("userproxy.proxy.proxy.FOLD_STEP_S", 0.0):
            await proxy.settled()  # the last step has ended
        before = proxy.snapshot().generation
        with patch("userproxy.proxy.proxy.FOLD_STEP_S", 60.0):  # one turn of the loop, on a slow machine too
            source.apply(service("web", 80), endpoint_slice("web", ["10.0.0.1:80"]))
            await proxy.settled()
        assert proxy.snapshot().generation == before + 1


async def test_changes_tell_of_a_drain_that_ended() -> None:
    source = MemorySource()
    async with TcpEcho() as echo, Proxy(source, settings=EPHEMERAL) as proxy:
        source.apply(service("web", 80), endpoint_slice("web", [echo.endpoint]))
        await proxy.settled()
        reader, writer = await asyncio.open_connection(*proxy.address("web"))
        writer.write(b"x")
        await reader.readexactly(1)
        changes = proxy.changes()
        await anext(changes)
        source.delete("Service", "web")
        [(port,)] = (await anext(changes)).values()
        assert port.state == "draining"
        latecomer = proxy.changes()
        [(port,)] = (await anext(latecomer)).values()
        assert port.state == "draining"
        await latecomer.aclose()
        writer.close()
        assert [*(await anext(changes)).values()] == [()]
        await changes.aclose()


@pytest.mark.spec("D7")
async def test_a_problem_is_told_once_and_then_cleared(caplog: pytest.LogCaptureFixture) -> None:
    source = MemorySource()
    with caplog.at_level(logging.INFO, "userproxy.proxy"):
        async with Proxy(source, settings=EPHEMERAL) as proxy:
            source.apply(service("web", 80, annotations={"userproxy.dev/balancer": "random"}))
            await proxy.settled()
            [problem] = proxy.snapshot().problems
            assert problem.value == "random"
            source.apply(service("web", 80))
            await proxy.settled()
            assert proxy.snapshot().problems == ()
    events = [record.getMessage().split()[0] for record in caplog.records]
    assert events.count("problem") == 1
    assert events.count("problem_cleared") == 1


@pytest.mark.spec("L9")
async def test_on_hold_can_wake_a_backend() -> None:
    source = MemorySource()
    woken = []
    async with TcpEcho() as echo:

        def wake(name: object) -> None:
            woken.append(str(name))
            source.apply(endpoint_slice("web", [echo.endpoint]))

        async with Proxy(source, settings=EPHEMERAL, on_hold=wake) as proxy:
            source.apply(service("web", 80, annotations={"userproxy.dev/hold": "30s"}))
            await proxy.settled()
            assert "hi" in await say(proxy.address("web"), "hi")
    assert woken == ["default/web/TCP"]


class Silent:
    """A source that says what it is told to."""

    cluster_ip_required = False
    remote = False

    def __init__(self) -> None:
        self.queue = EventQueue()
        self.closed = False

    async def events(self) -> AsyncGenerator[Event]:
        try:
            async for event in self.queue:
                if isinstance(event, Mark) and isinstance(event.token, Exception):
                    raise event.token
                yield event
        finally:
            self.closed = True

    def mark(self, token: object) -> None:
        self.queue.mark(token)

    def reload(self) -> None:
        self.queue.put(Synced())


class Trouble(Exception):
    """What goes wrong in the background."""


async def test_a_failure_in_the_background_cancels_the_block_and_is_raised_as_itself() -> None:
    source = Silent()
    reached = False
    with pytest.raises(Trouble):
        async with Proxy(source, settings=EPHEMERAL):
            source.mark(Trouble())
            await asyncio.Event().wait()
            reached = True
    assert not reached
    assert source.closed
    # The task that ran the block is not left cancelled.
    await asyncio.sleep(0)


async def test_an_error_of_the_block_leaves_it_as_itself() -> None:
    source = Silent()
    with pytest.raises(ZeroDivisionError):
        async with Proxy(source, settings=EPHEMERAL):
            await asyncio.sleep(0)
            raise ZeroDivisionError
    assert source.closed


async def test_a_fault_while_applying_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    source = MemorySource()
    with pytest.raises(Trouble):
        async with Proxy(source, settings=EPHEMERAL) as proxy:

            def broken(*_: object) -> None:
                raise Trouble

            monkeypatch.setattr(proxy._running, "apply", broken)
            source.apply(service("web", 80))
            await asyncio.Event().wait()


async def test_a_fault_of_the_last_turn_is_not_lost() -> None:
    source = MemorySource()
    with pytest.raises(Trouble):
        async with Proxy(source, settings=EPHEMERAL) as proxy:
            proxy._failed(Trouble())


@in_one_process_only("on_hold is called in the parent, and workers accept some clients only after it")
async def test_a_callback_that_fails_is_raised_and_strands_nobody() -> None:
    """The clients behind the one that had the callback called are accepted all the same."""
    source = MemorySource()
    waiting = 0

    def wake(name: object) -> None:
        nonlocal waiting
        waiting = proxy.snapshot().ports[0].held
        raise Trouble

    source.apply(service("web", 80, annotations={"userproxy.dev/hold": "30s"}))
    with pytest.raises(Trouble):
        async with Proxy(source, settings=EPHEMERAL, on_hold=wake) as proxy:
            await proxy.settled()
            clients = []
            for _ in range(5):
                client = socket.create_connection(proxy.address("web"))
                clients.append(client)
            try:
                await asyncio.Event().wait()
            finally:
                for client in clients:
                    client.close()
    assert waiting == 5


async def test_settled_ends_when_the_proxy_stops_or_does_not_run() -> None:
    proxy = Proxy(Silent(), settings=EPHEMERAL)
    with pytest.raises(RuntimeError, match="not running"):
        await proxy.settled()
    async with proxy:
        asking = asyncio.create_task(proxy.settled(timeout_s=None))
        await asyncio.sleep(0)
        await proxy.drain(0)
        with pytest.raises(RuntimeError, match="stopped"):
            await asking
        with pytest.raises(RuntimeError, match="stopped"):
            await proxy.settled()


async def test_changes_end_with_the_proxy() -> None:
    told = []

    async def follow(proxy: Proxy) -> None:
        told.extend([len(ports) async for ports in proxy.changes()])

    async with Proxy(MemorySource(), settings=EPHEMERAL) as proxy:
        following = asyncio.create_task(follow(proxy))
        await proxy.settled()
    await following
    assert told == [0]


async def test_L6_drain_lets_connections_end_and_address_is_closed() -> None:
    source = MemorySource()
    async with TcpEcho() as echo, Proxy(source, settings=EPHEMERAL) as proxy:
        source.apply(service("web", 80), endpoint_slice("web", [echo.endpoint]))
        await proxy.settled()
        reader, writer = await asyncio.open_connection(*proxy.address("web"))
        writer.write(b"x")
        await reader.readexactly(1)
        draining = asyncio.create_task(proxy.drain())
        await asyncio.sleep(0)
        with pytest.raises(NotListening):
            proxy.address("web")
        writer.write(b"y")
        assert await reader.readexactly(1) == b"y"
        writer.close()
        report = await draining
        assert (report.drained, report.cut) == (1, 0)


async def test_settled_survives_a_ring_that_is_dropped_or_takes_too_long() -> None:
    source = MemorySource()
    annotations = {"userproxy.dev/balancer": "consistent-hash"}

    def many(first: int) -> dict[str, object]:
        return endpoint_slice("web", [f"10.{first}.{n // 250}.{n % 250 + 1}:80" for n in range(600)])

    async with Proxy(source, settings=EPHEMERAL) as proxy:
        source.apply(service("web", 80, annotations=annotations), many(0))
        with pytest.raises(TimeoutError):
            await proxy.settled(timeout_s=0.002)
        await proxy.settled()  # the build went on
        assert len(proxy.snapshot().ports[0].endpoints) == 600
        source.apply(many(1))
        asking = asyncio.create_task(proxy.settled())
        for _ in range(10):
            await asyncio.sleep(0)
        source.apply(many(2))
        await asking
        await proxy.settled()
        assert proxy.snapshot().ports[0].endpoints[0].endpoint.startswith("10.2.")


async def test_cancelling_the_block_from_outside_closes_everything() -> None:
    source = Silent()
    entered = asyncio.Event()

    async def body() -> None:
        async with Proxy(source, settings=EPHEMERAL):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(body())
    await entered.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed


@pytest.mark.spec("R2")
async def test_nothing_is_served_before_the_source_is_in_sync() -> None:
    source = Held()
    async with Proxy(source, settings=EPHEMERAL) as proxy:
        source.inner.apply(service("web", 80))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not proxy.snapshot().synced
        assert proxy.snapshot().ports == ()
        source.release.set()
        await proxy.settled()
        assert proxy.snapshot().synced
        assert len(proxy.snapshot().ports) == 1


class Held:
    """A memory source whose Synced is held back."""

    cluster_ip_required = False
    remote = False

    def __init__(self) -> None:
        self.inner = MemorySource()
        self.release = asyncio.Event()

    async def events(self) -> AsyncGenerator[Event]:
        async for event in self.inner.events():
            if isinstance(event, Synced):
                await self.release.wait()
            yield event

    def mark(self, token: object) -> None:
        self.inner.mark(token)

    def reload(self) -> None:
        """Nothing."""


async def test_two_proxies_in_one_process_share_nothing() -> None:
    one, two = MemorySource(), MemorySource()
    async with (
        TcpEcho() as echo,
        Proxy(one, settings=EPHEMERAL) as first,
        Proxy(two, settings=EPHEMERAL) as second,
    ):
        one.apply(service("web", 80), endpoint_slice("web", [echo.endpoint]))
        await first.settled()
        await second.settled()
        assert first.address("web")
        with pytest.raises(KeyError):
            second.address("web")


async def test_no_signal_handler_and_no_logging_set_up() -> None:
    root = logging.getLogger()
    before = (signal.getsignal(signal.SIGTERM), list(root.handlers), root.level)
    async with Proxy(MemorySource(), settings=EPHEMERAL) as proxy:
        await proxy.settled()
        now = (
            signal.getsignal(signal.SIGTERM),
            list(logging.getLogger().handlers),
            logging.getLogger().level,
        )
        assert now == before


@pytest.mark.parametrize(
    ("given", "expected"),
    [(" Worker-1 ", "worker-1"), ("a", "a")],
    ids=["N1 trimmed, lower case", "N1 as given"],
)
def test_N1_node_name(given: str, expected: str) -> None:
    assert node_name_of(Settings(node_name=given)) == expected


def test_N1_the_host_name_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Laptop.Local\n")
    assert node_name_of(Settings()) == "laptop.local"


def test_importing_the_package_loads_no_aiohttp_no_yaml_no_rich_and_no_loop() -> None:
    heavy = ["aiohttp", "yaml", "rich", "uvloop", "watchfiles", "orjson"]
    code = f"import userproxy, sys; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
