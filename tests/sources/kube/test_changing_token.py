"""A server whose token changes every three seconds: eight requests in eight seconds, all answered.

The clock is virtual, the server, the files and the plugins are real.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.sources.kube.asking import ask, ask_twice
from tests.sources.kube.kubeconfigs import write_kubeconfig
from tests.sources.kube.pki import authority_pem, b64, client_pair, server_context
from tests.sources.kube.plugins import V1, V1BETA1, credential, runs, write_plugin
from tests.sources.kube.recording_server import RecordingServer, Request, recording_server
from userproxy.sources.kube.credentials import ClusterConnection
from userproxy.sources.kube.incluster import incluster_target
from userproxy.sources.kube.kubeconfig import KubeconfigTarget
from userproxy.sources.kube.target import Target

pytestmark = [pytest.mark.both_loops, pytest.mark.spec("R5")]

START = datetime(2030, 1, 1, tzinfo=UTC).timestamp()
LIFE_S = 3
REQUESTS = 8


class Issuer:
    """Gives out a token every three seconds of its own clock; the server takes the newest only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_s = START
        self.issue()

    def clock(self) -> float:
        return self.now_s

    @property
    def token(self) -> str:
        return f"token-{int(self.now_s - START) // LIFE_S}"

    @property
    def expires(self) -> str:
        end = START + (int(self.now_s - START) // LIFE_S + 1) * LIFE_S
        return datetime.fromtimestamp(end, UTC).isoformat()

    def issue(self) -> None:
        for name, text in (("token", self.token), ("expires", self.expires)):
            new = self.folder / f"{name}.new"
            new.write_text(text)
            new.replace(self.folder / name)

    def pass_a_second(self) -> None:
        before = self.token
        self.now_s += 1
        if self.token != before:
            self.issue()

    def status_of(self, request: Request) -> int:
        return 200 if request.authorization == f"Bearer {self.token}" else 401


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


def _plugin(issuer: Issuer, api_version: str, *, with_end: bool) -> dict[str, object]:
    end = f', "expirationTimestamp": "\'$(cat {issuer.folder}/expires)\'"' if with_end else ""
    script = (
        f'printf \'%s\' \'{{"kind": "ExecCredential", "apiVersion": "{api_version}",'
        f' "status": {{"token": "\'$(cat {issuer.folder}/token)\'"{end}}}}}\''
    )
    command = write_plugin(issuer.folder, script)
    return {"exec": {"apiVersion": api_version, "command": str(command), "interactiveMode": "Never"}}


def _connection(issuer: Issuer, server: RecordingServer, user: Mapping[str, object]) -> ClusterConnection:
    path = write_kubeconfig(
        issuer.folder / "config",
        server=server.url,
        cluster={"certificate-authority-data": b64(authority_pem())},
        user=user,
    )
    return ClusterConnection(KubeconfigTarget([path]), environ=dict(os.environ), now=issuer.clock)


async def _eight(issuer: Issuer, server: RecordingServer, connection: ClusterConnection) -> list[int]:
    server.status_of = issuer.status_of
    statuses = []
    for _ in range(REQUESTS):
        statuses.append(await ask_twice(connection))
        issuer.pass_a_second()
    return statuses


async def test_R5_a_token_file(issuer: Issuer) -> None:
    async with recording_server(server_context()) as server:
        connection = _connection(issuer, server, {"tokenFile": "token"})
        assert await _eight(issuer, server, connection) == [200] * REQUESTS
        assert len(server.requests) == REQUESTS


async def test_R5_a_token_file_that_looks_unchanged(issuer: Issuer) -> None:
    # Rewritten in place at the same size and time, so that only the 401 tells.
    def rewrite() -> None:
        times = (issuer.folder / "token").stat()
        (issuer.folder / "token").write_text(issuer.token)
        os.utime(issuer.folder / "token", ns=(times.st_atime_ns, times.st_mtime_ns))

    issuer.issue = rewrite  # type: ignore[method-assign]  # one issuer that writes otherwise
    async with recording_server(server_context()) as server:
        connection = _connection(issuer, server, {"tokenFile": "token"})
        assert await _eight(issuer, server, connection) == [200] * REQUESTS
        assert len(server.requests) == REQUESTS + 2


@pytest.mark.parametrize("api_version", [V1, V1BETA1])
async def test_R5_a_plugin_that_says_when_its_token_ends(issuer: Issuer, api_version: str) -> None:
    async with recording_server(server_context()) as server:
        connection = _connection(issuer, server, _plugin(issuer, api_version, with_end=True))
        assert await _eight(issuer, server, connection) == [200] * REQUESTS
        assert len(server.requests) == REQUESTS
        assert runs(issuer.folder) == 3


async def test_R5_a_plugin_that_does_not_say(issuer: Issuer) -> None:
    async with recording_server(server_context()) as server:
        connection = _connection(issuer, server, _plugin(issuer, V1, with_end=False))
        assert await _eight(issuer, server, connection) == [200] * REQUESTS
        assert len(server.requests) == REQUESTS + 2
        assert runs(issuer.folder) == 3


async def test_R5_a_token_that_somebody_writes_into_the_kubeconfig(issuer: Issuer) -> None:
    # A new log-in (``oc login``, ``tsh kube login``) writes there; no restart is needed.
    async with recording_server(server_context()) as server:
        connection = _connection(issuer, server, {"token": issuer.token})
        server.status_of = issuer.status_of
        assert await ask_twice(connection) == 200
        for _ in range(LIFE_S):
            issuer.pass_a_second()
        assert await ask_twice(connection) == 401
        _connection(issuer, server, {"token": issuer.token})
        assert await ask_twice(connection) == 200


async def test_R5_the_service_account_of_a_pod(issuer: Issuer) -> None:
    (issuer.folder / "ca.crt").write_text(authority_pem())
    async with recording_server(server_context()) as server:
        host, port = server.url.removeprefix("https://").split(":")
        environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        target = incluster_target(environ, issuer.folder)
        assert target is not None

        def source(*, again: bool = False, target: Target = target) -> Target:
            return target

        connection = ClusterConnection(source, environ=environ, now=issuer.clock)
        assert await _eight(issuer, server, connection) == [200] * REQUESTS
        assert len(server.requests) == REQUESTS


async def test_R5_client_certificates_that_are_replaced(issuer: Issuer) -> None:
    client_pair("token-0").write(issuer.folder)
    async with recording_server(server_context()) as server:
        connection = _connection(
            issuer, server, {"client-certificate": "client.crt", "client-key": "client.key"}
        )
        for number in range(3):
            client_pair(f"token-{number}").write(issuer.folder)
            assert await ask(connection) == 200
        assert [request.certificate for request in server.requests] == ["token-0", "token-1", "token-2"]


async def test_R5_a_plugin_that_gives_certificates(issuer: Issuer) -> None:
    pairs = [client_pair(f"cert-{number}") for number in range(2)]
    for number, pair in enumerate(pairs):
        (issuer.folder / f"cert{number}").write_text(
            credential(clientCertificateData=pair.chain, clientKeyData=pair.key)
        )
    command = write_plugin(issuer.folder, f"cat {issuer.folder}/cert$(cat {issuer.folder}/which)")
    (issuer.folder / "which").write_text("0")
    user = {"exec": {"apiVersion": V1, "command": str(command), "interactiveMode": "Never"}}
    async with recording_server(server_context()) as server:
        connection = _connection(issuer, server, user)
        server.status_of = lambda request: 200 if request.certificate == f"cert-{wanted}" else 401
        for wanted in (0, 0, 1, 1):
            (issuer.folder / "which").write_text(str(wanted))
            assert await ask_twice(connection) == 200
        assert runs(issuer.folder) == 2
        seen = [request.certificate for request in server.requests]
        assert seen == ["cert-0", "cert-0", "cert-0", "cert-1", "cert-1"]
