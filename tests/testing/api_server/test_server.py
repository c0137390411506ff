"""Starting, stopping and coming back, TLS, tokens, the record of requests, the kubeconfig."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import ssl
import stat
from pathlib import Path

import aiohttp
import pytest
import trustme

from tests.ipv6 import needs_ipv6
from tests.testing.api_server.http_client import HttpClient
from userproxy.testing import ApiServer
from userproxy.testing.objects import service

SERVICES = "/api/v1/services"


async def test_objects_outlive_a_stop_and_the_port_is_the_same_again() -> None:
    server = ApiServer()
    await server.start()
    port = server.port
    await server.apply(service("web", 80))
    async with HttpClient(server.url) as client:
        version = (await client.get(SERVICES)).at("metadata/resourceVersion")
        await server.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(SERVICES)
        await server.start(port=port)
        again = await client.get(SERVICES)
        assert (again.names, again.at("metadata/resourceVersion")) == (["web"], version)
        await server.stop()


async def test_stop_ends_watches_in_order_and_drops_what_hangs() -> None:
    async with ApiServer() as server, HttpClient(server.url) as client:
        async with client.watch(SERVICES) as watch:
            await server.watched("services")
            server.hang(verb="list")
            hanging = asyncio.create_task(client.get(SERVICES))
            await server.requested("list")
            await server.stop()
            assert await watch.ends()
            with pytest.raises(aiohttp.ClientError):
                await hanging


async def test_stopping_twice_is_stopping_once_and_starting_twice_is_an_error() -> None:
    server = ApiServer()
    await server.stop()
    await server.start()
    with pytest.raises(RuntimeError, match="running already"):
        await server.start()
    await server.stop()
    await server.stop()


async def test_a_taken_port_is_an_os_error_and_leaves_nothing(server: ApiServer) -> None:
    other = ApiServer()
    with pytest.raises(OSError) as taken:  # noqa: PT011 - the errno says which
        await other.start(port=server.port)
    assert taken.value.errno == errno.EADDRINUSE
    await other.start()
    await other.stop()


@needs_ipv6
async def test_ipv6(tmp_path: Path) -> None:
    server = ApiServer()
    await server.start("::1")
    try:
        assert server.url == f"http://[::1]:{server.port}"
        async with HttpClient(server.url) as client:
            assert (await client.get("/healthz")).status == 200
    finally:
        await server.stop()


@pytest.mark.parametrize("cidrs", [(), ("10.96.0.0/16", "10.97.0.0/16"), ("nonsense",)])
def test_bad_service_cidrs_are_refused(cidrs: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"."):
        ApiServer(service_cidrs=cidrs)


async def test_dual_stack() -> None:
    server = ApiServer(service_cidrs=("10.96.0.0/16", "fd00:96::/112"))
    (stored,) = await server.apply(service("web", 80, ipFamilyPolicy="RequireDualStack"))
    spec = stored["spec"]
    assert isinstance(spec, dict)
    assert spec["ipFamilies"] == ["IPv4", "IPv6"]
    assert len(spec["clusterIPs"]) == 2


async def test_tokens(server: ApiServer, client: HttpClient) -> None:
    seen: list[str] = []

    def accepts(token: str) -> bool:
        seen.append(token)
        return token == "right"

    server.require_token(accepts)
    anonymous = await client.get(SERVICES)
    assert (anonymous.status, anonymous.reason) == (401, "Unauthorized")
    for scheme, status in (
        ("Bearer right", 200),
        ("bearer right", 200),
        ("Bearer wrong", 401),
        ("Basic right", 401),
    ):
        assert (await client("GET", SERVICES, headers={"Authorization": scheme})).status == status
    assert seen == ["", "right", "right", "wrong", ""]
    server.require_token(None)
    assert (await client.get(SERVICES)).status == 200


async def test_tls_and_client_certificates(tmp_path: Path) -> None:
    authority = trustme.CA()
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.configure_trust(serving)
    serving.verify_mode = ssl.CERT_OPTIONAL
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    proving = ssl.create_default_context()
    authority.configure_trust(proving)
    authority.issue_cert("client.example", common_name="someone").configure_cert(proving)
    pem = authority.cert_pem.bytes()
    async with ApiServer(ssl_context=serving, certificate_authority=pem) as server:
        assert server.url.startswith("https://127.0.0.1:")
        for context, name in ((trusting, ""), (proving, "someone")):
            async with HttpClient(server.url, context) as client:
                assert (await client.get(SERVICES)).status == 200
            assert server.requests.of("list")[-1].client_name == name
        config = json.loads(server.kubeconfig(tmp_path / "config").read_text())
        assert config["clusters"][0]["cluster"]["certificate-authority-data"]


async def test_requests_are_recorded(server: ApiServer, client: HttpClient) -> None:
    await client.get(SERVICES, limit="5")
    await client(
        "GET", "/api/v1/namespaces/shop/services/web", headers={"X-Mark": "here", "Authorization": "Bearer s"}
    )
    await client.get("/version")
    listed, got, version = server.requests
    assert (listed.method, listed.path, listed.query) == ("GET", SERVICES, {"limit": "5"})
    assert (listed.verb, listed.resource) == ("list", "services")
    assert (got.verb, got.namespace, got.name, got.headers["x-mark"]) == ("get", "shop", "web", "here")
    assert (version.verb, version.resource, version.path) == ("", "", "/version")
    assert "Bearer" not in repr(got)
    assert server.requests.of("get", "services") == (got,)
    assert len(server.requests) == 3
    server.requests.clear()
    assert not len(server.requests)


async def test_waiting_for_requests_and_watches_ends_in_a_timeout(server: ApiServer) -> None:
    with pytest.raises(TimeoutError):
        await server.requested("list", timeout_s=0.01)
    with pytest.raises(TimeoutError):
        await server.watched("services", timeout_s=0.01)
    await server.watched("services", count=0)


async def test_a_kubeconfig_is_private_and_replaced_whole(server: ApiServer, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("something else")
    assert server.kubeconfig(path, token="secret", namespace="shop") == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [path.name]
    config = json.loads(path.read_text())
    assert config["clusters"][0]["cluster"]["server"] == server.url
    assert config["users"][0]["user"] == {"token": "secret"}
    assert config["contexts"][0]["context"]["namespace"] == "shop"
    assert config["current-context"] == config["contexts"][0]["name"]


async def test_a_kubeconfig_that_cannot_be_written_leaves_nothing(server: ApiServer, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        server.kubeconfig(tmp_path / "missing" / "config")
    (tmp_path / "config").mkdir()
    with pytest.raises(OSError, match="directory"):
        server.kubeconfig(tmp_path / "config")
    assert os.listdir(tmp_path) == ["config"]
