"""Clusters and users as values; what kubectl refuses is refused (``test_against_kubectl`` asks it)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.kube.pki import b64
from userproxy.errors import CredentialsError
from userproxy.sources.kube.impersonation import Impersonation
from userproxy.sources.kube.kubeconfig_entries import decode_cluster, decode_user
from userproxy.sources.kube.kubeconfig_fields import Fields
from userproxy.sources.kube.secret import Secret
from userproxy.sources.kube.target import Cluster, ExecPlugin, InteractiveMode, Pem, User

row = pytest.param

FOLDER = Path("/etc/kube")
V1, V1BETA1 = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"


def _cluster(raw: dict[str, object]) -> Cluster:
    return decode_cluster(Fields(raw, "cluster 'c'"), FOLDER)


def _user(raw: dict[str, object]) -> User:
    return decode_user(Fields(raw, "user 'u'"), FOLDER)


def _exec(**fields: object) -> dict[str, object]:
    return {"exec": {"apiVersion": V1, "command": "plug", "interactiveMode": "Never", **fields}}


def test_a_whole_cluster() -> None:
    assert _cluster(
        {
            "server": "https://k/",
            "certificate-authority": "ca.crt",
            "tls-server-name": "kube.example",
            "proxy-url": "http://p:1",
            "disable-compression": True,
            "extensions": [
                {"name": "other", "extension": 7},
                {"name": "client.authentication.k8s.io/exec", "extension": {"a": 1}},
            ],
        }
    ) == Cluster(
        origin="cluster 'c'",
        server="https://k",
        authorities=Pem("cluster 'c': certificate-authority", path=FOLDER / "ca.crt"),
        tls_server_name="kube.example",
        proxy_url=Secret("http://p:1"),
        disable_compression=True,
        exec_config='{"a": 1}',
    )


@pytest.mark.parametrize(
    ("raw", "user"),
    [
        row({}, User("user 'u'"), id="nobody"),
        row({"token": "abc"}, User("user 'u'", token=Secret("abc")), id="token"),
        row(
            {"token": "abc", "tokenFile": "run/token"},
            User("user 'u'", token=Secret("abc"), token_file=FOLDER / "run" / "token"),
            id="token and file",
        ),
        row(
            {"tokenFile": "/run/token"},
            User("user 'u'", token_file=Path("/run/token")),
            id="an absolute path",
        ),
        row(
            {"username": "me", "password": "pw"},
            User("user 'u'", username="me", password=Secret("pw")),
            id="name and password",
        ),
        row(
            {"client-certificate-data": b64("CERT"), "client-key": "k.pem"},
            User(
                "user 'u'",
                certificate=Pem("user 'u': client-certificate-data", text=Secret("CERT")),
                key=Pem("user 'u': client-key", path=FOLDER / "k.pem"),
            ),
            id="certificate inline, key in a file",
        ),
        row({"client-key": "k.pem"}, User("user 'u'"), id="a key alone is nothing"),
        row(
            {"as": "jane", "as-uid": "7", "as-groups": ["a"], "as-user-extra": {"k": ["v"]}},
            User(
                "user 'u'",
                impersonation=Impersonation("jane", ("a",), "7", (("k", ("v",)),)),
            ),
            id="impersonation",
        ),
    ],
)
def test_users(raw: dict[str, object], user: User) -> None:
    assert _user(raw) == user


@pytest.mark.parametrize(
    ("raw", "plugin"),
    [
        row(
            _exec(
                args=["get", "token"],
                env=[{"name": "A", "value": "b"}, {"name": "EMPTY"}],
                provideClusterInfo=True,
                installHint="brew it",
            ),
            ExecPlugin(
                command="plug",
                api_version=V1,
                args=("get", "token"),
                env=(("A", Secret("b")), ("EMPTY", Secret(""))),
                interactive_mode=InteractiveMode.NEVER,
                provide_cluster_info=True,
                install_hint="brew it",
            ),
            id="all of it",
        ),
        row(
            _exec(command="./bin/plug"),
            ExecPlugin("/etc/kube/bin/plug", V1, interactive_mode=InteractiveMode.NEVER),
            id="a path is relative to the file",
        ),
        row(
            _exec(command="/opt/plug"),
            ExecPlugin("/opt/plug", V1, interactive_mode=InteractiveMode.NEVER),
            id="an absolute path",
        ),
        row(
            {"exec": {"apiVersion": V1BETA1, "command": "plug"}},
            ExecPlugin("plug", V1BETA1, interactive_mode=InteractiveMode.IF_AVAILABLE),
            id="v1beta1 need not state interactiveMode",
        ),
    ],
)
def test_exec_plugins(raw: dict[str, object], plugin: ExecPlugin) -> None:
    assert _user(raw).exec == plugin


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        row({}, "cluster 'c': has no server", id="no server"),
        row({"server": "ftp://k"}, "server: must be an http", id="a bad server"),
        row({"server": "https://a:s3cr3t@k"}, "server: must not hold a user name", id="a password"),
        row({"server": "https://k", "proxy-url": "s3cr3t:1"}, "proxy-url: must be an", id="a bad proxy"),
        row(
            {"server": "https://k", "proxy-url": "socks5://s3cr3t@k"},
            "proxy-url: socks5 proxies",
            id="socks5",
        ),
        row(
            {"server": "https://k", "certificate-authority": "a", "certificate-authority-data": b64("x")},
            "certificate-authority: stands beside certificate-authority-data; one is allowed",
            id="two authorities",
        ),
        row(
            {"server": "https://k", "certificate-authority": "a", "insecure-skip-tls-verify": True},
            "insecure-skip-tls-verify: makes no sense beside",
            id="insecure with an authority",
        ),
        row({"server": "https://k", "certificate-authority-data": "s3cr3t"}, "is not PEM", id="no base64"),
    ],
)
def test_a_cluster_that_kubectl_refuses_is_refused(raw: dict[str, object], complaint: str) -> None:
    with pytest.raises(CredentialsError, match=complaint) as caught:
        _cluster(raw)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        row({"token": "s3cr3t", "username": "me"}, "username: stands beside a token", id="two ways"),
        row({"token": "t", "password": "s3cr3t"}, "username: stands beside", id="token and password"),
        row({"tokenFile": "t", "username": "me"}, "username: stands beside", id="file and name"),
        row({"token": "s3cr3t\nx"}, "token: holds a line break", id="a line break"),
        row(
            {"client-certificate": "c", "client-certificate-data": b64("s3cr3t"), "client-key": "k"},
            "client-certificate: stands beside client-certificate-data",
            id="two certificates",
        ),
        row({"client-certificate": "c"}, "client-key: is missing", id="no key"),
        row({"auth-provider": {"name": "gcp"}}, "auth-provider: is not supported", id="auth-provider"),
        row({"as-groups": ["a"]}, "as: is missing beside", id="groups of nobody"),
        row({"as": "a\nb"}, "as: holds a line break", id="a line break in a name"),
        row({"as": "a", "as-groups": ["b\n"]}, "as-groups: it or as-user-extra", id="and in a group"),
        row({"as": "a", "as-user-extra": {"k": ["\n"]}}, "it or as-user-extra", id="and in an extra"),
        row({"as": "a", "as-user-extra": {"k": "v"}}, "as-user-extra: k: must be a list", id="no list"),
        row(_exec(command=""), "exec: command: is missing", id="no command"),
        row(_exec(apiVersion=""), "exec: apiVersion: '' is not one of", id="no apiVersion"),
        row(
            _exec(apiVersion="client.authentication.k8s.io/v1alpha1"),
            "v1alpha1' is not one of",
            id="v1alpha1",
        ),
        row(_exec(interactiveMode=None), "interactiveMode: '' is not one of", id="no interactiveMode"),
        row(_exec(interactiveMode="Maybe"), "'Maybe' is not one of Never, IfAv", id="bad interactiveMode"),
        row(_exec(env=[{"value": "s3cr3t"}]), r"env\[0\]: name: is no name", id="a nameless variable"),
        row(_exec(env=[{"name": "A=B"}]), r"env\[0\]: name: is no name", id="a name with ="),
        row(_exec(env=[{"name": "A", "value": "s3cr3t\0"}]), "value: holds a null", id="a null"),
        row(_exec(args=["s3cr3t\0"]), "args: they or command hold a null", id="a null in args"),
        row(_exec(args="s3cr3t"), "exec: args: must be a list", id="args that are no list"),
        row({"exec": "s3cr3t"}, "exec: must be a mapping", id="exec that is no mapping"),
    ],
)
def test_a_user_that_kubectl_refuses_is_refused(raw: dict[str, object], complaint: str) -> None:
    with pytest.raises(CredentialsError, match=complaint) as caught:
        _user(raw)
    assert str(caught.value).startswith("user 'u': ")
    assert "s3cr3t" not in str(caught.value)
