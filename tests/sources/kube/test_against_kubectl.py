"""kubectl and we, on the same kubeconfig: the same headers, certificate, server name and refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.sources.kube.asking import ask
from tests.sources.kube.kubeconfigs import named, write_kubeconfig
from tests.sources.kube.kubectl import kubectl, needs_kubectl
from tests.sources.kube.pki import authority_pem, b64, client_pair, server_context
from tests.sources.kube.plugins import V1, V1BETA1, credential, write_plugin
from tests.sources.kube.recording_server import RecordingServer, Request, recording_server
from userproxy.errors import ConfigError
from userproxy.sources.kube.lookup import find_connection

pytestmark = needs_kubectl
row = pytest.param

PATH = {"PATH": "/usr/bin:/bin"}
PLUGIN: dict[str, object] = {"apiVersion": V1, "command": "./plug", "interactiveMode": "Never"}
CERTIFICATE = {"client-certificate": "client.crt", "client-key": "client.key"}
AUTHORITY = {"certificate-authority": "ca.crt"}
BOTH_CERTIFICATES = {**CERTIFICATE, "client-certificate-data": b64("x"), "client-key-data": b64("x")}


def _prepare(folder: Path) -> None:
    """What the rows below refer to."""
    pair = client_pair("jane")
    pair.write(folder)
    (folder / "ca.crt").write_text(authority_pem())
    (folder / "stranger.crt").write_text(authority_pem("stranger"))
    (folder / "other.key").write_text(client_pair("john").key)
    (folder / "token").write_text("  from-file\n\n")
    (folder / "empty").write_text("")
    note = f'printf "%s" "$KUBERNETES_EXEC_INFO" > {folder}/info'
    write_plugin(folder, note, prints=credential(token="plugged"))
    write_plugin(folder, note, prints=credential(V1BETA1, token="plugged"), name="beta")
    write_plugin(folder, 'echo "$A" > /dev/null', prints=credential(token="x$A"), name="plain")
    certificate = credential(clientCertificateData=pair.chain, clientKeyData=pair.key)
    write_plugin(folder, prints=certificate, name="certificate")
    write_plugin(folder, "exit 1", name="failing")
    write_plugin(folder, prints="{}", name="wrong")


async def _kubectls(folder: Path, server: RecordingServer, config: Path | str) -> Request | None:
    server.requests.clear()
    outcome = await kubectl(folder / "own", "get", "--raw", "/probe", KUBECONFIG=str(config))
    # Before it, kubectl may ask for the server's version.
    asked = [request for request in server.requests if request.path == "/probe"]
    assert bool(asked) is (outcome.status == 0), outcome.output
    return asked[-1] if asked else None


async def _ours(folder: Path, server: RecordingServer, config: Path | str) -> Request | None:
    server.requests.clear()
    try:
        environ = {**PATH, "KUBECONFIG": str(config)}
        await ask(find_connection(environ=environ, home=folder / "own"))
    except ConfigError:
        return None
    return server.requests[-1]


def _who(request: Request | None) -> tuple[object, ...]:
    """What a request says of the one who asks, and whom it asks."""
    assert request is not None
    return request.authorising, request.certificate, request.server_name


SAME = [
    row({"token": "abc"}, {}, id="token"),
    row({"tokenFile": "token"}, {}, id="tokenFile is trimmed"),
    row({"tokenFile": "token", "token": "abc"}, {}, id="tokenFile wins over token"),
    row({"tokenFile": "missing", "token": "abc"}, {}, id="token stands in for a missing file"),
    row({"username": "me", "password": "p:w é"}, {}, id="name and password"),
    row({"username": "me"}, {}, id="name alone"),
    row({"tokenFile": "token", "password": "pw"}, {}, id="a password without a name means nothing"),
    row(CERTIFICATE, {}, id="client certificate"),
    row({**CERTIFICATE, "token": "abc"}, {}, id="client certificate and token"),
    row({**CERTIFICATE, "username": "me", "password": "pw"}, {}, id="client certificate and name"),
    row({"client-key": "client.key", "token": "abc"}, {}, id="a key alone means nothing"),
    row({"token": "abc", "as": "jane"}, {}, id="as"),
    row({"token": "abc", "as": "jane", "as-uid": "7", "as-groups": ["a", "b c"]}, {}, id="as with groups"),
    row({"token": "abc", "as": "é", "as-user-extra": {"K/é %": ["x", "y"], "b": ["z"]}}, {}, id="extra"),
    row({"exec": PLUGIN}, {}, id="exec v1"),
    row({"exec": {**PLUGIN, "provideClusterInfo": True}}, {}, id="exec with cluster info"),
    row({"exec": {"apiVersion": V1BETA1, "command": "./beta"}}, {}, id="exec v1beta1"),
    row({"exec": {**PLUGIN, "command": "./certificate"}}, {}, id="exec that gives a certificate"),
    row({"exec": PLUGIN, "token": "abc"}, {}, id="token wins over exec"),
    row({"exec": {**PLUGIN, "command": "./failing"}, **CERTIFICATE}, {}, id="a certificate wins over exec"),
    row({"exec": {**PLUGIN, "command": "./failing"}, "username": "me"}, {}, id="a name wins over exec"),
    row({"exec": {**PLUGIN, "interactiveMode": "IfAvailable"}}, {}, id="exec without a terminal"),
    row({"token": "abc"}, {"tls-server-name": "kube.example"}, id="tls-server-name"),
    row({"token": "abc"}, {"server": "https://localhost:PORT"}, id="SNI is the host"),
    row({"token": "abc"}, {"server": "HTTPS://127.0.0.1:PORT/"}, id="capitals and a slash"),
    row({"token": "abc"}, {"certificate-authority": "", "insecure-skip-tls-verify": True}, id="insecure"),
    row({"token": "abc"}, {"certificate-authority-data": b64(authority_pem()), "certificate-authority": ""},
        id="authority inline"),
    row({"token": "abc", "unknown": [1]}, {"unknown": {}}, id="unknown fields"),
]  # fmt: skip


@pytest.mark.parametrize(("user", "cluster"), SAME)
async def test_kubectl_and_we_ask_alike(
    tmp_path: Path, user: Mapping[str, object], cluster: Mapping[str, object]
) -> None:
    _prepare(tmp_path)
    async with recording_server(server_context("127.0.0.1", "localhost", "kube.example")) as server:
        stated = {**AUTHORITY, **cluster}
        url = str(stated.pop("server", server.url)).replace("PORT", server.url.rpartition(":")[2])
        config = write_kubeconfig(tmp_path / "config", user=user, cluster=stated, server=url)
        kubectls = _who(await _kubectls(tmp_path, server, config))
        told_kubectl = _info(tmp_path)
        assert _who(await _ours(tmp_path, server, config)) == kubectls
        assert _info(tmp_path) == told_kubectl


def _info(folder: Path) -> object:
    """What the plugin was told, and forget it."""
    path = folder / "info"
    if not path.exists():
        return None
    info: object = json.loads(path.read_text())
    path.unlink()
    return info


REFUSED = [
    row({"token": "abc", "username": "me"}, {}, id="token and name"),
    row({"tokenFile": "token", "username": "me"}, {}, id="token file and name"),
    row({"token": "abc", "password": "pw"}, {}, id="token and password"),
    row({"token": "a\nb"}, {}, id="a token with a line break"),
    row({"token": 7}, {}, id="a token that is a number"),
    row({"tokenFile": "missing"}, {}, id="a token file that is missing"),
    row({"tokenFile": "empty"}, {}, id="a token file that is empty"),
    row(BOTH_CERTIFICATES, {}, id="file and data of one thing"),
    row({"client-certificate": "client.crt"}, {}, id="a certificate without a key"),
    row({**CERTIFICATE, "client-key": "other.key"}, {}, id="a key of another certificate"),
    row({**CERTIFICATE, "client-certificate": "missing"}, {}, id="a certificate that is missing"),
    row({"token": "abc", "as-groups": ["a"]}, {}, id="groups of nobody"),
    row({"auth-provider": {"name": "gcp"}}, {}, id="auth-provider"),
    row({"exec": {**PLUGIN, "apiVersion": "client.authentication.k8s.io/v1alpha1"}}, {}, id="exec v1alpha1"),
    row({"exec": {"apiVersion": V1, "command": "./plug"}}, {}, id="exec v1 without interactiveMode"),
    row({"exec": {**PLUGIN, "interactiveMode": "Maybe"}}, {}, id="exec with a bad interactiveMode"),
    row({"exec": {**PLUGIN, "interactiveMode": "Always"}}, {}, id="exec that must ask"),
    row({"exec": {**PLUGIN, "command": "no-such-plugin"}}, {}, id="exec that is not installed"),
    row({"exec": {**PLUGIN, "command": "plug"}}, {}, id="exec by a name that is not in PATH"),
    row({"exec": {**PLUGIN, "command": "./failing"}}, {}, id="exec that fails"),
    row({"exec": {**PLUGIN, "command": "./wrong"}}, {}, id="exec that prints something else"),
    row({"exec": {**PLUGIN, "command": "./beta"}}, {}, id="exec that prints another version"),
    row({"token": "abc"}, {"insecure-skip-tls-verify": True}, id="insecure with an authority"),
    row({"token": "abc"}, {"certificate-authority-data": b64("x")}, id="two authorities"),
    row({"token": "abc"}, {"certificate-authority": "token"}, id="an authority that is none"),
    row({"token": "abc"}, {"certificate-authority": "missing"}, id="an authority that is missing"),
    row({"token": "abc"}, {"certificate-authority-data": "%"}, id="no base64"),
    row({"token": "abc"}, {"proxy-url": "ftp://p"}, id="a proxy-url of another scheme"),
]


@pytest.mark.parametrize(("user", "cluster"), REFUSED)
async def test_kubectl_and_we_refuse_alike(
    tmp_path: Path, user: Mapping[str, object], cluster: Mapping[str, object]
) -> None:
    _prepare(tmp_path)
    async with recording_server(server_context()) as server:
        config = write_kubeconfig(
            tmp_path / "config", user=user, cluster={**AUTHORITY, **cluster}, server=server.url
        )
        assert await _kubectls(tmp_path, server, config) is None
        assert await _ours(tmp_path, server, config) is None


async def test_several_files_are_merged_alike(tmp_path: Path) -> None:
    _prepare(tmp_path)
    first, second = tmp_path / "first", tmp_path / "second"
    async with recording_server(server_context()) as server:
        write_kubeconfig(second, user={"token": "second"}, server="https://127.0.0.1:1")
        first.write_text(
            json.dumps(
                {
                    "clusters": named("cluster", {"c": {"server": server.url, **AUTHORITY}}),
                    "users": named("user", {"dev": {"as": "jane"}, "other": {"token": "first"}}),
                }
            )
        )
        listed = f"{tmp_path / 'missing'}::{first}:{second}:{first}"
        # The second file's token is not added to the first file's user: nobody but "jane" is left, and
        # kubectl then prompts for a name; so the user is made complete in turn.
        assert _who(await _ours(tmp_path, server, listed))[0] == (("impersonate-user", "jane"),)
        config = json.loads(first.read_text())
        config["users"][0]["user"]["tokenFile"] = "token"
        first.write_text(json.dumps(config))
        kubectls = _who(await _kubectls(tmp_path, server, listed))
        assert kubectls[0] == (("authorization", "Bearer from-file"), ("impersonate-user", "jane"))
        assert _who(await _ours(tmp_path, server, listed)) == kubectls


async def test_differs_credentials_over_plain_http_to_this_machine(tmp_path: Path) -> None:
    async with recording_server() as server:
        config = write_kubeconfig(
            tmp_path / "config",
            user={"token": "abc", "as": "jane"},
            server=server.url.removeprefix("http://"),
        )
        assert _who(await _kubectls(tmp_path, server, config))[0] == (("impersonate-user", "jane"),)
        assert _who(await _ours(tmp_path, server, config))[0] == (
            ("authorization", "Bearer abc"),
            ("impersonate-user", "jane"),
        )
