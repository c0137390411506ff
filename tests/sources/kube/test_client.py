"""Requests over real sockets: TLS, proxies, credentials, and the errors of each."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import trustme
from multidict import CIMultiDict

from tests.sources.kube.connections import nobody_listens
from tests.sources.kube.raw import list_body, service
from tests.sources.kube.scripted_server import ScriptedServer, Stream, page, plain
from userproxy.errors import ApiError, CredentialsError, UserproxyError, WatchError
from userproxy.sources.kube import client as client_module
from userproxy.sources.kube.client import ApiClient
from userproxy.sources.kube.connection import AnonymousConnection, Connection
from userproxy.sources.kube.failures import NotKubernetes, Unreachable, WrongAnswer
from userproxy.sources.kube.keepalive import DEAD_AFTER_S
from userproxy.sources.kube.resources import SERVICES, Collection
from userproxy.sources.kube.timing import Timing
from userproxy.sources.kube.transport_errors import without_userinfo

COLLECTION = Collection(SERVICES)
SECRET = "s3cr3t-t0ken"
PASSWORD = "pr0xy-passw0rd"


class Credentials(AnonymousConnection):
    """A connection with a token, and a TLS set-up that may change."""

    def __init__(
        self,
        server: str,
        *,
        context: ssl.SSLContext | None = None,
        proxy_url: str | None = None,
        tls_server_name: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(server, proxy_url, tls_server_name)
        self.context = context
        self._headers = headers or {"Authorization": f"Bearer {SECRET}"}

    def ssl_context(self) -> ssl.SSLContext | None:
        return self.context

    async def headers(self) -> Mapping[str, str]:
        return self._headers


@asynccontextmanager
async def client_of(connection: Connection, **timing: float) -> AsyncIterator[ApiClient]:
    client = ApiClient(connection, Timing(**timing))  # type: ignore[arg-type]  # named figures of Timing
    try:
        yield client
    finally:
        await client.aclose()


async def failure(connection: Connection, **timing: float) -> UserproxyError:
    """The error of one list; neither it nor anything in its chain shows a secret."""
    async with client_of(connection, **timing) as client:
        with pytest.raises(UserproxyError) as caught:
            await client.page(COLLECTION, {})
    shown = "".join(traceback.format_exception(caught.value))
    error: BaseException | None = caught.value
    while error is not None:
        shown += repr(error) + str(error)
        error = error.__cause__
    assert SECRET not in shown
    assert PASSWORD not in shown
    return caught.value


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(
    authority: trustme.CA, name: str = "127.0.0.1", not_after: datetime | None = None
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=not_after).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


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


class TestTls:
    async def test_a_trusted_server(self, authority: trustme.CA) -> None:
        tls = server_tls(authority)
        async with (
            ScriptedServer(tls) as server,
            client_of(Credentials(server.url, context=trusting(authority))) as client,
        ):
            server.lists("services", page())
            assert await client.page(COLLECTION, {})

    async def test_tls_server_name_is_the_name_that_is_checked(self, authority: trustme.CA) -> None:
        context = trusting(authority)
        async with ScriptedServer(server_tls(authority, "kubernetes.test")) as server:
            found = await failure(Credentials(server.url, context=context))
            assert "is not accepted: IP address mismatch" in str(found)

            named = Credentials(server.url, context=context, tls_server_name="kubernetes.test")
            async with client_of(named) as client:
                server.lists("services", page())
                assert await client.page(COLLECTION, {})

    async def test_R5_an_untrusted_certificate(self, authority: trustme.CA) -> None:
        async with ScriptedServer(server_tls(authority)) as server:
            found = await failure(Credentials(server.url, context=ssl.create_default_context()))
            assert isinstance(found, Unreachable)
            assert str(found).startswith(f"the certificate of {server.url} is not accepted: ")

    async def test_R5_an_expired_certificate(self, authority: trustme.CA) -> None:
        tls = server_tls(authority, not_after=datetime(2020, 1, 1, tzinfo=UTC))
        async with ScriptedServer(tls) as server:
            found = await failure(Credentials(server.url, context=trusting(authority)))
            assert str(found) == f"the certificate of {server.url} is not accepted: certificate has expired"

    async def test_R5_a_server_that_wants_a_client_certificate(self, authority: trustme.CA) -> None:
        tls = server_tls(authority)
        tls.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(tls)
        async with handshakes(tls) as url:
            found = await failure(Credentials(url, context=trusting(authority)))
        assert str(found) == "list services: the connection was cut: tlsv13 alert certificate required"

    async def test_R5_no_tls_where_it_is_expected(self) -> None:
        async with handshakes(None) as url:
            found = await failure(Credentials(url, context=ssl.create_default_context()))
        assert isinstance(found, Unreachable)
        assert str(found) == f"no TLS with {url}: wrong version number"

    async def test_a_new_context_means_a_new_connection(self, authority: trustme.CA) -> None:
        connection = Credentials("", context=trusting(authority))
        async with ScriptedServer(server_tls(authority)) as server, client_of(connection) as client:
            connection.server = server.url
            server.lists("services", page(), page(), page())
            await client.page(COLLECTION, {})
            await client.page(COLLECTION, {})
            assert server.connections == 1, "kept alive while nothing changed"

            connection.context = trusting(authority)
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

    async def test_R5_a_proxy_that_refuses(self, authority: trustme.CA) -> None:
        async with ScriptedServer() as proxy:
            proxy.lists("443", plain(407, "text/plain", b""))  # CONNECT api.test:443
            through = f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}"
            connection = Credentials("https://api.test", proxy_url=through, context=trusting(authority))
            found = await failure(connection)
        assert isinstance(found, Unreachable)
        assert str(found) == "https://api.test cannot be reached: the proxy answered HTTP 407"


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
        original = aiohttp.ClientSession.get

        def get(self: aiohttp.ClientSession, *args: object, **options: object) -> object:
            timeout = options["timeout"]
            assert isinstance(timeout, aiohttp.ClientTimeout)
            limits.append(timeout)
            return original(self, *args, **options)  # type: ignore[arg-type]  # passed on as they came

        monkeypatch.setattr(aiohttp.ClientSession, "get", get)
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
