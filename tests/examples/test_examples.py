"""Every example is run as a reader would run it, and does what it says."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.command_line.process import Running, running, userproxy
from tests.command_line.test_run import get, replace_file

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HELLO = EXAMPLES / "hello"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=EXAMPLES.parent,
        check=False,
    )


def test_no_example_is_left_out() -> None:
    files = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.*") if path.suffix != ".pyc"}
    assert files == {
        "embed.py", "test_with_pytest.py", "zones.yaml",
        "hello/backend.py", "hello/hello.yaml", "laptop/shop.yaml",
    }  # fmt: skip


def test_embed() -> None:
    done = run(EXAMPLES / "embed.py")
    assert (done.returncode, done.stderr) == (0, "")
    where, *answers = done.stdout.splitlines()
    assert re.fullmatch(r"default/web is at 127\.0\.0\.1:\d+", where)
    assert answers == ["first: blue", "then: green"]


def test_with_pytest() -> None:
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLES / "test_with_pytest.py")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_zones(tmp_path: Path) -> None:
    done = userproxy(tmp_path, "check", "-f", EXAMPLES / "zones.yaml")
    assert (done.returncode, done.stdout) == (0, "1 Service; 0 problems\n")
    said = userproxy(tmp_path, "explain", "-f", EXAMPLES / "zones.yaml", "--node-name", "worker-1").stdout
    assert "hinted for zone(s) zone-b, this node is in zone-a" in said


def test_hello_is_right_as_it_stands(tmp_path: Path) -> None:
    done = userproxy(tmp_path, "check", "-f", HELLO)
    assert (done.returncode, done.stdout) == (0, "1 Service; 0 problems\n")
    said = userproxy(tmp_path, "explain", "-f", HELLO).stdout
    assert "default/hello http 8080/TCP IPv4  at 127.196.48.226:8080, 2 of 2 endpoints in use" in said


async def test_laptop_is_reached_by_name_through_its_api_server(tmp_path: Path) -> None:
    """As README has it: pods without a route, no running proxy, one command."""
    one, two = free_ports(2)
    numbers = {"9101": str(one), "9102": str(two)}
    text = re.sub("910[12]", lambda found: numbers[found[0]], (EXAMPLES / "laptop" / "shop.yaml").read_text())
    (tmp_path / "shop.yaml").write_text(text)
    kubeconfig = tmp_path / "kubeconfig"
    arguments = ("-f", tmp_path / "shop.yaml", "--write-kubeconfig", kubeconfig)
    async with backends(one, two), running(tmp_path, "apiserver", *arguments, table=False) as server:
        assert (await server.line()).startswith("listening on http://127.0.0.1:")
        # The number is stated in the manifest, and may be in use here.
        ask = "curl -sS http://web.shop:$WEB_SERVICE_PORT/"
        command = ("exec", "--kubeconfig", kubeconfig, "-n", "shop", "--", "sh", "-c", f"{ask}; {ask}")
        done = await asyncio.to_thread(userproxy, tmp_path, *command)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == sorted([f"hello from port {one}", f"hello from port {two}"])


@pytest.mark.proxied
async def test_hello_is_served_and_moves_with_an_edit(tmp_path: Path) -> None:
    """With other ports of the backends, since those of the example may be in use here."""
    one, two = free_ports(2)
    numbers = {"9101": str(one), "9102": str(two)}
    text = re.sub("910[12]", lambda found: numbers[found[0]], (HELLO / "hello.yaml").read_text())
    manifest = tmp_path / "hello.yaml"
    manifest.write_text(text)
    async with backends(one, two), running(tmp_path, "run", "-f", manifest) as run:
        await served_by(run, one, two)
        address = await run.address("hello")
        assert address[0] == "127.196.48.226"
        assert {await get(address) for _ in range(4)} == {f"hello from port {one}", f"hello from port {two}"}
        first_slice = text.rpartition("---\n")[0]
        replace_file(manifest, first_slice)
        await served_by(run, one)
        assert {await get(address) for _ in range(4)} == {f"hello from port {one}"}
        replace_file(manifest, first_slice.replace(str(one), str(two)))
        await served_by(run, two)
        assert await get(address) == f"hello from port {two}"
        assert await run.stop() == 0


async def served_by(run: Running, *ports: int) -> None:
    wanted = sorted(f"127.0.0.1:{port}" for port in ports)
    await run.rows(lambda rows: rows and rows[0]["endpoints"] == wanted)


@contextlib.asynccontextmanager
async def backends(*ports: int) -> AsyncIterator[None]:
    """The example's own script, once it listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, HELLO / "backend.py", *map(str, ports), stdout=PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == f"hello from ports {ports}\n".encode()
        yield
    finally:
        process.kill()
        await process.communicate()


def free_ports(count: int) -> tuple[int, ...]:
    with contextlib.ExitStack() as held:
        socks = [held.enter_context(socket.socket()) for _ in range(count)]
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return tuple(sock.getsockname()[1] for sock in socks)
