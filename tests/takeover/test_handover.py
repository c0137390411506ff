"""What goes from one process to the next, state by state, and what the old one keeps."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from tests.dataplane.harness import Peer
from tests.dataplane.udp_peers import UdpPeer
from tests.option import with_workers
from tests.takeover.processes import Successor, holding, serving, successor
from tests.workers.crew import until
from userproxy import NotListening, Proxy, Settings
from userproxy.dataplane.inheritance import SharedListener
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.model.names import Family, NamespacedName
from userproxy.routing import LoopbackAddresses
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho
from userproxy.testing.objects import endpoint_slice, service

pytestmark = pytest.mark.both_loops
HOLD = {"userproxy.dev/hold": "1h"}
LOOPBACK = with_workers(Settings())
TCP = service("web", 80)
UDP = service("dns", "53/UDP")


def port_of(proxy: Proxy, name: str) -> PortSnapshot:
    return next(port for port in proxy.snapshot().ports if port.key.name.name == name)


async def held(proxy: Proxy, name: str, count: int) -> None:
    while port_of(proxy, name).held != count:
        await asyncio.sleep(0)


async def echoed(client: Peer, data: bytes) -> None:
    await client.send(data)
    assert await client.receive_exactly(len(data)) == data


@pytest.mark.proxied
async def test_a_listening_socket_with_its_queue(tmp_path: Path) -> None:
    """The number was chosen by the kernel; a client that comes in between is accepted by the new one."""
    async with TcpEcho() as echo:
        objects = (TCP, endpoint_slice("web", [echo.endpoint]))
        async with serving(tmp_path / "s", holding(*objects)) as old:
            address = old.proxy.address("web")
            with await Peer.connect(address) as kept:
                await echoed(kept, b"by the old one")
                async with successor(old, holding(*objects)) as new:
                    assert new.address("web") == address
                    with await Peer.connect(address) as client:
                        await echoed(client, b"by the new one")
                        await until(
                            lambda: (port_of(new, "web").open, port_of(old.proxy, "web").open) == (1, 1)
                        )
                    await echoed(kept, b"still by the old one")
                    kept.close()
                    assert (await old.proxy.drain(None)).cut == 0
                    with await Peer.connect(address) as client:
                        await echoed(client, b"when the old one is gone")


@pytest.mark.proxied
async def test_a_flow_with_its_socket_age_and_counts(tmp_path: Path) -> None:
    async with UdpEcho() as echo:
        objects = (UDP, endpoint_slice("dns", [echo.endpoint], protocol="UDP"))
        async with serving(tmp_path / "s", holding(*objects)) as old:
            client = UdpPeer.to(old.proxy.address("dns"))
            with client.sock:
                client.send(b"one")
                assert await client.receive() == b"one"
                sources = set(echo.clients)
                async with successor(old, holding(*objects)) as new:
                    await until(lambda: port_of(new, "dns").endpoints[0].bytes_to_endpoint == 3)
                    await until(lambda: port_of(old.proxy, "dns").open == 0)
                    await old.proxy.drain(0)
                    client.send(b"two", b"three")
                    assert [await client.receive(), await client.receive()] == [b"two", b"three"]
                    assert echo.clients == sources
                    await until(lambda: port_of(new, "dns").endpoints[0].bytes_to_client == 11)


@pytest.mark.proxied
async def test_an_answer_that_comes_after_the_upgrade(tmp_path: Path) -> None:
    endpoint = UdpPeer()
    with endpoint.sock:
        objects = (UDP, endpoint_slice("dns", [endpoint.endpoint.name], protocol="UDP"))
        async with serving(tmp_path / "s", holding(*objects)) as old:
            client = UdpPeer.to(old.proxy.address("dns"))
            with client.sock:
                client.send(b"question")
                _, source = await endpoint.receive_from()
                async with successor(old, holding(*objects)):
                    endpoint.answer(b"answer", source)
                    assert await client.receive() == b"answer"


async def test_B2_affinity_goes_over(tmp_path: Path) -> None:
    """Also of a client that connects while somebody takes over, and has been forgotten by nobody since."""
    web = service("web", 80, sessionAffinity="ClientIP")
    async with TcpEcho("one") as one, TcpEcho("two") as two, TcpEcho("three") as three:
        slices = [
            endpoint_slice("web", [echo.endpoint], name=f"web-{echo.name}") for echo in (one, two, three)
        ]
        async with serving(tmp_path / "s", holding(web, *slices)) as old:
            address = old.proxy.address("web")
            clients = [f"127.0.1.{number}" for number in range(1, 30)]
            before = {client: await greeted_by(address, client) for client in clients[:20]}
            by_hand = Successor(old.channel())
            await by_hand.greet()
            await by_hand.ask("listeners")
            assert len((await by_hand.ask("flows"))[0].clients) == 20  # type: ignore[union-attr]  # of affinities
            before |= {client: await greeted_by(address, client) for client in clients[20:]}
            assert len((await by_hand.ask("freeze", unwanted=[]))[0].clients) == 9  # type: ignore[union-attr]
            by_hand.close()
            async with successor(old, holding(web, *slices)) as new:
                await old.proxy.drain(0)
                assert new.address("web") == address
                assert {client: await greeted_by(address, client) for client in clients} == before
                assert len(set(before.values())) == 3


async def greeted_by(address: tuple[str, int], client: str) -> bytes:
    """Which endpoint a client with its own address gets."""
    reader, writer = await asyncio.open_connection(*address, local_addr=(client, 0))
    name = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return name


@pytest.mark.proxied
async def test_a_service_port_that_refuses_goes_on_refusing_and_listens_later(tmp_path: Path) -> None:
    async with TcpEcho() as echo, UdpEcho() as datagrams:
        objects = (TCP, endpoint_slice("web", [echo.endpoint]), UDP)
        source = holding(*objects)
        async with serving(tmp_path / "s", source) as old:
            web = old.proxy.address("web")
            source.delete("EndpointSlice", "web")
            await old.proxy.settled()
            dns = (port_of(old.proxy, "dns").listen_host, port_of(old.proxy, "dns").listen_port or 0)
            empty = holding(TCP, UDP)
            async with successor(old, empty) as new:
                await old.proxy.drain(0)
                for name in ("web", "dns"):
                    assert port_of(new, name).state == "refusing"
                    with pytest.raises(NotListening):
                        new.address(name)
                with pytest.raises(ConnectionRefusedError):
                    await Peer.connect(web)
                empty.apply(
                    endpoint_slice("web", [echo.endpoint]),
                    endpoint_slice("dns", [datagrams.endpoint], protocol="UDP"),
                )
                await new.settled()
                assert (new.address("web"), new.address("dns")) == (web, dns)
                with await Peer.connect(web) as client:
                    await echoed(client, b"again")
                asker = UdpPeer.to(dns)
                with asker.sock:
                    asker.send(b"again")
                    assert await asker.receive() == b"again"


@pytest.mark.proxied
async def test_what_changed_meanwhile_counts_when_the_new_one_begins(tmp_path: Path) -> None:
    """The old one listens, the new table has nothing to send to; and the other way round."""
    async with TcpEcho() as echo:
        behind, idle = endpoint_slice("web", [echo.endpoint]), service("idle", 80)
        async with serving(tmp_path / "s", holding(TCP, behind, idle)) as old:
            web = old.proxy.address("web")
            late = endpoint_slice("idle", [echo.endpoint])
            async with successor(old, holding(TCP, idle, late)) as new:
                await old.proxy.drain(0)
                with pytest.raises(ConnectionRefusedError):
                    await Peer.connect(web)
                with await Peer.connect(new.address("idle")) as client:
                    await echoed(client, b"served now")


@pytest.mark.proxied
async def test_L9_clients_that_wait_go_on_waiting_and_are_served(tmp_path: Path) -> None:
    web, dns = service("web", 80, annotations=HOLD), service("dns", "53/UDP", annotations=HOLD)
    async with TcpEcho() as echo, UdpEcho() as datagrams:
        async with serving(tmp_path / "s", holding(web, dns)) as old:
            asker = UdpPeer.to(old.proxy.address("dns"))
            with await Peer.connect(old.proxy.address("web")) as client, asker.sock:
                await client.send(b"patient")
                asker.send(b"first", b"second")
                await held(old.proxy, "web", 1)
                await held(old.proxy, "dns", 1)
                source = holding(web, dns)
                async with successor(old, source) as new:
                    await held(new, "web", 1)
                    await held(new, "dns", 1)
                    report = await old.proxy.drain(0)
                    assert (report.drained, report.cut) == (0, 0)
                    source.apply(
                        endpoint_slice("web", [echo.endpoint]),
                        endpoint_slice("dns", [datagrams.endpoint], protocol="UDP"),
                    )
                    assert await client.receive_exactly(7) == b"patient"
                    assert [await asker.receive() for _ in range(2)] == [b"first", b"second"]


@pytest.mark.proxied
async def test_L1_a_number_that_a_port_moved_to_stays(tmp_path: Path) -> None:
    """Though the stated one is free by now."""
    name = f"moved-{os.getpid()}"
    host = LoopbackAddresses().hold(NamespacedName("default", name), Family.IPV4)
    assert host is not None
    async with TcpEcho() as echo:
        objects = (service(name, 4000), endpoint_slice(name, [echo.endpoint]))
        with socket.create_server((host, 4000)) as other:
            async with serving(tmp_path / "s", holding(*objects), LOOPBACK) as old:
                other.close()
                async with successor(old, holding(*objects), LOOPBACK) as new:
                    assert new.address(name) == (host, 12_000)
                    assert port_of(new, name).reason == "port 4000 is taken"
                    with await Peer.connect((host, 12_000)) as client:
                        await echoed(client, b"there still")


async def test_L6_what_is_queued_where_the_new_one_does_not_listen_is_served_by_the_old(
    tmp_path: Path,
) -> None:
    async with TcpEcho() as echo, UdpEcho() as datagrams:
        objects = (
            TCP, endpoint_slice("web", [echo.endpoint]),
            UDP, endpoint_slice("dns", [datagrams.endpoint], protocol="UDP"),
        )  # fmt: skip
        async with serving(tmp_path / "s", holding(*objects)) as old:
            web, dns = old.proxy.address("web"), old.proxy.address("dns")
            asker = UdpPeer.to(dns)
            by_hand = Successor(old.channel())
            await by_hand.greet()
            numbers = [
                item.number for item in await by_hand.ask("listeners") if isinstance(item, SharedListener)
            ]
            assert await by_hand.ask("flows") == await by_hand.ask("freeze", unwanted=numbers) == []
            with await Peer.connect(web) as client, asker.sock:
                asker.send(b"queued")
                by_hand.serving()
                while not old.replaced:
                    await asyncio.sleep(0)
                await echoed(client, b"queued")
                with pytest.raises(ConnectionRefusedError):
                    await Peer.connect(web)
                with pytest.raises(ConnectionRefusedError):
                    asker.send(b"too late")
                    await asker.receive()
            by_hand.close()
            assert datagrams.datagrams == 1


@pytest.mark.proxied
async def test_C4_a_flow_that_came_over_idles_to_its_end_and_is_counted_once(tmp_path: Path) -> None:
    async with UdpEcho() as echo:
        dns = service("dns", "53/UDP", annotations={"userproxy.dev/idle-timeout": "1s"})
        objects = (dns, endpoint_slice("dns", [echo.endpoint], protocol="UDP"))
        async with serving(tmp_path / "s", holding(*objects)) as old:
            client = UdpPeer.to(old.proxy.address("dns"))
            with client.sock:
                client.send(b"one")
                assert await client.receive() == b"one"
                async with successor(old, holding(*objects)) as new:
                    await until(lambda: port_of(new, "dns").ends)
                    assert dict(port_of(new, "dns").ends) == {"IT": 1}
                    assert port_of(new, "dns").open == 0
                    assert dict(port_of(old.proxy, "dns").ends) == {}
