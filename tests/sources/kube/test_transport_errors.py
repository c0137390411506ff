"""What goes wrong below HTTP: no connection, no TLS, a proxy in between, a cut."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import aiohttp
import pytest

from tests.sources.kube import pki
from tests.sources.kube.connections import nobody_listens
from tests.sources.kube.requesting import (
    COLLECTION,
    PASSWORD,
    Credentials,
    client_of,
    failure,
    server_tls,
    trusting,
)
from tests.sources.kube.scripted_server import ScriptedServer, Stream, page, plain
from userproxy.errors import UserproxyError, WatchError
from userproxy.sources.kube.failures import NotKubernetes, Unreachable


class TestTls:
    async def test_a_trusted_server(self) -> None:
        tls = server_tls()
        async with (
            ScriptedServer(tls) as server,
            client_of(Credentials(server.url, context=trusting())) as client,
        ):
            server.lists("services", page())
            assert await client.page(COLLECTION, {})

    async def test_tls_server_name_is_the_name_that_is_checked(self) -> None:
        context = trusting()
        async with ScriptedServer(server_tls("kubernetes.test")) as server:
            found = await failure(Credentials(server.url, context=context))
            assert "is not accepted: IP address mismatch" in str(found)

            named = Credentials(server.url, context=context, tls_server_name="kubernetes.test")
            async with client_of(named) as client:
                server.lists("services", page())
                assert await client.page(COLLECTION, {})

    async def test_R5_an_untrusted_certificate(self) -> None:
        async with ScriptedServer(server_tls()) as server:
            found = await failure(Credentials(server.url, context=ssl.create_default_context()))
            assert isinstance(found, Unreachable)
            assert str(found).startswith(f"the certificate of {server.url} is not accepted: ")

    async def test_R5_an_expired_certificate(self) -> None:
        tls = server_tls(not_after=datetime(2020, 1, 1, tzinfo=UTC))
        async with ScriptedServer(tls) as server:
            found = await failure(Credentials(server.url, context=trusting()))
            assert str(found) == f"the certificate of {server.url} is not accepted: certificate has expired"

    async def test_R5_a_server_that_wants_a_client_certificate(self) -> None:
        tls = server_tls()
        tls.verify_mode = ssl.CERT_REQUIRED
        pki.authority().configure_trust(tls)
        async with handshakes(tls) as url:
            found = await failure(Credentials(url, context=trusting()))
        assert str(found) == "list services: the connection was cut: tlsv13 alert certificate required"

    async def test_R5_no_tls_where_it_is_expected(self) -> None:
        async with handshakes(None) as url:
            found = await failure(Credentials(url, context=ssl.create_default_context()))
        assert isinstance(found, Unreachable)
        assert str(found) == f"no TLS with {url}: wrong version number"

    async def test_a_new_context_means_a_new_connection(self) -> None:
        connection = Credentials("", context=trusting())
        async with ScriptedServer(server_tls()) as server, client_of(connection) as client:
            connection.server = server.url
            server.lists("services", page(), page(), page())
            await client.page(COLLECTION, {})
            await client.page(COLLECTION, {})
            assert server.connections == 1, "kept alive while nothing changed"

            connection.context = trusting()
            await client.page(COLLECTION, {})
            assert server.connections == 2


class TestUnreachable:
    async def test_R5_refused(self) -> None:
        async with nobody_listens() as url:
            found = await failure(Credentials(url))
        assert isinstance(found, Unreachable)
        assert str(found) == f"{url} cannot be reached: Connection refused"
        assert isinstance(found.__cause__, OSError)
        assert not isinstance(found.__cause__, aiohttp.ClientError), "aiohttp's knows the request"

    async def test_R5_a_name_that_is_unknown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
        found = await failure(Credentials("http://api.test"))
        assert isinstance(found, Unreachable)
        assert str(found).startswith("http://api.test cannot be reached: ")
        assert "Name or service not known" in str(found)

    async def test_R5_a_connection_that_takes_too_long(self) -> None:
        async with silent_listener() as port:
            secure = Credentials(f"https://127.0.0.1:{port}", context=ssl.create_default_context())
            found = await failure(secure, connect_timeout_s=0.05)
        assert isinstance(found, Unreachable)
        assert str(found) == f"https://127.0.0.1:{port} cannot be reached: no connection in 0.05 s"

    async def test_R8_something_that_is_no_http(self) -> None:
        async def ssh(stream: Stream) -> None:
            stream.raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

        async with ScriptedServer() as server:
            server.lists("services", ssh)
            found = await failure(Credentials(server.url))
        assert isinstance(found, NotKubernetes)
        assert str(found).startswith(f"{server_url(found)} answers with something that is no HTTP: ")

    @pytest.mark.parametrize(
        "cut_after",
        [
            b"",
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Type: application/json\r\n\r\n{",
        ],
    )
    async def test_R5_a_connection_that_is_cut(self, cut_after: bytes) -> None:
        async def cut(stream: Stream) -> None:
            stream.raw(cut_after)
            await stream.drain()
            stream.cut()

        async with ScriptedServer() as server:
            server.lists("services", cut, cut)  # aiohttp itself asks a second time
            found = await failure(Credentials(server.url))
        assert type(found) is WatchError
        assert str(found).startswith(
            ("list services: the connection was cut: ", "list services: the answer is cut")
        )

    async def test_a_list_that_drips_is_given_up(self) -> None:
        async def drip(stream: Stream) -> None:
            stream.head(200, {"Content-Type": "application/json", "Content-Length": "1000"})
            while True:
                stream.raw(b" ")
                await asyncio.sleep(0.01)

        async with ScriptedServer() as server:
            server.lists("services", drip)
            found = await failure(Credentials(server.url), list_timeout_s=0.1)
        assert str(found) == "list services: given up after 70 s of silence, or 0.1 s in all"


class TestProxy:
    async def test_a_proxy_is_used_with_its_password(self) -> None:
        async with ScriptedServer() as proxy:
            through = f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}"
            async with client_of(Credentials("http://api.test", proxy_url=through)) as client:
                proxy.lists("services", page())
                await client.page(COLLECTION, {})
            request = proxy.requests[0]
            assert request.target == "http://api.test/api/v1/services"
            assert request.headers["proxy-authorization"].startswith("Basic ")

    async def test_R5_a_proxy_that_is_away(self) -> None:
        async with nobody_listens() as url:
            through = url.replace("//", f"//user:{PASSWORD}@")
            found = await failure(Credentials("http://api.test", proxy_url=through))
        assert isinstance(found, Unreachable)
        host = url.removeprefix("http://")
        assert str(found) == f"the proxy {host} cannot be reached: Connection refused"

    async def test_R5_a_proxy_that_refuses(self) -> None:
        async with ScriptedServer() as proxy:
            proxy.lists("443", plain(407, "text/plain", b""))  # CONNECT api.test:443
            through = f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}"
            connection = Credentials("https://api.test", proxy_url=through, context=trusting())
            found = await failure(connection)
        assert isinstance(found, Unreachable)
        assert str(found) == "https://api.test cannot be reached: the proxy answered HTTP 407"


def server_url(error: UserproxyError) -> str:
    return str(error).split(" ")[0]


@asynccontextmanager
async def silent_listener() -> AsyncIterator[int]:
    """A port where connections are made and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@asynccontextmanager
async def handshakes(tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    """A server that only shakes hands; without ``tls`` it says something else.

    On blocking sockets: asyncio's TLS does not send the alert when a handshake fails.
    """

    def serve(listener: socket.socket) -> None:
        for _ in range(2):  # aiohttp may ask a second time
            with listener.accept()[0] as sock:
                if tls is None:
                    sock.recv(4096)
                    sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                else:
                    with tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False) as secure:
                        with suppress(ssl.SSLError):
                            secure.do_handshake()
                        # Closing with bytes unread would reset the connection before the alert is seen.
                        while os.read(secure.fileno(), 4096):
                            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = asyncio.get_running_loop().run_in_executor(None, serve, listener)
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                await thread
