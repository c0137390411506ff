"""The real ``kubectl port-forward``, in both of its ways: what holds our framing to that of others."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from tests.testing.kubectl_runner import Kubectl, needs_kubectl
from userproxy.testing import ApiServer
from userproxy.testing.api_server.port_forward.faults import Way
from userproxy.testing.backends import HttpBackend, TcpEcho
from userproxy.testing.objects import pod, service

pytestmark = needs_kubectl

WAYS = pytest.mark.parametrize(
    ("websockets", "way"), [("true", Way.TUNNEL), ("false", Way.SPDY)], ids=["websocket", "spdy"]
)


@asynccontextmanager
async def forwarded(
    server: ApiServer, home: Path, what: str, port: str, websockets: str = "true"
) -> AsyncIterator[int]:
    """The local port of a ``kubectl port-forward`` that runs while the block does."""
    environment = {"KUBECTL_PORT_FORWARD_WEBSOCKETS": websockets}
    # Without a token it would ask for a name, over TLS.
    kubectl = Kubectl(home, server.kubeconfig(home / "config", token="any"), environment)
    async with kubectl.following("port-forward", "--address", "127.0.0.1", what, f"0:{port}") as lines:
        async with asyncio.timeout(30):
            first = await lines.readline()
        found = re.match(rb"Forwarding from 127\.0\.0\.1:(\d+) -> \d+\n", first)
        assert found, first
        yield int(found[1])


async def asked(port: int) -> bytes:
    """The last line of an answer over HTTP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer.splitlines()[-1]


@WAYS
@pytest.mark.parametrize("version", ["1.29", "1.30", "1.31", "1.33"])
async def test_kubectl_forwards_to_a_service(version: str, websockets: str, way: Way, tmp_path: Path) -> None:
    """Some builds of kubectl choose their version by that of the server; before 1.30 there is one way."""
    expected = Way.SPDY if version == "1.29" else way
    async with ApiServer(kubernetes_version=version) as server, HttpBackend("one") as one:
        named = {"port": 80, "targetPort": "http"}
        await server.apply(
            service("web", named, selector={"app": "web"}),
            pod("web-0", "http:8080", backends={8080: one.endpoint}, labels={"app": "web"}),
        )
        async with forwarded(server, tmp_path, "svc/web", "80", websockets) as port:
            answers = await asyncio.gather(*(asked(port) for _ in range(5)))
        assert answers == [b"one"] * 5
        assert server.forwards.connected == 5
        assert server.forwards.upgraded[expected] == 1
        await server.forwarding(upgrades=0, connections=0)


@WAYS
async def test_kubectl_carries_megabytes_both_ways(websockets: str, way: Way, tmp_path: Path) -> None:
    content = bytes(range(256)) * (8 << 12)
    async with ApiServer() as server, TcpEcho() as echo:
        await server.apply(pod("web-0", backends={8080: echo.endpoint}))
        async with forwarded(server, tmp_path, "pod/web-0", "8080", websockets) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(content)
            async with asyncio.timeout(60):
                assert await reader.readexactly(len(content)) == content
            writer.close()
        assert server.forwards.upgraded[way] == 1


@WAYS
async def test_kubectl_forwards_over_tls(websockets: str, way: Way, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = authority.cert_pem.bytes()
    async with (
        ApiServer(ssl_context=context, certificate_authority=trusted) as server,
        HttpBackend("one") as one,
    ):
        await server.apply(pod("web-0", backends={8080: one.endpoint}))
        async with forwarded(server, tmp_path, "pod/web-0", "8080", websockets) as port:
            assert await asked(port) == b"one"
        assert server.forwards.upgraded[way] == 1
        await server.forwarding(upgrades=0, connections=0)


@WAYS
async def test_kubectl_meets_a_connection_that_fails(websockets: str, way: Way, tmp_path: Path) -> None:
    async with ApiServer() as server:
        await server.apply(pod("web-0", 8080))
        async with forwarded(server, tmp_path, "pod/web-0", "8080", websockets) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.timeout(30):
                assert await reader.read() == b""
            writer.close()
        assert server.forwards.upgraded[way] == 1
        assert server.forwards.connected == 1


async def test_kubectl_goes_on_to_spdy_where_websockets_are_refused(tmp_path: Path) -> None:
    async with ApiServer() as server, HttpBackend("one") as one:
        server.refuse_upgrades(403, way=Way.TUNNEL)
        await server.apply(pod("web-0", backends={8080: one.endpoint}))
        async with forwarded(server, tmp_path, "pod/web-0", "8080") as port:
            assert await asked(port) == b"one"
        assert server.forwards.upgraded[Way.SPDY] == 1


async def test_kubectl_names_the_right_that_is_missing(server: ApiServer, tmp_path: Path) -> None:
    await server.apply(pod("web-0", 8080))
    server.forbid("get", "pods/portforward")
    server.forbid("create", "pods/portforward")
    kubectl = Kubectl(tmp_path, server.kubeconfig(tmp_path / "config"))
    ran = await kubectl.tried("port-forward", "pod/web-0", "0:8080")
    assert ran.code == 1
    assert (
        'cannot create resource "pods/portforward" in API group "" in the namespace "default"' in ran.errors
    )


async def test_kubectl_shows_pods(server: ApiServer, tmp_path: Path) -> None:
    await server.apply(pod("web-0", 8080))
    kubectl = Kubectl(tmp_path, server.kubeconfig(tmp_path / "config"))
    rows = (await kubectl("get", "pods")).rows
    assert rows[0] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert rows[1][:4] == ["web-0", "1/1", "Running", "0"]
    assert (await kubectl("delete", "pod", "web-0")).out.startswith('pod "web-0" deleted')
