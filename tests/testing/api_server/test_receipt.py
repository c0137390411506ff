"""`ApiServer.settled`: what was applied is in force at a proxy that follows the server."""

from __future__ import annotations

import pytest

from tests.option import with_workers
from userproxy.errors import NotListening
from userproxy.proxy import Proxy
from userproxy.settings import Addresses, Settings
from userproxy.sources.kube.connection import AnonymousConnection
from userproxy.sources.kube.source import KubeSource
from userproxy.sources.memory import MemorySource
from userproxy.testing import ApiServer
from userproxy.testing.backends import TcpEcho
from userproxy.testing.objects import endpoint_slice, node, service

EPHEMERAL = with_workers(Settings(addresses=Addresses.EPHEMERAL, node_name="here"))
pytestmark = pytest.mark.proxied


async def test_what_was_applied_before_is_in_force(server: ApiServer) -> None:
    source = KubeSource(AnonymousConnection(server.url), node_name="here")
    async with TcpEcho() as backend, Proxy(source, settings=EPHEMERAL) as proxy:
        await server.apply(service("web", 80), endpoint_slice("web", [backend.endpoint]))
        await server.settled(proxy)
        assert proxy.address("web").port
        for number in range(5):
            await server.apply(service(f"s{number}", 80))
            await server.settled(proxy)
            with pytest.raises(NotListening):
                proxy.address(f"s{number}")
        await server.delete("Service", "web")
        await server.settled(proxy)
        with pytest.raises(KeyError):
            proxy.address("web")


async def test_writes_that_no_watch_tells_of_move_the_versions_too(server: ApiServer) -> None:
    async with Proxy(KubeSource(AnonymousConnection(server.url)), settings=EPHEMERAL) as proxy:
        await server.settled(proxy)
        await server.apply(node("elsewhere"))
        await server.settled(proxy)


async def test_a_watch_that_breaks_meanwhile_is_waited_for(server: ApiServer) -> None:
    async with (
        TcpEcho() as backend,
        Proxy(KubeSource(AnonymousConnection(server.url)), settings=EPHEMERAL) as proxy,
    ):
        await server.settled(proxy)
        await server.apply(service("web", 80), endpoint_slice("web", [backend.endpoint]))
        server.end_watches()
        await server.settled(proxy)
        assert proxy.address("web").port


async def test_a_proxy_that_hears_nothing_is_a_timeout(server: ApiServer) -> None:
    async with Proxy(KubeSource(AnonymousConnection(server.url)), settings=EPHEMERAL) as proxy:
        await server.settled(proxy)
        await server.watched("services")
        await server.watched("endpointslices")
        server.go_silent()
        await server.apply(service("web", 80))
        with pytest.raises(TimeoutError):
            await server.settled(proxy, timeout_s=0.05)


async def test_a_proxy_with_another_source_is_a_type_error(server: ApiServer) -> None:
    async with Proxy(MemorySource(), settings=EPHEMERAL) as proxy:
        with pytest.raises(TypeError, match="MemorySource"):
            await server.settled(proxy)
