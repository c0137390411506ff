"""``userproxy status`` and ``userproxy connections``: a proxy that runs, as people or programs read it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from io import FileIO
from pathlib import Path

import pytest
import yaml

from tests.command_line.process import WEB, Running, environment, running, userproxy, wrong_usage
from tests.command_line.test_run import manifest
from tests.option import in_one_process_only
from userproxy.cli.columns import age, size
from userproxy.testing import ApiServer
from userproxy.testing.backends.http import HttpBackend
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, pod, service

PORT = 18413
pytestmark = pytest.mark.proxied


async def told(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command that ends, while this loop goes on with its backends."""
    return await asyncio.to_thread(userproxy, home, *arguments, **variables)


@contextlib.asynccontextmanager
async def shop(home: Path) -> AsyncIterator[tuple[Running, str]]:
    """A proxy with one Service in namespace shop, and its endpoint."""
    async with TcpEcho("one") as one:
        (home / "m.yaml").write_text(
            manifest(
                service(WEB, f"http:{PORT}", namespace="shop"),
                endpoint_slice(WEB, [one.endpoint], namespace="shop", port_name="http"),
            )
        )
        async with running(home, "run", "-f", home / "m.yaml") as run:
            await run.address(WEB)
            yield run, one.endpoint


async def test_a_table_of_services_and_of_endpoints(tmp_path: Path) -> None:
    async with shop(tmp_path) as (run, endpoint):
        host, port = await run.address(WEB)
        heading, line = (await told(tmp_path, "status", "-n", "shop")).stdout.splitlines()
        assert heading.split() == [
            "NAME",
            "PORT",
            "ADDRESS",
            "STATE",
            "ENDPOINTS",
            "OPEN",
            "TOTAL",
            "FAILURES",
            "REASON",
        ]
        assert line.split("   ")[0] == WEB
        assert f"http {PORT}/TCP   {host}:{port}   listening   1/1 " in line
        lines = (await told(tmp_path, "status", "-A", "-o", "wide")).stdout.splitlines()
        assert lines[0].startswith("NAMESPACE   NAME")
        assert lines[2] == ""
        assert lines[3].split()[:5] == ["NAMESPACE", "NAME", "PORT", "ENDPOINT", "STATE"]
        assert lines[4].split()[4:7] == [endpoint, "ready", "direct"]
        assert (await told(tmp_path, "status", f"shop/{WEB}")).stdout.count("\n") == 5


async def test_json_and_yaml_say_the_same(tmp_path: Path) -> None:
    async with shop(tmp_path) as (run, endpoint):
        as_json = json.loads((await told(tmp_path, "status", "-n", "shop", WEB, "-o", "json")).stdout)
        as_yaml = yaml.safe_load((await told(tmp_path, "status", "-n", "shop", WEB, "-o", "yaml")).stdout)
        assert as_json == as_yaml
        assert as_json["proxy"]["pid"] == run.process.pid
        assert [one["endpoint"] for one in as_json["services"][0]["endpoints"]] == [endpoint]


async def test_open_connections(tmp_path: Path) -> None:
    async with shop(tmp_path) as (run, endpoint):
        reader, writer = await asyncio.open_connection(*await run.address(WEB))
        writer.write(b"x" * 2048)
        await reader.readexactly(1)
        host, port = writer.get_extra_info("sockname")[:2]
        heading, line = (await told(tmp_path, "connections", "-n", "shop")).stdout.splitlines()
        assert heading.split()[:4] == ["NAME", "PORT", "CLIENT", "ENDPOINT"]
        assert line.split()[:7] == [WEB, "http", "TCP", f"{host}:{port}", endpoint, "direct", "2.0Ki"]
        assert line.endswith("transferring")
        (row,) = json.loads((await told(tmp_path, "connections", "-A", "-o", "json")).stdout)["connections"]
        assert (row["bytes_to_endpoint"], row["namespace"]) == (2048, "shop")
        writer.close()
        await writer.wait_closed()


@in_one_process_only("pods are reached by one process alone")
async def test_an_endpoint_that_is_reached_through_its_pod(tmp_path: Path) -> None:
    async with HttpBackend("one") as one, ApiServer() as server:
        web = service(WEB, {"port": 18416, "targetPort": 8080}, selector={"app": "web"})
        await server.apply(web, pod("web-0", backends={8080: one.endpoint}, labels={"app": "web"}))
        async with running(tmp_path, "run", "--server", server.url, "--dial", "port-forward") as run:
            reader, writer = await asyncio.open_connection(*await run.address(WEB))
            writer.write(b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")
            assert b"200" in await reader.readline()
            said = json.loads((await told(tmp_path, "status", WEB, "-o", "json")).stdout)
            (endpoint,) = said["services"][0]["endpoints"]
            assert (endpoint["reached"], endpoint["open"], endpoint["dials"]) == ("pod web-0", 1, 1)
            assert said["proxy"]["port_forward"] == {"upgrades": 1, "failures": 0, "stalls": 0}
            (row,) = json.loads((await told(tmp_path, "connections", "-o", "json")).stdout)["connections"]
            assert (row["reached"], row["state"]) == ("pod web-0", "transferring")
            writer.close()
            await writer.wait_closed()


async def test_with_nothing_to_tell_it_says_so(tmp_path: Path) -> None:
    async with shop(tmp_path):
        done = await told(tmp_path, "status")
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == "userproxy: no Services in namespace default; -A tells of all\n"
        done = await told(tmp_path, "connections", "-A")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "userproxy: nothing is open\n")
        done = await told(tmp_path, "status", "-n", "shop", "api")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "userproxy: there is no Service shop/api\n"
        done = await told(tmp_path, "connections", "-n", "shop", "api")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "userproxy: there is no Service shop/api\n"
        done = await told(tmp_path, "connections", "-n", "shop", WEB)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == f"userproxy: nothing is open to {WEB} in namespace shop; -A tells of all\n"


async def test_one_of_several_is_chosen(tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    async with contextlib.AsyncExitStack() as stack:
        runs = []
        for home in homes:
            home.mkdir()
            (home / "m.yaml").write_text(manifest(service(f"{WEB}-{home.name}", 18414)))
            runtime = str(tmp_path)
            started = running(home, "run", "-f", home / "m.yaml", XDG_RUNTIME_DIR=runtime)
            runs.append(await stack.enter_async_context(started))
        for run in runs:
            await run.rows(lambda rows: rows)
        done = await told(tmp_path, "status")
        assert (done.returncode, done.stdout) == (2, "")
        first, *lines = done.stderr.splitlines()
        assert first == "userproxy: several run, choose one with --pid:"
        assert [int(line.split()[0]) for line in lines] == sorted(run.process.pid for run in runs)
        assert all(line.split(maxsplit=1)[1].startswith("userproxy run -f ") for line in lines)
        done = await told(tmp_path, "status", "--pid", str(runs[1].process.pid), "-o", "json", "-A")
        assert [row["service"] for row in json.loads(done.stdout)["services"]] == [f"{WEB}-two"]


async def test_the_proxy_of_a_command_can_be_asked_by_that_command(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(manifest(service(WEB, 18415, namespace="shop")))
    asking = (sys.executable, "-m", "userproxy", "status", "-n", "shop", "-o", "json")
    done = await told(tmp_path, "exec", "-f", str(tmp_path / "m.yaml"), "--", *asking)
    assert [row["service"] for row in json.loads(done.stdout)["services"]] == [WEB]
    assert os.listdir(tmp_path / "userproxy") == []


async def test_the_demo_can_be_asked_too(tmp_path: Path) -> None:
    async with running(tmp_path, "demo", table=False) as demo:
        await demo.line("web")
        rows = json.loads((await told(tmp_path, "status", "-o", "json")).stdout)["services"]
        assert [row["service"] for row in rows] == ["dns", "web"]
        await demo.stop()
        assert os.listdir(tmp_path / "userproxy") == []


async def test_a_killed_proxy_is_forgotten(tmp_path: Path) -> None:
    async with shop(tmp_path) as (run, _):
        run.process.send_signal(signal.SIGKILL)
        await run.process.wait()
        assert os.listdir(tmp_path / "userproxy") == [f"{run.process.pid}.sock"]
        done = await told(tmp_path, "status")
        assert done.returncode == 1
        assert done.stderr == "userproxy: no userproxy runs as this user; start one with: userproxy run\n"
        assert os.listdir(tmp_path / "userproxy") == []


def test_without_a_proxy_it_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    for command in ("status", "connections"):
        for arguments in ((), ("--pid", "4242")):
            done = userproxy(tmp_path, command, *arguments)
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
            assert "no userproxy runs as " in done.stderr


def test_a_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "userproxy").symlink_to(tmp_path)
    done = userproxy(tmp_path, "status")
    assert (done.returncode, done.stderr) == (1, f"userproxy: {tmp_path}/userproxy: is a link\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("shop/web", "-A"), "shop/web names its namespace; leave -A out"),
        (("shop/web", "-n", "bank"), "shop/web names its namespace; leave -n bank out"),
        (("--pid", "0"), "must be the number of a process, not '0'"),
        (("-o", "xml"), "invalid choice: 'xml'"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    for command in ("status", "connections"):
        assert says in wrong_usage(tmp_path, command, *arguments)


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
async def test_states_are_coloured_at_a_terminal(
    tmp_path: Path, variables: dict[str, str], coloured: bool
) -> None:
    async with shop(tmp_path):
        ours, theirs = pty.openpty()
        with FileIO(ours) as terminal:
            shown = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "userproxy", "status", "-A", stdout=theirs,
                env=environment(tmp_path, TERM="xterm", **variables),
            )  # fmt: skip
            os.close(theirs)
            text = await asyncio.to_thread(read_all, terminal)
            assert await shown.wait() == 0
        assert ("\x1b[32mlistening\x1b[0m" in text) == coloured
        assert f"{WEB}   http {PORT}/TCP" in text


def read_all(terminal: FileIO) -> str:
    """Until the other side has closed it, which a terminal says by an error."""
    parts = []
    with contextlib.suppress(OSError):
        while part := terminal.read(4096):
            parts.append(part)
    return b"".join(parts).decode()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0s"), (119.9, "119s"), (120, "2m"), (599, "9m59s"), (600, "10m"), (10799, "179m"),
        (10800, "3h"),
        (28740, "7h59m"), (28800, "8h"), (172799, "47h"), (172800, "2d"), (687600, "7d23h"), (691200, "8d"),
    ],
)  # fmt: skip
def test_ages_are_kubectls(seconds: float, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0"), (999, "999"), (1000, "1.0Ki"), (1536, "1.5Ki"), (10239, "10Ki"), (120 << 20, "120Mi"),
     (1 << 62, "4096Pi")],
)  # fmt: skip
def test_sizes_are_short(size_bytes: int, text: str) -> None:
    assert size(size_bytes) == text
