"""The configuration of nginx: fair, and filled in for this machine."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.peers import nginx
from benchmarks.peers.base import KINDS
from benchmarks.peers.nginx import Nginx, configuration

LISTEN = {kind: f"127.0.0.1:{8000 + number}" for number, kind in enumerate(KINDS)}
ENDPOINTS = {kind: f"127.0.0.1:{9000 + number}" for number, kind in enumerate(KINDS)}


def directives(text: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line.removesuffix(";") for line in lines if line.endswith(";")]


def test_one_process_without_logging_and_with_userproxys_sockets() -> None:
    found = directives(configuration(LISTEN, ENDPOINTS, Path("folder"), ""))
    assert {"daemon off", "master_process off", "access_log off", "tcp_nodelay on"} <= set(found)
    listens = [line.split() for line in found if line.startswith("listen")]
    assert [words[1] for words in listens] == list(LISTEN.values())
    for words in listens[:-1]:
        assert words[2:] == ["backlog=4096", "so_keepalive=60s:15s:4"]
    assert listens[-1][2:] == ["udp", "rcvbuf=1m"]
    assert [line.split()[1] for line in found if line.startswith("proxy_pass")] == list(ENDPOINTS.values())


@pytest.mark.parametrize(
    ("module", "line"),
    [("/folder/ngx_stream_module.so", "load_module /folder/ngx_stream_module.so;"), ("", "")],
)
def test_the_module_is_loaded_where_it_is_not_built_in(module: str, line: str) -> None:
    text = configuration(LISTEN, ENDPOINTS, Path("folder"), module)
    assert ("load_module" in text) is bool(module)
    assert line in text


def test_a_missing_nginx_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nginx, "find", lambda name: "")
    assert "apt-get install nginx libnginx-mod-stream" in Nginx().missing()


@pytest.mark.skipif(bool(Nginx().missing()), reason=Nginx().missing())
async def test_an_address_that_cannot_be_bound_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = itertools.count(8000)
    # TEST-NET-1: nobody can bind it.
    monkeypatch.setattr(nginx, "free_address", lambda kind: f"192.0.2.1:{next(ports)}")
    with pytest.raises(BenchmarkError, match=r"^nginx did not start: .*bind\(\) to 192\.0\.2\.1:80"):
        async with Nginx().start(ENDPOINTS):
            pytest.fail("it started")
