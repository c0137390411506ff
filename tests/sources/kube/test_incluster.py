"""The service account of a pod."""

from __future__ import annotations

from pathlib import Path

import pytest

from userproxy.errors import CredentialsError
from userproxy.sources.kube.incluster import incluster_target

POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """What the kubelet mounts."""
    for name, text in (("token", "abc"), ("ca.crt", "PEM"), ("namespace", "web\n")):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_pod_knows_its_server_and_itself(account: Path) -> None:
    target = incluster_target(POD, account)
    assert target is not None
    assert target.cluster.server == "https://10.96.0.1:443"
    assert target.cluster.authorities is not None
    assert target.cluster.authorities.path == account / "ca.crt"
    assert target.user.token_file == account / "token"
    assert target.namespace == "web"
    assert target.origin == "the service account of this pod"


def test_an_ipv6_server_is_put_in_brackets(account: Path) -> None:
    target = incluster_target({**POD, "KUBERNETES_SERVICE_HOST": "fd00::1"}, account)
    assert target is not None
    assert target.cluster.server == "https://[fd00::1]:443"


@pytest.mark.parametrize("name", ["ca.crt", "namespace"])
def test_authority_and_namespace_may_be_missing(account: Path, name: str) -> None:
    (account / name).unlink()
    target = incluster_target(POD, account)
    assert target is not None
    if name == "ca.crt":
        assert target.cluster.authorities is None
    else:
        assert target.namespace == "default"
    assert target.in_cluster


@pytest.mark.parametrize("missing", ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
def test_without_the_variables_this_is_no_pod(account: Path, missing: str) -> None:
    assert incluster_target({name: value for name, value in POD.items() if name != missing}, account) is None
    assert incluster_target({**POD, missing: ""}, account) is None


def test_without_a_token_this_is_no_pod_of_use(account: Path) -> None:
    (account / "token").unlink()
    assert incluster_target(POD, account) is None


def test_variables_that_name_no_server_are_an_error(account: Path) -> None:
    with pytest.raises(
        CredentialsError, match="KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT: is no URL"
    ):
        incluster_target({**POD, "KUBERNETES_SERVICE_PORT": "https"}, account)
