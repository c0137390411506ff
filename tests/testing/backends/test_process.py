"""Backends in processes of their own."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

import aiohttp
import pytest

from userproxy.testing.backends import BackendProcess, TcpEcho
from userproxy.testing.backends.__main__ import main


async def test_an_http_backend_in_its_process() -> None:
    async with BackendProcess("http", "a") as backend:
        assert backend.pid
        async with aiohttp.ClientSession() as session, session.get(f"http://{backend.endpoint}/") as response:
            assert await response.text() == "a\n"
    host, _, port = backend.endpoint.rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))


@pytest.mark.parametrize("kind", ["tcp", "udp"])
async def test_the_other_kinds(kind: str) -> None:
    async with BackendProcess(kind, "a") as backend:
        host, _, port = backend.endpoint.rpartition(":")
        type_ = socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, type_) as client:
            client.settimeout(10)
            client.connect((host, int(port)))
            client.send(b"hello")
            assert client.recv(100).startswith(b"a")


async def test_a_process_that_does_not_start_is_an_os_error() -> None:
    async with TcpEcho() as backend:
        with pytest.raises(OSError, match="did not start"):
            async with BackendProcess("tcp", port=backend.port):
                pass
    with pytest.raises(RuntimeError, match="not running"):
        assert BackendProcess("tcp").pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "userproxy.testing.backends", "http", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert (await process.stdout.readline()).startswith(b"listening on 127.0.0.1:")
    process.send_signal(number)
    await process.communicate()
    assert process.returncode == 0


async def test_it_ends_with_its_standard_input() -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "userproxy.testing.backends", "udp", "--until-eof", stdin=pipe, stdout=pipe
    )
    assert process.stdout is not None
    assert process.stdin is not None
    await process.stdout.readline()
    process.stdin.close()
    await process.communicate()
    assert process.returncode == 0


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as wrong:
        main(["smtp"])
    assert wrong.value.code == 2
    assert "invalid choice" in capsys.readouterr().err
