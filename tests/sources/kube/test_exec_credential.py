"""What a plugin is told, and what counts of what it prints."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from tests.sources.kube.pki import authority_pem, client_pair
from tests.sources.kube.plugins import V1, V1BETA1, credential
from userproxy.errors import CredentialsError
from userproxy.sources.kube.exec_credential import ExecCredential, exec_info, parse_credential
from userproxy.sources.kube.secret import Secret
from userproxy.sources.kube.target import Cluster

row = pytest.param


def _parse(printed: str, api_version: str = V1) -> ExecCredential:
    return parse_credential(Secret(printed), api_version=api_version, origin="plugin")


def test_without_a_cluster_a_plugin_is_told_little() -> None:
    info = json.loads(exec_info(V1BETA1, interactive=True, cluster=None))
    assert info == {"kind": "ExecCredential", "apiVersion": V1BETA1, "spec": {"interactive": True}}


def test_a_plugin_is_told_its_cluster() -> None:
    cluster = Cluster(
        origin="c",
        server="https://k:6443",
        insecure=True,
        tls_server_name="kube.example",
        proxy_url=Secret("http://me:pw@p:1"),
        disable_compression=True,
        exec_config='{"audience": "a"}',
    )
    info = json.loads(exec_info(V1, interactive=False, cluster=cluster, authorities=authority_pem()))
    assert info["spec"] == {
        "interactive": False,
        "cluster": {
            "server": "https://k:6443",
            "tls-server-name": "kube.example",
            "insecure-skip-tls-verify": True,
            "certificate-authority-data": base64.b64encode(authority_pem().encode()).decode(),
            "proxy-url": "http://me:pw@p:1",
            "disable-compression": True,
            "config": {"audience": "a"},
        },
    }


def test_what_a_cluster_does_not_state_is_left_out() -> None:
    info = json.loads(exec_info(V1, interactive=False, cluster=Cluster("c", "https://k")))
    assert info["spec"]["cluster"] == {"server": "https://k", "config": None}


def test_a_token() -> None:
    assert _parse(credential(token="abc")) == ExecCredential(Secret("abc"), None, None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        row("2030-01-02T03:04:05Z", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), id="UTC"),
        row("2030-01-02T03:04:05.123456789Z", datetime(2030, 1, 2, 3, 4, 5, 123456, UTC), id="nanoseconds"),
        row("2030-01-02T04:04:05+01:00", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), id="an offset"),
        row("2030-01-02T03:04:05", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), id="no zone is UTC"),
    ],
)
def test_an_expiration_timestamp(text: str, moment: datetime) -> None:
    assert _parse(credential(token="abc", expirationTimestamp=text)).expires_at == moment.timestamp()


def test_a_certificate_ends_the_credential_too() -> None:
    end = datetime(2031, 1, 1, tzinfo=UTC)
    pair = client_pair(not_after=end)
    both = {"clientCertificateData": pair.chain, "clientKeyData": pair.key}
    alone = _parse(credential(**both))
    assert alone.token is None
    assert alone.certificate is not None
    assert (alone.certificate.chain, alone.certificate.key.reveal()) == (pair.chain, pair.key)
    assert alone.certificate.chain_origin == "plugin: status.clientCertificateData"
    assert alone.expires_at == end.timestamp()
    sooner, later = "2030-01-01T00:00:00Z", "2040-01-01T00:00:00Z"
    assert _parse(credential(**both, expirationTimestamp=later)).expires_at == end.timestamp()
    assert _parse(credential(**both, expirationTimestamp=sooner)).expires_at == (
        datetime(2030, 1, 1, tzinfo=UTC).timestamp()
    )


@pytest.mark.parametrize(
    ("printed", "complaint"),
    [
        row("", "printed no JSON object", id="nothing"),
        row("s3cr3t", "printed no JSON object", id="no JSON"),
        row('{"status": {"token": "s3cr3t"', "printed no JSON object", id="half of it"),
        row('["s3cr3t"]', "printed no JSON object", id="a list"),
        row("[" * 100_000, "printed no JSON object", id="a deep list"),
        row('{"token": "s3cr3t"}', f"printed no ExecCredential of {V1}", id="no kind"),
        row(credential(V1BETA1, token="s3cr3t"), f"printed no ExecCredential of {V1}", id="another version"),
        row(
            credential(token="s3cr3t").replace("ExecCredential", "Secret"),
            f"printed no ExecCredential of {V1}",
            id="another kind",
        ),
        row(json.dumps({"kind": "ExecCredential", "apiVersion": V1}), "printed no status", id="no status"),
        row(credential(), "printed neither a token nor a client certificate", id="an empty status"),
        row(credential(token=None), "printed neither", id="a token that is null"),
        row(credential(token=31337), "status.token: must be a string", id="a token that is a number"),
        row(credential(token="s3cr3t\n"), "status.token: holds a line break", id="a line break"),
        row(credential(clientKeyData="s3cr3t"), "certificate or its key, not both", id="a key alone"),
        row(credential(clientCertificateData="s3cr3t"), "certificate or its key", id="a certificate alone"),
        row(
            credential(clientCertificateData="s3cr3t", clientKeyData="s3cr3t"),
            "status.clientCertificateData: holds no PEM certificate",
            id="no certificate",
        ),
        row(
            credential(token="a", expirationTimestamp="s3cr3t"),
            "status.expirationTimestamp: is no time",
            id="no time",
        ),
        row(credential(token="a", expirationTimestamp=31337), "must be a string", id="a number as time"),
    ],
)
def test_anything_else_is_refused_without_being_quoted(printed: str, complaint: str) -> None:
    with pytest.raises(CredentialsError, match=complaint) as caught:
        _parse(printed)
    assert str(caught.value).startswith("plugin: ")
    for shown in (str(caught.value), repr(caught.value.__context__)):
        assert "s3cr3t" not in shown
        assert "31337" not in shown


def test_v1beta1_is_read_alike() -> None:
    assert _parse(credential(V1BETA1, token="abc"), V1BETA1).token == Secret("abc")


def test_a_credential_does_not_show_what_it_holds() -> None:
    pair = client_pair()
    shown = repr(_parse(credential(token="s3cr3t", clientCertificateData=pair.chain, clientKeyData=pair.key)))
    assert "s3cr3t" not in shown
    assert pair.key.splitlines()[1] not in shown
