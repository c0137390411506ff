"""The configuration of haproxy: fair, and accepted by haproxy itself where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.peers.base import KINDS, TCP_KINDS
from benchmarks.peers.haproxy import CONFIGURATION, VARIANTS, HAProxy
from benchmarks.programs import find

ENDPOINTS = dict.fromkeys(KINDS, "127.0.0.1:9")


def settings() -> dict[str, list[list[str]]]:
    """The words behind each keyword."""
    found: dict[str, list[list[str]]] = {}
    for line in CONFIGURATION.read_text().splitlines():
        words = line.partition("#")[0].split()
        if words:
            found.setdefault(words[0], []).append(words[1:])
    return found


def test_it_runs_one_thread_in_tcp_mode_without_logging() -> None:
    found = settings()
    assert found["nbthread"] == [["1"]]
    assert found["mode"] == [["tcp"]]
    assert "log" not in found
    assert found["option"] == [["clitcpka"], ["srvtcpka"], ["splice-auto"]]
    assert found[".if"] == [["defined(BUFSIZE)"], ["defined(SPLICE)"]]
    assert found["backlog"] == [["4096"]]
    assert found["maxconn"] == [["6000"], ["6000"]]


@pytest.mark.skipif(not find("haproxy"), reason="haproxy is not installed")
@pytest.mark.parametrize("name", VARIANTS)
def test_haproxy_accepts_it(name: str) -> None:
    addresses = {f"{kind.upper()}_BIND": "127.0.0.1:8080" for kind in TCP_KINDS}
    endpoints = {f"{kind.upper()}_ENDPOINT": "127.0.0.1:9" for kind in TCP_KINDS}
    done = subprocess.run(
        [find("haproxy"), "-c", "-f", str(CONFIGURATION)],
        env={**os.environ, **addresses, **endpoints, **VARIANTS[name]},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_a_missing_haproxy_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path: None)
    assert "apt-get install haproxy" in HAProxy().missing()


async def test_one_that_does_not_start_says_why_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "haproxy"
    fake.write_text(f"#!{sys.executable}\nraise SystemExit('no such configuration')\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchmarkError, match=r"^haproxy did not start: no such configuration$"):
        async with HAProxy().start(ENDPOINTS):
            pytest.fail("it started")
