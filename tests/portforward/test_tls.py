"""Port-forward through TLS, an HTTP proxy and tokens that change, in every way."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.portforward.connect_proxy import connect_proxy
from tests.portforward.test_api_server import Scene, Told, take_only, used, web_pod
from tests.sources.kube.kubeconfigs import write_kubeconfig
from tests.sources.kube.pki import authority_pem, b64, client_pair, server_context
from userproxy import Addresses, Proxy, Settings
from userproxy.portforward import PodForwarder
from userproxy.sources.kube.lookup import find_connection
from userproxy.sources.kube.source import KubeSource
from userproxy.testing import ApiServer
from userproxy.testing.api_server.port_forward.faults import Way
from userproxy.testing.backends import HttpBackend, TcpEcho
from userproxy.testing.objects import service

NAME = "kube.example"
"""No resolver knows it: TLS checks it, and an HTTP proxy is told it."""
CHUNK = bytes(range(251)) * 4177
"""About 1 MiB, of a length that no frame and no buffer has."""
CHUNKS = 100
EACH_WAY = pytest.mark.parametrize("way", list(Way))


@contextlib.asynccontextmanager
async def tls_server(*, certificates: ssl.VerifyMode = ssl.CERT_REQUIRED) -> AsyncIterator[ApiServer]:
    """It is called `NAME`, and wants certificates of the cluster's authority."""
    context = server_context(NAME)
    context.verify_mode = certificates
    async with ApiServer(half_close_limit_s=None, ssl_context=context) as server:
        await server.apply(service("web", "8080", selector={"app": "web"}))
        yield server


@contextlib.asynccontextmanager
async def following(
    server: ApiServer,
    folder: Path,
    *,
    url: str = "",
    cluster: Mapping[str, object] | None = None,
    user: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Scene]:
    """A proxy that was given a kubeconfig with ``user``, else a certificate, and with ``cluster`` besides."""
    pair = client_pair()
    file = write_kubeconfig(
        folder / "config",
        server=url or server.url,
        cluster={"certificate-authority-data": b64(authority_pem()), **(cluster or {})},
        user=user or {"client-certificate-data": b64(pair.chain), "client-key-data": b64(pair.key)},
    )
    connection = find_connection(kubeconfig=file, environ=environ or {}, home=folder)
    source = KubeSource(connection, node_name="")
    settings = Settings(addresses=Addresses.EPHEMERAL)
    async with (
        PodForwarder(connection) as forwarder,
        Proxy(source, settings=settings, pod_dialler=forwarder) as proxy,
    ):
        await server.settled(proxy)
        yield Scene(server, proxy, forwarder, Told())


def plugin(token: Path) -> Mapping[str, object]:
    """It gives what is in ``token``, and says no end: it runs again when that is refused."""
    api_version = "client.authentication.k8s.io/v1"
    credential = f'{{"kind": "ExecCredential", "apiVersion": "{api_version}", "status": {{"token": "%s"}}}}'
    script = f"printf '{credential}' \"$(cat {token})\""
    return {
        "apiVersion": api_version,
        "command": "/bin/sh",
        "args": ["-c", script],
        "interactiveMode": "Never",
    }


@EACH_WAY
async def test_TLS_with_a_client_certificate_and_another_name(way: Way, tmp_path: Path) -> None:
    async with HttpBackend("one") as one, tls_server() as server:
        await server.apply(web_pod(0, one))
        take_only(server, way)
        async with following(server, tmp_path, cluster={"tls-server-name": NAME}) as s:
            assert await s.get() == b"one"
            assert used(server) == {way}


@EACH_WAY
@pytest.mark.parametrize("stated", ["proxy-url", "HTTPS_PROXY"])
async def test_TLS_in_the_tunnel_of_an_HTTP_proxy(way: Way, stated: str, tmp_path: Path) -> None:
    async with (
        HttpBackend("one") as one,
        tls_server() as server,
        connect_proxy(server.port) as tunnels,
    ):
        await server.apply(web_pod(0, one))
        take_only(server, way)
        url = f"https://{NAME}:{server.port}"
        by_file = stated == "proxy-url"
        cluster = {"proxy-url": tunnels.url} if by_file else None
        environ = None if by_file else {"HTTPS_PROXY": tunnels.url}
        async with following(server, tmp_path, url=url, cluster=cluster, environ=environ) as s:
            before = len(tunnels.targets)
            assert await s.get() == b"one"
            assert used(server) == {way}
            assert tunnels.targets[before:], "the upgrade has a tunnel of its own"
            assert set(tunnels.targets) == {f"{NAME}:{server.port}"}


@EACH_WAY
async def test_R5_a_token_that_is_refused_is_renewed_before_anything_fails(way: Way, tmp_path: Path) -> None:
    accepted = "first"
    token = tmp_path / "token"
    token.write_text(accepted)
    async with HttpBackend("one") as one, tls_server(certificates=ssl.CERT_NONE) as server:
        server.require_token(lambda shown: shown == accepted)
        await server.apply(web_pod(0, one))
        take_only(server, way)
        user = {"exec": plugin(token)}
        async with following(server, tmp_path, cluster={"tls-server-name": NAME}, user=user) as s:
            assert await s.get() == b"one"
            accepted = "second"
            token.write_text(accepted)
            server.cut_forwards()
            await server.forwarding(upgrades=0)
            assert await s.get() == b"one"


@EACH_WAY
async def test_much_goes_both_ways_at_once_and_comes_as_it_was(way: Way, tmp_path: Path) -> None:
    async with TcpEcho() as echo, tls_server() as server:
        await server.apply(web_pod(0, echo))
        take_only(server, way)
        async with following(server, tmp_path, cluster={"tls-server-name": NAME}) as s:
            reader, writer = await asyncio.open_connection(*s.proxy.address("web"))

            async def send() -> None:
                for _ in range(CHUNKS):
                    writer.write(CHUNK)
                    await writer.drain()

            sending = asyncio.create_task(send())
            for _ in range(CHUNKS):
                assert await reader.readexactly(len(CHUNK)) == CHUNK
            await sending
            assert used(server) == {way}
            writer.close()
            await writer.wait_closed()
