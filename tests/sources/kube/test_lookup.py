"""Which cluster is found, in which order, and the one line when there is none."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.sources.kube.kubeconfigs import write_kubeconfig
from tests.sources.kube.pki import client_pair
from userproxy.errors import ConfigError, CredentialsError
from userproxy.sources.kube.connection import AnonymousConnection
from userproxy.sources.kube.credentials import ClusterConnection
from userproxy.sources.kube.lookup import NoClusterFound, find_connection

POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


class Places:
    """A machine on which each place that may name a cluster does."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        (self.home / ".kube").mkdir(parents=True)
        self.account = folder / "account"
        self.account.mkdir()
        (self.account / "token").write_text("pod")
        self.flag = write_kubeconfig(folder / "flag", server="https://flag")
        self.listed = write_kubeconfig(folder / "listed", server="https://listed")
        self.default = write_kubeconfig(self.home / ".kube" / "config", server="https://home")
        self.environ = {**POD, "KUBECONFIG": f"{folder / 'missing'}::{self.listed}"}

    def find(
        self, kubeconfig: Path | None = None, context: str | None = None, server: str | None = None
    ) -> AnonymousConnection | ClusterConnection:
        return find_connection(
            kubeconfig=kubeconfig,
            context=context,
            server=server,
            environ=self.environ,
            home=self.home,
            service_account=self.account,
        )


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def test_the_order_is_kubectls(places: Places) -> None:
    assert places.find(server="https://stated/").server == "https://stated"
    assert places.find(kubeconfig=places.flag).server == "https://flag"
    assert places.find().server == "https://listed"
    del places.environ["KUBECONFIG"]
    assert places.find().server == "https://home"
    places.default.unlink()
    assert places.find().server == "https://10.96.0.1:443"
    (places.account / "token").unlink()
    with pytest.raises(NoClusterFound):
        places.find()


def test_an_empty_variable_is_unset(places: Places) -> None:
    places.environ["KUBECONFIG"] = ""
    assert places.find().server == "https://home"


@pytest.mark.parametrize("text", ["", "# nothing\n", "kind: Config\n"])
def test_a_config_that_states_nothing_counts_as_absent(places: Places, text: str) -> None:
    places.listed.write_text(text)
    assert places.find().server == "https://10.96.0.1:443"


def test_a_pipe_can_be_the_kubeconfig(places: Places) -> None:
    # As in ``KUBECONFIG=<(command)``: what is in it can be read once.
    for by_flag in (True, False):
        read_end, write_end = os.pipe()
        try:
            os.write(write_end, places.flag.read_bytes())
            os.close(write_end)
            pipe = Path(f"/dev/fd/{read_end}")
            places.environ["KUBECONFIG"] = str(pipe)
            connection = places.find(kubeconfig=pipe if by_flag else None)
            assert isinstance(connection, ClusterConnection)
            connection.reload()
            assert connection.ssl_context() is not None
            assert connection.server == "https://flag"
        finally:
            os.close(read_end)


def test_several_files_are_merged(places: Places, tmp_path: Path) -> None:
    write_kubeconfig(tmp_path / "second", server="https://second", namespace="x")
    places.environ["KUBECONFIG"] += f":{tmp_path / 'second'}:{places.listed}"
    connection = places.find()
    assert isinstance(connection, ClusterConnection)
    assert (connection.server, connection.namespace) == ("https://listed", "default")


async def test_a_stated_server_is_asked_without_credentials(places: Places) -> None:
    connection = places.find(server="10.0.0.1:8080")
    assert isinstance(connection, AnonymousConnection)
    assert connection.server == "http://10.0.0.1:8080"
    assert dict(await connection.headers()) == {}
    assert connection.ssl_context() is None


def test_a_proxy_of_the_environment_counts_for_every_way(places: Places) -> None:
    places.environ["HTTPS_PROXY"] = "http://p:1"
    assert places.find(server="https://stated").proxy_url == "http://p:1"
    assert places.find().proxy_url == "http://p:1"
    places.environ["NO_PROXY"] = "stated,10.0.0.0/8"
    assert places.find(server="https://stated").proxy_url is None
    del places.environ["KUBECONFIG"]
    places.default.unlink()
    assert places.find().proxy_url is None


def test_nothing_found_says_what_to_give(places: Places) -> None:
    places.environ.clear()
    places.default.unlink()
    with pytest.raises(NoClusterFound) as caught:
        places.find()
    assert isinstance(caught.value, ConfigError)
    message = str(caught.value)
    assert "\n" not in message
    for word in ("-f PATH", "--kubeconfig FILE", "--server URL", "KUBECONFIG", str(places.default)):
        assert word in message


def test_a_context_without_a_kubeconfig_says_so(places: Places) -> None:
    del places.environ["KUBECONFIG"]
    places.default.unlink()
    with pytest.raises(NoClusterFound, match="--context here: there is no kubeconfig"):
        places.find(context="here")


@pytest.mark.parametrize("given", [{"context": "here"}, {"kubeconfig": Path("x")}])
def test_a_server_beside_a_kubeconfig_is_refused(places: Places, given: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="--server cannot be combined"):
        places.find(server="https://k", **given)  # type: ignore[arg-type]  # rows of the table above


@pytest.mark.parametrize("server", ["ftp://k", "", "https://"])
def test_a_bad_server_is_named(places: Places, server: str) -> None:
    with pytest.raises(ConfigError, match="--server: "):
        places.find(server=server)


def test_a_kubeconfig_that_is_missing_is_named(places: Places, tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=f"kubeconfig {tmp_path / 'missing'}: no such file"):
        places.find(kubeconfig=tmp_path / "missing")
    places.environ["KUBECONFIG"] = str(tmp_path / "missing")
    with pytest.raises(CredentialsError, match=f"kubeconfig {tmp_path / 'missing'}: no such file"):
        places.find()


def test_a_bad_file_of_several_is_named(places: Places, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("[")
    places.environ["KUBECONFIG"] += f":{tmp_path / 'bad'}"
    with pytest.raises(CredentialsError, match=f"kubeconfig {tmp_path / 'bad'}: is not YAML"):
        places.find()


def test_an_unknown_context_names_those_there_are(places: Places) -> None:
    for kubeconfig in (None, places.flag):
        with pytest.raises(CredentialsError, match="has no context 'gone'; contexts: here"):
            places.find(kubeconfig=kubeconfig, context="gone")
    assert places.find(context="here").server == "https://listed"
    assert places.find(kubeconfig=places.flag, context="").server == "https://flag"


def test_an_empty_file_that_was_asked_for_is_an_error(places: Places) -> None:
    places.flag.write_text("")
    with pytest.raises(CredentialsError, match="has no current-context, give --context; contexts: none"):
        places.find(kubeconfig=places.flag)


def test_a_file_that_requests_need_is_missed_at_once(places: Places) -> None:
    write_kubeconfig(places.flag, cluster={"certificate-authority": "missing"})
    with pytest.raises(
        CredentialsError, match=r"cluster 'c' of .*: certificate-authority: .*missing: No such file"
    ):
        places.find(kubeconfig=places.flag)
    (places.account / "token").write_text("")
    del places.environ["KUBECONFIG"]
    places.default.unlink()
    with pytest.raises(CredentialsError, match=r"the service account of this pod: tokenFile: .*: is empty"):
        places.find()


def test_a_certificate_that_has_expired_is_named_at_once(places: Places) -> None:
    client_pair(not_after=datetime(2020, 1, 1, tzinfo=UTC)).write(places.home)
    user = {"client-certificate": "home/client.crt", "client-key": "home/client.key"}
    write_kubeconfig(places.flag, user=user)
    with pytest.raises(
        CredentialsError, match=r"user 'dev' of .*: client-certificate: the certificate expired at 2020"
    ):
        places.find(kubeconfig=places.flag)
