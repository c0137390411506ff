"""Whom we trust, what we show, and that no key is left on a disk."""

from __future__ import annotations

import os
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.sources.kube.handshake import handshake
from tests.sources.kube.pki import Pair, authority, authority_pem, client_pair, server_context
from userproxy.errors import CredentialsError
from userproxy.sources.kube.secret import Secret
from userproxy.sources.kube.tls import ClientCertificate, client_context

row = pytest.param


def _identity(pair: Pair) -> ClientCertificate:
    return ClientCertificate(pair.chain, Secret(pair.key), "chain of dev", "key of dev")


def test_the_clusters_authority_is_trusted_and_no_other() -> None:
    handshake(client_context(authorities=authority_pem()), server_context())
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        handshake(client_context(authorities=authority_pem("stranger")), server_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(client_context(), server_context())


def test_the_certificate_must_be_for_the_host_asked() -> None:
    client = client_context(authorities=authority_pem())
    assert handshake(client, server_context("kube.example"), "kube.example").server_name == "kube.example"
    assert handshake(client, server_context("127.0.0.1")).server_name is None
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        handshake(client, server_context("kube.example"), "other.example")


def test_insecure_takes_any_certificate() -> None:
    assert handshake(client_context(verify=False), server_context("other.example"), "kube.example")


def test_an_expired_server_certificate_is_refused() -> None:
    old = server_context(not_after=datetime.now(UTC) - timedelta(days=1))
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        handshake(client_context(authorities=authority_pem()), old)


def test_an_intermediate_or_the_servers_own_certificate_is_an_anchor_too() -> None:
    # Go trusts whatever stands in the authority file.
    middle = authority().create_child_ca()
    server = server_context(signer=middle)
    handshake(client_context(authorities=middle.cert_pem.bytes().decode()), server)
    leaf = authority().issue_cert("127.0.0.1")
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(own)
    handshake(client_context(authorities=leaf.cert_chain_pems[0].bytes().decode()), own)


def test_the_common_name_is_no_server_name() -> None:
    # OpenSSL would take it for a certificate without alternative names.
    chain, server = _bare_authority(alternative_name=None)
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        handshake(client_context(authorities=chain), server, "kube.example")


def test_an_authority_without_key_identifiers_is_trusted() -> None:
    # VERIFY_X509_STRICT, which Python 3.13 sets for its default contexts, would refuse it.
    chain, server = _bare_authority(alternative_name="kube.example")
    client = client_context(authorities=chain)
    assert not client.verify_flags & ssl.VERIFY_X509_STRICT
    handshake(client, server, "kube.example")


def _bare_authority(alternative_name: str | None) -> tuple[str, ssl.SSLContext]:
    """An authority with next to no extensions, and a server with the common name kube.example under it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bare")])
    start = datetime.now(UTC) - timedelta(days=1)

    def build(subject: x509.Name) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=9))
        )

    root = build(name).add_extension(x509.BasicConstraints(True, None), critical=False)
    leaf = build(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kube.example")]))
    if alternative_name is not None:
        names = x509.SubjectAlternativeName([x509.DNSName(alternative_name)])
        leaf = leaf.add_extension(names, critical=False)
    pems = [
        built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) for built in (root, leaf)
    ]
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with trustme.Blob(pems[1] + private).tempfile() as path:
        server.load_cert_chain(path)
    return pems[0].decode(), server


def test_comments_and_broken_blocks_beside_a_good_authority_do_no_harm() -> None:
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    text = f"# Größte Zertifizierungsstelle\n{broken}{authority_pem()}{authority_pem()}"
    handshake(client_context(authorities=text), server_context())


@pytest.mark.parametrize(
    "text", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_an_authority_file_without_certificates_never_means_the_systems(text: str) -> None:
    with pytest.raises(CredentialsError, match="cluster c: ca: holds no PEM certificate"):
        client_context(authorities=text, origin="cluster c: ca")


def test_the_client_shows_its_certificate() -> None:
    client = client_context(authorities=authority_pem(), identity=_identity(client_pair("jane")))
    assert handshake(client, server_context()).common_name == "jane"
    assert handshake(client_context(authorities=authority_pem()), server_context()).common_name is None


def test_a_file_with_certificate_and_key_serves_for_both() -> None:
    pair = client_pair("jane")
    both = Pair(pair.key + pair.chain, pair.key + pair.chain)
    client = client_context(authorities=authority_pem(), identity=_identity(both))
    assert handshake(client, server_context()).common_name == "jane"


def _locked(pair: Pair) -> str:
    key = serialization.load_pem_private_key(pair.key.encode(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    )
    return locked.decode()


def _bad_identities() -> list[object]:
    good, other = client_pair("jane"), client_pair("john")
    junk = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    return [
        row(Pair(good.chain, other.key), "key of dev: does not belong to chain of dev", id="mismatch"),
        row(Pair("hello", good.key), "chain of dev: holds no PEM certificate", id="no certificate"),
        row(Pair(good.chain, good.chain), "key of dev: holds no PEM private key", id="no key"),
        row(Pair(good.chain, _locked(good)), "key of dev: the private key has a pass phrase", id="locked"),
        row(Pair(good.chain, junk), "chain of dev and key of dev: OpenSSL cannot use them", id="junk"),
    ]


@pytest.mark.parametrize(("pair", "complaint"), _bad_identities())
def test_a_bad_certificate_or_key_is_named(pair: Pair, complaint: str) -> None:
    with pytest.raises(CredentialsError, match=complaint) as caught:
        client_context(authorities=authority_pem(), identity=_identity(pair))
    assert caught.value.__context__ is None
    assert "AAAA" not in str(caught.value)


@pytest.mark.parametrize("in_memory", [True, False])
def test_no_key_stays_on_a_disk(in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    modes: list[int] = []
    real = ssl.SSLContext.load_cert_chain

    def watched(self: ssl.SSLContext, chain: str, key: str, password: str) -> None:
        modes.extend(file.stat().st_mode & 0o777 for file in tmp_path.iterdir())
        real(self, chain, key, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create")
    before = sorted(os.listdir("/proc/self/fd"))
    client_context(identity=_identity(client_pair()))
    with pytest.raises(CredentialsError):
        client_context(identity=_identity(Pair(client_pair().chain, client_pair("other").key)))
    assert modes == ([] if in_memory else [0o600] * 4)
    assert list(tmp_path.iterdir()) == []
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_without_proc_the_key_goes_through_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    client = client_context(authorities=authority_pem(), identity=_identity(client_pair("jane")))
    assert handshake(client, server_context()).common_name == "jane"
    assert list(tmp_path.iterdir()) == []
