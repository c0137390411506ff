"""Headless Services under traffic: a name leads to its own pod, also while that is replaced (L1, T1)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.integration.world import EPHEMERAL, greeting, world
from tests.option import in_one_process_only, with_workers
from userproxy import KubeSource, NotListening, Proxy, Settings
from userproxy.portforward import PodForwarder
from userproxy.sources.kube.connection import AnonymousConnection
from userproxy.testing.api_server import ApiServer
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho
from userproxy.testing.objects import RawObject, endpoint_slice, service
from userproxy.testing.objects import pod as pod_object

DB = service("db", "sql:15432", namespace="shop", clusterIP="None")


def pod(echo: TcpEcho, hostname: str, *, ready: bool = True, terminating: bool = False) -> RawObject:
    """A slice of its own for one pod, as pods on different ports need it."""
    return endpoint_slice(
        "db",
        [echo.endpoint],
        port_name="sql",
        name=f"db-{echo.name}",
        namespace="shop",
        labels={"service.kubernetes.io/headless": ""},
        hostnames=[hostname],
        ready=ready,
        serving=True,
        terminating=terminating,
    )


async def test_each_name_leads_to_its_pod() -> None:
    async with TcpEcho("one") as one, TcpEcho("two") as two, world() as w:
        w.source.apply(DB, pod(one, "db-0"), pod(two, "db-1"))
        await w.settled()
        answers = [await greeting(w.proxy.address(f"shop/db-{number}.db")) for number in (0, 1, 1, 0, 1)]
        assert answers == ["one", "two", "two", "one", "two"]
        await w.quiet()
        with pytest.raises(KeyError):
            w.proxy.address("shop/db")


async def test_udp_too() -> None:
    async with UdpEcho() as echo, world() as w:
        w.source.apply(
            service("dns", "dns:53/UDP", clusterIP="None"),
            endpoint_slice("dns", [echo.endpoint], port_name="dns", protocol="UDP", hostnames=["ns-0"]),
        )
        await w.settled()
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()

        class Client(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                answered.set_result(data)

        address = w.proxy.address("ns-0.dns")
        transport, _ = await loop.create_datagram_endpoint(Client, remote_addr=address)
        transport.sendto(b"question")
        async with asyncio.timeout(60):
            assert await answered == b"question"
        transport.close()


@pytest.mark.spec("T1")
async def test_T1_a_pod_is_replaced_under_its_name_and_an_open_connection_lives_on() -> None:
    async with TcpEcho("old") as old, TcpEcho("new") as new, world() as w:
        w.source.apply(DB, pod(old, "db-0"))
        await w.settled()
        address = w.proxy.address("shop/db-0.db")
        reader, writer = await asyncio.open_connection(*address)
        assert await reader.readline() == b"old\n"

        w.source.apply(pod(old, "db-0", ready=False, terminating=True), pod(new, "db-0", ready=False))
        await w.settled()
        assert await greeting(address) == "old"  # nobody else is ready yet
        w.source.apply(pod(new, "db-0"))
        await w.settled()
        assert await greeting(address) == "new"
        w.source.delete("EndpointSlice", "db-old", namespace="shop")
        await w.settled()
        assert w.proxy.address("shop/db-0.db") == address
        assert await greeting(address) == "new"

        writer.write(b"still here")
        assert await reader.readexactly(10) == b"still here"
        writer.close()
        await writer.wait_closed()
        await w.quiet()


@pytest.mark.spec("L1", "T8")
async def test_L1_a_name_has_its_address_while_there_is_such_an_endpoint() -> None:
    async with TcpEcho("one") as one, world(with_workers(Settings())) as w:
        w.source.apply(DB, pod(one, "db-0"))
        await w.settled()
        address = w.proxy.address("shop/db-0.db")
        assert address == ("127.150.222.132", 15432)
        assert await greeting(address) == "one"
        w.source.apply(pod(one, "db-0", ready=False))
        await w.settled()
        with pytest.raises(NotListening):
            w.proxy.address("shop/db-0.db")
        with pytest.raises(ConnectionRefusedError):
            await greeting(address)
        w.source.delete("EndpointSlice", "db-one", namespace="shop")
        await w.settled()
        with pytest.raises(KeyError):
            w.proxy.address("shop/db-0.db")
        w.source.apply(pod(one, "db-0"))
        await w.settled()
        assert w.proxy.address("shop/db-0.db") == address
        assert await greeting(address) == "one"
        await w.quiet()


@pytest.mark.spec("S1")
async def test_S1_a_service_turns_headless_and_back_under_a_connection() -> None:
    normal = service("db", "sql:15432", namespace="shop")
    async with TcpEcho("one") as one, world() as w:
        unmarked = endpoint_slice(
            "db", [one.endpoint], port_name="sql", name="db-one", namespace="shop", hostnames=["db-0"]
        )
        w.source.apply(normal, unmarked)
        await w.settled()
        reader, writer = await asyncio.open_connection(*w.proxy.address("shop/db"))
        await reader.readline()
        w.source.apply(DB, pod(one, "db-0"))
        await w.settled()
        assert await greeting(w.proxy.address("shop/db-0.db")) == "one"
        with pytest.raises(KeyError):
            w.proxy.address("shop/db")
        w.source.apply(normal, unmarked)
        await w.settled()
        assert await greeting(w.proxy.address("shop/db")) == "one"
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        writer.close()
        await writer.wait_closed()
        await w.quiet()


@pytest.mark.spec("S1", "E1")
async def test_S1_E1_headless_services_of_an_api_server_are_watched() -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(TcpEcho("one"))
        server = await stack.enter_async_context(ApiServer())
        source = KubeSource(AnonymousConnection(server.url))
        proxy = await stack.enter_async_context(Proxy(source, settings=EPHEMERAL))
        await server.apply(DB, pod(one, "db-0"))
        await server.settled(proxy)
        assert await greeting(proxy.address("shop/db-0.db")) == "one"
        await server.delete("Service", "db", namespace="shop")
        await server.settled(proxy)
        with pytest.raises(KeyError):
            proxy.address("shop/db-0.db")


@in_one_process_only("they cannot reach pods")
async def test_a_pod_without_a_route_is_reached_by_its_name_through_the_api_server() -> None:
    """Its address is of a documentation range (RFC 5737): only the API server can connect to it."""
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(TcpEcho(name)) for name in ("one", "two")]
        server = await stack.enter_async_context(ApiServer())
        connection = AnonymousConnection(server.url)
        forwarder = await stack.enter_async_context(PodForwarder(connection))
        source = KubeSource(connection)
        proxy = await stack.enter_async_context(Proxy(source, settings=EPHEMERAL, pod_dialler=forwarder))
        await server.apply(
            pod_object("db-0", backends={15432: one.endpoint}, namespace="shop"),
            pod_object("db-1", backends={15432: two.endpoint}, namespace="shop"),
            DB,
            endpoint_slice(
                "db",
                ["192.0.2.10:15432", "192.0.2.11:15432"],
                port_name="sql",
                namespace="shop",
                labels={"service.kubernetes.io/headless": ""},
                hostnames=["db-0", "db-1"],
                pods=["db-0", "db-1"],
            ),
        )
        await server.settled(proxy)
        answers = [await greeting(proxy.address(f"shop/db-{number}.db")) for number in (1, 0, 1)]
        assert answers == ["two", "one", "two"]
