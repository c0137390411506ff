"""The connection of a kubeconfig: which credentials count, and when everything is read again."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from multidict import CIMultiDict

from tests.sources.kube.handshake import handshake
from tests.sources.kube.kubeconfigs import write_kubeconfig
from tests.sources.kube.pki import authority_pem, b64, client_pair, server_context
from tests.sources.kube.plugins import V1, credential, runs, write_plugin
from userproxy.errors import ConfigError, CredentialsError
from userproxy.sources.kube.connection import Connection
from userproxy.sources.kube.credentials import ClusterConnection
from userproxy.sources.kube.kubeconfig import KubeconfigTarget

row = pytest.param


class Config:
    """A kubeconfig in a folder, and connections by it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "config"
        self.environ = dict(os.environ)

    def write(
        self,
        user: Mapping[str, object] | None = None,
        cluster: Mapping[str, object] | None = None,
        server: str = "https://127.0.0.1",
    ) -> None:
        write_kubeconfig(self.path, user=user, cluster=cluster, server=server)

    def connect(self) -> ClusterConnection:
        return ClusterConnection(KubeconfigTarget([self.path]), environ=self.environ)

    def plugin(self, token: str = "plugged") -> dict[str, object]:
        command = write_plugin(self.folder, prints=credential(token=token))
        return {"apiVersion": V1, "command": str(command), "interactiveMode": "Never"}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(tmp_path)


async def _headers(connection: Connection) -> list[tuple[str, str]]:
    return sorted(CIMultiDict(await connection.headers()).items())


async def _authorization(connection: Connection) -> str | None:
    return (await connection.headers()).get("Authorization")


async def test_impersonation_stands_beside_the_token(config: Config) -> None:
    config.write({"token": "abc", "as": "jane", "as-groups": ["a", "b"]})
    assert await _headers(config.connect()) == [
        ("Authorization", "Bearer abc"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-User", "jane"),
    ]


@pytest.mark.parametrize(
    ("user", "authorization", "plugin_runs"),
    [
        row({}, "Bearer plugged", 1, id="nothing else"),
        row({"token": "abc"}, "Bearer abc", 0, id="a token"),
        row({"tokenFile": "token"}, "Bearer filed", 0, id="a token file"),
        row({"username": "me"}, "Basic bWU6", 0, id="a name"),
        row({"client-certificate": "client.crt", "client-key": "client.key"}, None, 0, id="a certificate"),
        row({"as": "jane"}, "Bearer plugged", 1, id="impersonation"),
    ],
)
async def test_a_plugin_runs_only_for_a_user_who_has_nothing_else(
    config: Config, user: dict[str, object], authorization: str | None, plugin_runs: int
) -> None:
    client_pair("jane").write(config.folder)
    (config.folder / "token").write_text("filed")
    config.write({**user, "exec": config.plugin()})
    connection = config.connect()
    assert runs(config.folder) == 0
    assert await _authorization(connection) == authorization
    context = connection.ssl_context()
    assert context is not None
    assert runs(config.folder) == plugin_runs


async def test_a_certificate_and_a_token_go_together(config: Config) -> None:
    pair = client_pair("jane")
    config.write(
        {"token": "abc", "client-certificate-data": b64(pair.chain), "client-key-data": b64(pair.key)},
        cluster={"certificate-authority-data": b64(authority_pem())},
    )
    connection = config.connect()
    assert await _authorization(connection) == "Bearer abc"
    context = connection.ssl_context()
    assert context is not None
    assert handshake(context, server_context()).common_name == "jane"


@pytest.mark.parametrize(
    ("server", "sent"),
    [
        row("https://10.0.0.1", True, id="TLS"),
        row("http://10.0.0.1:8080", False, id="plain HTTP"),
        row("http://127.0.0.1:8080", True, id="plain HTTP to this machine"),
        row("http://localhost:8080", True, id="plain HTTP to localhost"),
    ],
)
@pytest.mark.parametrize("kind", ["token", "plugin"])
async def test_credentials_do_not_leave_the_machine_in_clear(
    config: Config, server: str, sent: bool, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    user: dict[str, object] = {"token": "s3cr3t"} if kind == "token" else {"exec": config.plugin("s3cr3t")}
    config.write({**user, "as": "jane"}, server=server)
    connection = config.connect()
    with caplog.at_level(logging.WARNING):
        headers = [await _headers(connection) for _ in range(2)][-1]
    told = [record.getMessage().split()[0] for record in caplog.records]
    if sent:
        assert headers == [("Authorization", "Bearer s3cr3t"), ("Impersonate-User", "jane")]
        assert told == []
    else:
        assert headers == [("Impersonate-User", "jane")]
        assert told == ["credentials_withheld"]
        assert runs(config.folder) == 0


async def test_nothing_is_withheld_from_a_user_who_has_nothing(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    config.write({}, server="http://10.0.0.1")
    with caplog.at_level(logging.WARNING):
        assert await _headers(config.connect()) == []
    assert caplog.records == []


@pytest.mark.parametrize(
    ("cluster", "proxy"),
    [
        row({}, "http://of-the-environment:1", id="the environment"),
        row({"proxy-url": "http://me:pw@stated:2"}, "http://me:pw@stated:2", id="proxy-url wins"),
    ],
)
def test_the_proxy(config: Config, cluster: dict[str, object], proxy: str) -> None:
    config.environ["HTTPS_PROXY"] = "http://of-the-environment:1"
    config.write(server="https://k.example", cluster=cluster)
    connection = config.connect()
    assert connection.proxy_url == proxy
    assert "pw" not in repr(connection)


def test_a_stated_proxy_counts_for_this_machine_too(config: Config) -> None:
    config.write(cluster={"proxy-url": "http://stated:2"})
    assert config.connect().proxy_url == "http://stated:2"


def test_a_bad_proxy_of_the_environment_is_an_error_at_once(config: Config) -> None:
    config.environ["HTTPS_PROXY"] = "socks5://p"
    config.write(server="https://k.example")
    with pytest.raises(ConfigError, match="HTTPS_PROXY: socks5"):
        config.connect()


def test_what_a_log_line_may_name(config: Config) -> None:
    config.write({"token": "s3cr3t"}, cluster={"tls-server-name": "kube.example"})
    connection = config.connect()
    assert connection.origin == f"context 'here' of {config.path}"
    assert connection.namespace == "default"
    assert connection.tls_server_name == "kube.example"
    assert repr(connection) == f"ClusterConnection(\"{connection.origin}\", server='https://127.0.0.1')"


@pytest.mark.spec("R5")
async def test_R5_after_a_refusal_the_kubeconfig_is_read_again(config: Config) -> None:
    config.write({"token": "first"})
    connection = config.connect()
    assert await _authorization(connection) == "Bearer first"
    config.write({"token": "second"})
    assert await _authorization(connection) == "Bearer first"
    connection.refused()
    assert await _authorization(connection) == "Bearer second"


@pytest.mark.spec("R5")
async def test_R5_a_refusal_leaves_what_has_not_changed(config: Config) -> None:
    config.write({"exec": config.plugin()})
    connection = config.connect()
    await connection.headers()
    context = connection.ssl_context()
    connection.refused()
    await connection.headers()
    assert connection.ssl_context() is context
    assert runs(config.folder) == 2


async def test_reload_reads_everything_again(config: Config) -> None:
    config.write({"exec": config.plugin("first")})
    connection = config.connect()
    assert await _authorization(connection) == "Bearer first"
    context = connection.ssl_context()
    connection.reload()
    assert await _authorization(connection) == "Bearer first"
    assert runs(config.folder) == 2
    assert connection.ssl_context() is not context
    config.write({"token": "abc"}, server="https://moved", cluster={"proxy-url": "http://p"})
    connection.reload()
    assert await _authorization(connection) == "Bearer abc"
    assert (connection.server, connection.proxy_url) == ("https://moved", "http://p")


@pytest.mark.parametrize("spoilt", ["", "[", None, json.dumps({"current-context": "here"})])
async def test_a_kubeconfig_that_is_spoilt_leaves_what_there_is(
    config: Config, spoilt: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    config.write({"token": "first"})
    connection = config.connect()
    if spoilt is None:
        config.path.unlink()
    else:
        config.path.write_text(spoilt)
    with caplog.at_level(logging.WARNING):
        for ask_again in (connection.refused, connection.reload):
            ask_again()
            assert await _authorization(connection) == "Bearer first"
            assert connection.ssl_context() is not None
    assert {record.getMessage().split()[0] for record in caplog.records} == {"credentials_kept"}
    config.write({"token": "second"})
    connection.refused()
    assert await _authorization(connection) == "Bearer second"


async def test_reload_reads_a_token_file_again_beside_a_spoilt_kubeconfig(config: Config) -> None:
    (config.folder / "token").write_text("first")
    config.write({"tokenFile": "token"})
    connection = config.connect()
    assert await _authorization(connection) == "Bearer first"
    config.path.write_text("[")
    (config.folder / "token").unlink()
    connection.reload()
    with pytest.raises(CredentialsError, match=r"tokenFile: .*: No such file"):
        await connection.headers()


async def test_what_only_requests_need_is_not_needed_at_start(config: Config) -> None:
    config.write({"tokenFile": "missing"}, cluster={"certificate-authority": "missing"})
    connection = config.connect()
    with pytest.raises(CredentialsError, match=r"user 'dev' of .*: tokenFile: .*missing: No such file"):
        await connection.headers()
    with pytest.raises(CredentialsError, match=r"cluster 'c' of .*: certificate-authority: .*missing: No"):
        connection.ssl_context()


@pytest.mark.parametrize(
    ("user", "cluster", "complaint"),
    [
        row({"tokenFile": "missing"}, {}, "tokenFile: .*missing: No such file", id="token file"),
        row({}, {"certificate-authority": "missing"}, "certificate-authority: .*: No such", id="authority"),
        row(
            {"client-certificate": "missing", "client-key": "missing"},
            {},
            "client-certificate: .*missing: No such file",
            id="certificate",
        ),
    ],
)
def test_a_check_reads_what_requests_need(
    config: Config, user: dict[str, object], cluster: dict[str, object], complaint: str
) -> None:
    config.write(user, cluster)
    with pytest.raises(CredentialsError, match=complaint):
        config.connect().check()


def test_a_check_runs_no_plugin(config: Config) -> None:
    config.write({"exec": config.plugin()})
    config.connect().check()
    assert runs(config.folder) == 0


async def test_the_cluster_is_another_one_when_the_kubeconfig_says_so(config: Config) -> None:
    config.write({"token": "first"})
    connection = config.connect()
    first = connection.cluster
    config.write({"token": "second"})
    connection.reload()
    await connection.headers()
    assert connection.cluster == first, "only the user changed"
    config.write({"token": "second"}, server="https://moved")
    connection.reload()
    await connection.headers()
    assert connection.cluster != first
