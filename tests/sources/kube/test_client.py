"""Requests over real sockets: what is sent, what is kept open, what is never shown."""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from multidict import CIMultiDict

from tests.sources.kube.connections import nobody_listens
from tests.sources.kube.raw import list_body, service
from tests.sources.kube.requesting import (
    COLLECTION,
    PASSWORD,
    SECRET,
    Credentials,
    client_of,
    failure,
)
from tests.sources.kube.scripted_server import ScriptedServer, page, plain
from userproxy.errors import ApiError, CredentialsError
from userproxy.sources.kube import client as client_module
from userproxy.sources.kube.failures import NotKubernetes, WrongAnswer
from userproxy.sources.kube.keepalive import DEAD_AFTER_S
from userproxy.sources.kube.transport_errors import without_userinfo


class TestRequest:
    async def test_credentials_are_sent_and_a_page_comes_back(self) -> None:
        async with ScriptedServer() as server, client_of(Credentials(server.url)) as client:
            server.lists("services", page(service("web"), version="7"))
            body = await client.page(COLLECTION, {"labelSelector": "a=b,!c", "resourceVersion": "0"})

            assert body == list_body(service("web"), version="7")
            request = server.requests[0]
            assert request.path == "/api/v1/services"
            assert request.query == {"labelSelector": "a=b,!c", "resourceVersion": "0"}
            assert request.headers["authorization"] == f"Bearer {SECRET}"

    async def test_a_server_may_have_a_path(self) -> None:
        async with ScriptedServer() as server, client_of(Credentials(f"{server.url}/k8s/c-1")) as client:
            server.lists("services", page())
            await client.page(COLLECTION, {})
            assert server.requests[0].path == "/k8s/c-1/api/v1/services"

    async def test_a_header_may_be_sent_more_than_once(self) -> None:
        groups = CIMultiDict([("Impersonate-Group", "a"), ("Impersonate-Group", "b")])
        async with ScriptedServer() as server, client_of(Credentials(server.url, headers=groups)) as client:
            server.lists("services", page())
            await client.page(COLLECTION, {})
            assert server.requests[0].headers["impersonate-group"] == "a,b"

    async def test_a_compressed_list_is_read(self) -> None:
        body = gzip.compress(list_body(service("web")))
        async with ScriptedServer() as server, client_of(Credentials(server.url)) as client:
            server.lists("services", plain(200, "application/json", body, {"Content-Encoding": "gzip"}))
            assert await client.page(COLLECTION, {}) == list_body(service("web"))

    async def test_the_environments_proxy_is_the_connections_business(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with nobody_listens() as url:
            monkeypatch.setenv("HTTP_PROXY", url)
            monkeypatch.setenv("http_proxy", url)
            async with ScriptedServer() as server, client_of(Credentials(server.url)) as client:
                server.lists("services", page())
                assert await client.page(COLLECTION, {})

    async def test_a_list_without_end_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "_LIST_BODY_BYTES", 100_000)
        async with ScriptedServer() as server:
            server.lists("services", plain(200, "application/json", b"x" * 300_000))
            assert isinstance(await failure(Credentials(server.url)), WrongAnswer)

    async def test_of_a_long_error_only_the_beginning_is_kept(self) -> None:
        async with ScriptedServer() as server:
            server.lists("services", plain(500, "text/plain", b"x" * 3_000_000))
            found = await failure(Credentials(server.url))
            assert isinstance(found, ApiError)
            assert str(found) == f"list services: HTTP 500, text/plain: {'x' * 300}..."

    async def test_a_redirect_does_not_carry_the_token_away(self) -> None:
        async with ScriptedServer() as elsewhere, ScriptedServer() as server:
            server.lists("services", plain(307, "text/plain", b"", {"Location": f"{elsewhere.url}/api"}))
            assert isinstance(await failure(Credentials(server.url)), NotKubernetes)
            assert elsewhere.requests == []


class TestWatchConnection:
    async def test_leaving_a_watch_ends_its_connection(self) -> None:
        async with ScriptedServer() as server, client_of(Credentials(server.url)) as client:
            async with client.watch(COLLECTION, "7", 300):
                stream = await server.stream("services")
            await stream.client_gone()

    @pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds sockets through /proc")
    async def test_R9_the_kernel_watches_over_the_connection_of_a_watch(self) -> None:
        async with ScriptedServer() as server, client_of(Credentials(server.url)) as client:
            async with client.watch(COLLECTION, "7", 300):
                with own_socket_to(server.port) as sock:
                    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
                    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 10
                    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3
                    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == DEAD_AFTER_S * 1000

    async def test_R9_the_read_limit_is_a_little_above_the_watchs_own_time_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limits: list[aiohttp.ClientTimeout] = []
        original = aiohttp.ClientSession.request

        def request(self: aiohttp.ClientSession, *args: object, **options: object) -> object:
            timeout = options["timeout"]
            assert isinstance(timeout, aiohttp.ClientTimeout)
            limits.append(timeout)
            return original(self, *args, **options)  # type: ignore[arg-type]  # passed on as they came

        monkeypatch.setattr(aiohttp.ClientSession, "request", request)
        async with ScriptedServer() as server, client_of(Credentials(server.url)) as client:
            async with client.watch(COLLECTION, "7", 421):
                pass
        assert (limits[0].sock_read, limits[0].total, limits[0].connect) == (436.0, None, 10.0)

    async def test_reload_connects_anew(self) -> None:
        connection = Credentials("")
        async with ScriptedServer() as server, client_of(connection) as client:
            connection.server = server.url
            server.lists("services", page(), page())
            await client.page(COLLECTION, {})
            client.reload()
            await client.page(COLLECTION, {})
            assert server.connections == 2


class TestSecrets:
    async def test_a_token_that_is_no_header_is_not_shown(self) -> None:
        async with ScriptedServer() as server:
            broken = Credentials(server.url, headers={"Authorization": f"Bearer {SECRET}\r\nX: y"})
            found = await failure(broken)
        assert isinstance(found, CredentialsError)
        assert str(found) == "list services: a header of the credentials is malformed"

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            pytest.param(f"http://user:{PASSWORD}@", "an unreadable URL", id="no host"),
            pytest.param(f"ftp://user:{PASSWORD}@api", "ftp://api", id="no HTTP"),
            pytest.param("api", "api", id="no scheme"),
            pytest.param(f"http://user:{PASSWORD}@[::1", "an unreadable URL", id="unreadable"),
        ],
    )
    async def test_a_url_that_cannot_be_used_is_said_without_its_password(self, url: str, shown: str) -> None:
        found = await failure(Credentials(url, headers={"X-Token": SECRET}))
        assert isinstance(found, CredentialsError)
        assert str(found).startswith(shown)
        assert "no URL that can be used" in str(found)

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            pytest.param("https://api:6443/x", "https://api:6443/x", id="nothing to hide"),
            pytest.param(f"https://u:{PASSWORD}@api", "https://api", id="user and password"),
            pytest.param("http://u:p@[::1", "an unreadable URL", id="unreadable"),
        ],
    )
    def test_urls_are_shown_without_user_and_password(self, url: str, shown: str) -> None:
        assert without_userinfo(url) == shown


@contextmanager
def own_socket_to(port: int) -> Iterator[socket.socket]:
    """A duplicate of this process' socket that is connected to ``port``."""
    for entry in os.listdir("/proc/self/fd"):
        try:
            sock = socket.socket(fileno=os.dup(int(entry)))
        except OSError:
            continue
        with sock:
            try:
                peer = sock.getpeername()
            except OSError:
                continue
            if peer == ("127.0.0.1", port):
                yield sock
                return
    raise AssertionError(f"no socket to port {port}")
