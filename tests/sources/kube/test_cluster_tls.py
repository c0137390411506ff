"""One SSL context, as long as nothing changes; a new one when files or the plugin's certificate do."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.sources.kube.handshake import handshake
from tests.sources.kube.pki import Pair, authority_pem, client_pair, server_context
from userproxy.errors import CredentialsError
from userproxy.sources.kube.cluster_tls import ClusterTLS
from userproxy.sources.kube.secret import Secret
from userproxy.sources.kube.target import Cluster, Pem, User
from userproxy.sources.kube.tls import ClientCertificate


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> float:
        return self.now.timestamp()


class Files:
    """A cluster's authority and a user's certificate in files."""

    def __init__(self, folder: Path, pair: Pair) -> None:
        self.authority = folder / "ca.crt"
        self.authority.write_text(authority_pem())
        self.chain, self.key = pair.write(folder)
        self.cluster = Cluster("c", "https://127.0.0.1", authorities=Pem("c: ca", path=self.authority))
        self.user = User(
            "u", certificate=Pem("u: client-certificate", self.chain), key=Pem("u: client-key", self.key)
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path, client_pair("jane"))


def _shown(tls: ClusterTLS, given: ClientCertificate | None = None) -> str | None:
    context = tls.context(given)
    assert context is not None
    return handshake(context, server_context()).common_name


def _given(name: str, **ends: datetime) -> ClientCertificate:
    pair = client_pair(name, not_after=ends.get("not_after"))
    return ClientCertificate(pair.chain, Secret(pair.key), "plugin: chain", "plugin: key")


def test_the_context_stays_while_nothing_changes(files: Files) -> None:
    tls = ClusterTLS(files.cluster, files.user, Clock())
    context = tls.context(None)
    assert tls.context(None) is context
    files.chain.write_text(files.chain.read_text())
    assert tls.context(None) is context
    tls.refused()
    assert tls.context(None) is context


def test_plain_http_has_no_context(files: Files) -> None:
    tls = ClusterTLS(
        Cluster("c", "http://127.0.0.1", authorities=files.cluster.authorities), files.user, Clock()
    )
    assert tls.context(None) is None


def test_certificate_and_key_are_followed(files: Files, tmp_path: Path) -> None:
    tls = ClusterTLS(files.cluster, files.user, Clock())
    assert _shown(tls) == "jane"
    client_pair("john").write(tmp_path)
    assert _shown(tls) == "john"


def test_the_authority_is_followed(files: Files) -> None:
    files.authority.write_text(authority_pem("stranger"))
    tls = ClusterTLS(files.cluster, files.user, Clock())
    tls.context(None)
    files.authority.write_text(authority_pem())
    assert _shown(tls) == "jane"
    assert tls.authorities() == authority_pem()


def test_a_pair_that_is_being_replaced_keeps_the_last_one(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    tls = ClusterTLS(files.cluster, files.user, Clock())
    context = tls.context(None)
    new = client_pair("john")
    with caplog.at_level(logging.WARNING):
        files.chain.write_text(new.chain)
        assert tls.context(None) is context
        assert tls.context(None) is context
        files.key.write_text(new.key)
        assert _shown(tls) == "john"
    assert [record.getMessage().split()[0] for record in caplog.records] == ["credentials_kept"]


def test_a_bad_pair_is_an_error_at_first_and_once_refused(files: Files) -> None:
    files.key.write_text(client_pair("john").key)
    tls = ClusterTLS(files.cluster, files.user, Clock())
    for _ in range(2):
        with pytest.raises(
            CredentialsError, match=r"u: client-key: does not belong to u: client-certificate"
        ):
            tls.context(None)


def test_a_refused_context_is_not_kept_beside_a_bad_file(files: Files) -> None:
    tls = ClusterTLS(files.cluster, files.user, Clock())
    tls.context(None)
    files.key.unlink()
    tls.refused()
    for _ in range(2):
        with pytest.raises(CredentialsError, match=f"u: client-key: {files.key}: No such file"):
            tls.context(None)


def test_a_certificate_that_has_expired_is_named_with_its_end(tmp_path: Path) -> None:
    files = Files(tmp_path, client_pair(not_after=datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)))
    with pytest.raises(
        CredentialsError,
        match=r"u: client-certificate: the certificate expired at 2020-02-03T04:05:06\+00:00",
    ):
        ClusterTLS(files.cluster, files.user, Clock()).context(None)


def test_a_certificate_that_expires_meanwhile_is_read_again(tmp_path: Path) -> None:
    clock = Clock()
    end = clock.now + timedelta(hours=1)
    files = Files(tmp_path, client_pair(not_after=end))
    tls = ClusterTLS(files.cluster, files.user, clock)
    tls.context(None)
    clock.now = end + timedelta(seconds=1)
    with pytest.raises(CredentialsError, match="the certificate expired at"):
        tls.context(None)
    client_pair("john").write(tmp_path)
    assert _shown(tls) == "john"


def test_what_a_plugin_gives_wins_and_makes_a_new_context(files: Files) -> None:
    tls = ClusterTLS(files.cluster, User("u"), Clock())
    assert _shown(tls) is None
    first = _given("first")
    assert _shown(tls, first) == "first"
    context = tls.context(first)
    same = ClientCertificate(first.chain, first.key, first.chain_origin, first.key_origin)
    assert tls.context(same) is context
    assert _shown(tls, _given("second")) == "second"
    assert _shown(tls) is None


def test_a_bad_certificate_of_a_plugin_is_an_error_each_time(files: Files) -> None:
    tls = ClusterTLS(files.cluster, User("u"), Clock())
    tls.context(None)
    good = _given("first")
    bad = ClientCertificate(good.chain, _given("other").key, "plugin: chain", "plugin: key")
    for _ in range(2):
        with pytest.raises(CredentialsError, match="plugin: key: does not belong to plugin: chain"):
            tls.context(bad)
    assert _shown(tls, good) == "first"
    expired = _given("old", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(CredentialsError, match="plugin: chain: the certificate expired at 2020"):
        tls.context(expired)


def test_inline_text_needs_no_file() -> None:
    pair = client_pair("jane")
    cluster = Cluster("c", "https://k", authorities=Pem("c: ca-data", text=Secret(authority_pem())))
    user = User("u", certificate=Pem("c", text=Secret(pair.chain)), key=Pem("k", text=Secret(pair.key)))
    assert _shown(ClusterTLS(cluster, user, Clock())) == "jane"


def test_an_emptied_authority_never_means_the_systems(files: Files) -> None:
    files.authority.write_text("")
    with pytest.raises(CredentialsError, match="c: ca: holds no PEM certificate"):
        ClusterTLS(files.cluster, files.user, Clock()).context(None)


def test_insecure_needs_no_authority(files: Files) -> None:
    cluster = Cluster("c", "https://127.0.0.1", insecure=True)
    assert _shown(ClusterTLS(cluster, files.user, Clock())) == "jane"
    assert ClusterTLS(cluster, files.user, Clock()).authorities() is None
