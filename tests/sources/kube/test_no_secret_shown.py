"""Planted secrets: no object, no error and no log line that comes out of credentials shows one."""

from __future__ import annotations

import gc
import json
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sources.kube.kubeconfigs import named, write_kubeconfig
from tests.sources.kube.pki import b64, client_pair
from tests.sources.kube.plugins import V1, credential, write_plugin
from userproxy.errors import ConfigError
from userproxy.sources.kube.credentials import ClusterConnection
from userproxy.sources.kube.kubeconfig import KubeconfigTarget, read_kubeconfig
from userproxy.sources.kube.lookup import find_connection

PLANTED = "pl4nt3d"
"""Part of every secret in this module."""


def _tokens() -> Iterator[tuple[str, dict[str, object]]]:
    yield "token", {"token": f"{PLANTED}-token"}
    yield "token file", {"tokenFile": "token"}
    yield "password", {"username": "me", "password": f"{PLANTED}-password"}
    yield (
        "plugin",
        {
            "exec": {
                "apiVersion": V1,
                "command": "./plug",
                "interactiveMode": "Never",
                "args": [f"--password={PLANTED}-argument"],
                "env": [{"name": "SECRET", "value": f"{PLANTED}-variable"}],
                "provideClusterInfo": True,
            }
        },
    )


USERS = dict(_tokens())


def _key_marks() -> tuple[str, ...]:
    """Lines that give a private key away."""
    return tuple(client_pair("planted").key.splitlines()[1:-1])


def _assert_hidden(shown: str) -> None:
    assert PLANTED not in shown
    for line in _key_marks():
        assert line not in shown


def _ours(root: object) -> Iterator[object]:
    """Every object of this package that can be reached from ``root``."""
    seen: dict[int, object] = {}
    todo = [root]
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, type) or (callable(one) and hasattr(one, "__code__")):
            continue
        seen[id(one)] = one
        if type(one).__module__.startswith("userproxy."):
            yield one
            todo.extend(gc.get_referents(one))
        elif isinstance(one, (list, tuple, dict, set)) or hasattr(one, "__func__"):
            todo.extend(gc.get_referents(one))


def _write(folder: Path, user: dict[str, object]) -> Path:
    pair = client_pair("planted")
    (folder / "token").write_text(f"{PLANTED}-file")
    write_plugin(folder, prints=credential(token=f"{PLANTED}-plugged"))
    certificate = (
        {}
        if "exec" in user
        else {"client-certificate-data": b64(pair.chain), "client-key-data": b64(pair.key)}
    )
    return write_kubeconfig(
        folder / "config",
        user={**user, **certificate},
        cluster={"proxy-url": f"http://me:{PLANTED}@proxy:1"},
    )


@pytest.mark.parametrize("kind", list(USERS))
async def test_objects(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    path = _write(tmp_path, USERS[kind])
    with caplog.at_level(logging.DEBUG):
        config = read_kubeconfig([path])
        connection = ClusterConnection(KubeconfigTarget([path]), environ=dict(os.environ))
        headers = await connection.headers()
        connection.ssl_context()
        connection.refused()
        connection.reload()
        await connection.headers()
    assert PLANTED in headers["Authorization"] or kind == "password"
    found = [*_ours(config), *_ours(config.target()), *_ours(connection)]
    names = {type(one).__name__ for one in found}
    assert {"Kubeconfig", "Fields", "Target", "User", "Secret", "ClusterConnection", "FileValue"} <= names
    assert ("PluginCredentials" in names) is (kind == "plugin")
    for one in found:
        for shown in (repr(one), str(one), f"{one}"):
            _assert_hidden(shown)
    _assert_hidden(caplog.text)


def nothing(folder: Path) -> None:
    """There is nothing to prepare for this row."""


def _bad_users() -> Iterator[object]:
    secret = f"{PLANTED}-bad"
    pair, other = client_pair("planted"), client_pair("other")

    yield pytest.param({"token": f"{secret}\n"}, nothing, id="a token with a line break")
    yield pytest.param({"token": [secret]}, nothing, id="a token that is a list")
    yield pytest.param({"token": {"a": secret}}, nothing, id="a token that is a mapping")
    yield pytest.param({"token": secret, "password": secret}, nothing, id="token and password")
    yield pytest.param({"tokenFile": "two"}, lambda f: (f / "two").write_text(f"{secret}\nx"), id="two lines")
    yield pytest.param(
        {"tokenFile": "binary"}, lambda f: (f / "binary").write_bytes(secret.encode() + b"\xff"), id="binary"
    )
    yield pytest.param({"client-key-data": secret}, nothing, id="a key that is no base64")
    yield pytest.param(
        {"client-certificate-data": b64(other.chain), "client-key-data": b64(pair.key)},
        nothing,
        id="mismatch",
    )
    yield pytest.param(
        {"client-certificate-data": b64(pair.key), "client-key-data": b64(secret)},
        nothing,
        id="a key for a cert",
    )
    yield pytest.param({"auth-provider": {"name": secret}}, nothing, id="auth-provider")


def _bad_plugins() -> Iterator[object]:
    secret = f"{PLANTED}-bad"
    plugin = USERS["plugin"]["exec"]
    assert isinstance(plugin, dict)
    pair, other = client_pair("planted"), client_pair("other")

    def printing(text: str) -> Callable[[Path], object]:
        return lambda folder: write_plugin(folder, prints=text)

    def running(script: str) -> Callable[[Path], object]:
        return lambda folder: write_plugin(folder, script)

    yield pytest.param({"exec": {**plugin, "env": [{"value": secret}]}}, nothing, id="a nameless variable")
    yield pytest.param({"exec": {**plugin, "args": secret}}, nothing, id="args that are no list")
    yield pytest.param({"exec": plugin}, printing(secret), id="a plugin that prints no JSON")
    yield pytest.param({"exec": plugin}, printing(json.dumps([secret])), id="a plugin that prints a list")
    yield pytest.param(
        {"exec": plugin}, printing(credential(token=f"{secret}\n")), id="a plugin's line break"
    )
    yield pytest.param(
        {"exec": plugin},
        printing(credential(token="a", expirationTimestamp=secret)),
        id="a plugin's bad time",
    )
    yield pytest.param(
        {"exec": plugin},
        printing(credential(clientCertificateData=other.chain, clientKeyData=pair.key)),
        id="a plugin's mismatch",
    )
    yield pytest.param({"exec": plugin}, running(f"echo {secret}; exit 1"), id="a plugin that fails")
    yield pytest.param({"exec": plugin}, running("echo $1 $SECRET >&2; exit 1"), id="a plugin that tells")
    yield pytest.param({"exec": plugin}, running("env >&2; exit 1"), id="a plugin that tells everything")
    yield pytest.param({"exec": plugin}, running(f"echo token={secret} >&2; exit 1"), id="a plugin's stderr")


@pytest.mark.parametrize(("user", "prepare"), [*_bad_users(), *_bad_plugins()])
async def test_errors(
    tmp_path: Path,
    user: dict[str, object],
    prepare: Callable[[Path], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = write_kubeconfig(tmp_path / "config", user=user)
    prepare(tmp_path)
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigError) as caught:
        connection = find_connection(kubeconfig=path, environ=dict(os.environ), home=tmp_path)
        await connection.headers()
        connection.ssl_context()
    _assert_hidden(caplog.text)
    _assert_hidden("".join(traceback.format_exception(caught.value)))
    error: BaseException | None = caught.value
    while error is not None:
        _assert_hidden(f"{error!s} {error!r} {error.args!r} {vars(error)!r}")
        # A cause that is not printed is still there for whoever walks the chain.
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"users: [{{user: {{password: *{PLANTED}}}}}]", id="an alias"),
        pytest.param(f"users:\n- user:\n    token: {PLANTED}\n   bad: x", id="indentation"),
        pytest.param(f'users: [{{user: {{token: "{PLANTED}}}}}]', id="a quote that is not closed"),
        pytest.param(f"token: !{PLANTED} x", id="a tag"),
        pytest.param(f"token: {PLANTED}\x01", id="a control character"),
        pytest.param(f"token: {PLANTED}\udcff", id="no UTF-8"),
    ],
)
def test_errors_of_files_that_are_no_yaml(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        find_connection(kubeconfig=path, environ={}, home=tmp_path)
    _assert_hidden(f"{caught.value!s} {caught.value.__cause__!r} {caught.value.__context__!r}")


def test_names_are_not_secrets(tmp_path: Path) -> None:
    # What the walk above would miss if it looked at nothing.
    (tmp_path / "config").write_text(json.dumps({"contexts": named("context", {PLANTED: {}})}))
    with pytest.raises(ConfigError, match=PLANTED):
        find_connection(kubeconfig=tmp_path / "config", environ={}, home=tmp_path)
