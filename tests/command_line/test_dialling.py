"""How ``userproxy run`` reaches pods: the options, and a pod that no network routes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line.process import WEB, running, wrong_usage
from tests.command_line.test_run import get
from tests.option import in_one_process_only
from userproxy.testing import ApiServer
from userproxy.testing.backends.http import HttpBackend
from userproxy.testing.objects import pod, service


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dial", "tunnel"], "argument --dial: invalid choice: 'tunnel'"),
        (["--direct-cidr", "10.0.0.0/33"], "argument --direct-cidr: '10.0.0.0/33'"),
        (["--direct-cidr", "10.0.0.1/8"], "argument --direct-cidr: 10.0.0.1/8 has host bits set"),
        (["--port-forward-half-close", "yes"], "argument --port-forward-half-close: invalid choice: 'yes'"),
        (["--dial", "port-forward"], "--dial port-forward: there is no API server to go through"),
    ],
)
def test_a_bad_value_is_refused_in_one_line(tmp_path: Path, options: list[str], said: str) -> None:
    assert said in wrong_usage(tmp_path, "run", "-f", tmp_path, *options)


def test_from_files_nothing_of_an_API_server_is_loaded(tmp_path: Path) -> None:
    """aiohttp takes a quarter of a start to load."""
    program = (
        "import argparse, asyncio, sys\n"
        "from userproxy.cli.dialling import pod_dialling\n"
        "from userproxy.cli.serving import add_serving_options, serving_of\n"
        "from userproxy.proxy import Proxy\n"
        "parser = argparse.ArgumentParser()\n"
        "add_serving_options(parser)\n"
        "serving = serving_of(parser.parse_args(['-f', sys.argv[1]]))\n"
        "async def serve():\n"
        "    async with pod_dialling(serving.way_through, serving.half_close) as dialler:\n"
        "        async with Proxy(serving.source, settings=serving.settings, pod_dialler=dialler) as proxy:\n"
        "            await proxy.settled()\n"
        "asyncio.run(serve())\n"
        "print([name for name in ('aiohttp', 'userproxy.sources.kube') if name in sys.modules])\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


async def test_several_workers_cannot_share_what_goes_through_the_API_server(tmp_path: Path) -> None:
    async with ApiServer() as server:
        config = server.kubeconfig(tmp_path / "config")
        line = wrong_usage(tmp_path, "run", "--kubeconfig", config, "--workers", "2")
    assert "--workers 2: pods are reached through the API server by one process alone" in line


@pytest.mark.proxied
@in_one_process_only("they cannot reach pods")
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_a_pod_without_a_route_is_reached_and_goes_to_the_next_one(tmp_path: Path, loop: str) -> None:
    async with (
        ApiServer(half_close_limit_s=None) as server,
        HttpBackend("one") as one,
        HttpBackend("two") as two,
    ):
        await server.apply(service(WEB, "http:18437", selector={"app": "web"}))
        await server.apply(pod("web-0", "http:8080", backends={18437: one.endpoint}, labels={"app": "web"}))
        config = server.kubeconfig(tmp_path / "config")
        async with running(tmp_path, "run", "--kubeconfig", config, "--loop", loop, "-v") as run:
            address = await run.address(WEB)
            assert [await get(address) for _ in range(5)] == ["one"] * 5
            second = pod("web-1", "http:8080", backends={18437: two.endpoint}, labels={"app": "web"})
            await server.apply(second)
            await run.rows(lambda rows: rows[0]["endpoints"] == ["198.18.0.1:18437", "198.18.0.2:18437"])
            await server.delete("pods", "web-0")
            await run.rows(lambda rows: rows[0]["endpoints"] == ["198.18.0.2:18437"])
            assert [await get(address) for _ in range(5)] == ["two"] * 5
            await run.error("port_forward_way way='SPDY in a WebSocket'")
            assert await run.stop() == 0
