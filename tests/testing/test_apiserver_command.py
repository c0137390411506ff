"""``userproxy apiserver`` as a real process: its lines, its files, its exit codes, its signals."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.docs.project import DOCS
from tests.testing.api_server.http_client import HttpClient
from userproxy.cli import main
from userproxy.testing.backends import TcpEcho
from userproxy.testing.objects import pod

MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "userproxy", "apiserver", *arguments]


def finished(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command that ends by itself; here, without a process."""
    code = main(["apiserver", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The process and the URL that it prints; it is ended by SIGTERM and must end with 0."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command(*arguments), stdout=pipe, stderr=pipe)
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert line.startswith("listening on http://"), line
        yield process, line.removeprefix("listening on ").strip()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")


async def test_it_prints_its_address_and_serves(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(MANIFEST)
    (tmp_path / ".hidden.yaml").write_text("nonsense: [")
    (tmp_path / "notes.txt").write_text("nonsense: [")
    config = tmp_path / "out" / "config"
    config.parent.mkdir()
    arguments = ("--write-kubeconfig", str(config), "-f", str(tmp_path), "--kubernetes-version", "1.31")
    async with running(*arguments) as (_, url), HttpClient(url) as client:
        assert (await client.get("/api/v1/services")).names == ["web"]
        assert (await client.get("/version")).at("minor") == "31"
        written = json.loads(config.read_text())
        assert written["clusters"][0]["cluster"]["server"] == url
    assert os.listdir(config.parent) == ["config"], "the kubeconfig stays, and nothing else"


async def test_pods_of_a_file_are_forwarded_to_what_their_annotations_name(tmp_path: Path) -> None:
    """The page on testing shows this very manifest."""
    [shown] = re.findall(r"^```yaml\n(.*?)^```$", (DOCS / "testing.md").read_text(), re.MULTILINE | re.DOTALL)
    async with TcpEcho("one") as backend:
        manifest = tmp_path / "pod.yaml"
        manifest.write_text(shown.replace("127.0.0.1:9001", backend.endpoint))
        async with running("-f", str(manifest)) as (_, url), aiohttp.ClientSession() as session:
            path = "/api/v1/namespaces/shop/pods/web-0/portforward?ports=8080"
            async with session.ws_connect(url + path, protocols=("v4.channel.k8s.io",)) as socket:
                messages = [await socket.receive_bytes(timeout=30) for _ in range(3)]
    assert messages[2] == b"\x00one\n"


def test_a_pod_with_a_bad_backend_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    annotations = {"backend.userproxy.dev/8080": "9001"}
    manifest = tmp_path / "pod.json"
    manifest.write_text(json.dumps(pod("web-0", 8080, annotations=annotations)))
    code, _, errors = finished(capsys, "-f", str(manifest))
    assert code == 1
    assert errors.count("\n") == 1
    assert "pod.json, document 1" in errors
    assert 'backend.userproxy.dev/8080]: Invalid value: "9001": must be HOST:PORT' in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_although_a_watch_is_open(number: signal.Signals) -> None:
    async with running() as (process, url), HttpClient(url) as client:
        async with client.watch("/api/v1/services") as watch:
            process.send_signal(number)
            assert await watch.ends()
        await process.wait()


async def test_R5_a_restarted_server_has_newer_versions_than_clients_remember() -> None:
    async with running() as (_, url), HttpClient(url) as client:
        version = str((await client.get("/api/v1/services")).at("metadata/resourceVersion"))
    async with running() as (_, url), HttpClient(url) as client:
        async with client.watch("/api/v1/services", {"resourceVersion": version}) as watch:
            assert (await watch.event())["type"] == "ERROR"


async def test_standard_input_and_single_files(tmp_path: Path) -> None:
    (tmp_path / "node.json").write_text('{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}}')
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command("-f", "-", "-f", str(tmp_path / "node.json")), stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(MANIFEST.encode())
    process.stdin.close()
    url = (await process.stdout.readline()).decode().removeprefix("listening on ").strip()
    async with HttpClient(url) as client:
        assert (await client.get("/api/v1/services")).names == ["web"]
        assert (await client.get("/api/v1/nodes")).names == ["n"]
    process.send_signal(signal.SIGTERM)
    await process.communicate()


@pytest.mark.parametrize(
    "listen",
    [
        "8080",
        "127.0.0.1",
        "127.0.0.1:http",
        ":8080",
        "127.0.0.1:70000",
        "127.0.0.1:-1",
        "",
        pytest.param(f"127.0.0.1:{'9' * 5000}", id="more digits than Python reads"),
    ],
)
def test_a_bad_listen_address_is_one_line_and_2(capsys: pytest.CaptureFixture[str], listen: str) -> None:
    code, out, errors = finished(capsys, f"--listen={listen}")
    assert (code, out) == (2, "")
    assert errors == f"userproxy: --listen {listen!r}: must be HOST:PORT, with a port from 0 to 65535\n"


def test_a_taken_address_is_one_line_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, errors = finished(capsys, f"--listen=127.0.0.1:{port}")
    assert (code, out) == (1, "")
    assert errors == f"userproxy: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        pytest.param("a: [", 1, "bad.yaml: line 2, column 1: ", id="unreadable YAML"),
        pytest.param("7", 1, "bad.yaml, document 1: an object is expected", id="no object"),
        pytest.param("kind: Service", 1, "bad.yaml, document 1: ", id="no version"),
        pytest.param(MANIFEST.replace("80", "70000"), 1, 'Service "web" is invalid: ', id="invalid"),
        pytest.param(MANIFEST.replace("ports", "portz"), 1, 'unknown field "spec.portz"', id="unknown field"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, code: int, words: str
) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    found, out, errors = finished(capsys, "-f", str(tmp_path / "bad.yaml"))
    assert (found, out) == (code, "")
    assert words in errors
    assert errors.startswith("userproxy: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(("-f", "missing.yaml"), 2, "missing.yaml: No such file or directory", id="missing path"),
        pytest.param(("--kubernetes-version", "new"), 2, "must be like 1.32", id="version"),
        pytest.param(
            ("--listen", "192.0.2.1:0"), 1, "192.0.2.1:0: Cannot assign requested address", id="not ours"
        ),
        pytest.param(("--write-kubeconfig", "no/such/file"), 1, "No such file or directory", id="kubeconfig"),
    ],
)
def test_other_bad_arguments(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[str], code: int, words: str
) -> None:
    found, out, errors = finished(capsys, *arguments)
    assert (found, out) == (code, "")
    assert words in errors
    assert errors.count("\n") == 1
