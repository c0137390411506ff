"""``userproxy load``: what it says and its exit code, against servers on loopback."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.command_line.process import LIMIT_S, running, userproxy, wrong_usage
from userproxy.testing.backends import HttpBackend

SHORT = ("--duration", "300ms", "--warm-up", "100ms", "--connections", "4")
RATE = ("--rate", "100", "--connections", "40")
"""With a connection for each of the 40 requests none waits for another, however busy the machine is."""


async def load(home: Path, *arguments: str) -> tuple[int, str, str]:
    """(exit code, output, errors); the servers of the test answer meanwhile."""
    done = await asyncio.to_thread(userproxy, home, "load", *arguments)
    return done.returncode, done.stdout, done.stderr


async def load_json(home: Path, *arguments: str) -> dict[str, Any]:
    code, output, errors = await load(home, *arguments, "-o", "json")
    assert (code, errors) == (0, "")
    found: dict[str, Any] = json.loads(output)
    return found


def nobody() -> int:
    """A port where nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def test_closed_loop_over_http(tmp_path: Path) -> None:
    async with HttpBackend("one") as one:
        code, output, errors = await load(tmp_path, f"http://{one.endpoint}/", *SHORT)
    assert (code, errors) == (0, "")
    lines = output.splitlines()
    assert lines[0].startswith("closed loop: 4 connections,")
    assert lines[1] == f"http://{one.endpoint}/ at {one.endpoint}, 0.3 s after 0.1 s of warm-up"
    assert any(line.startswith("service time") for line in lines)
    assert not any(line.startswith("from intended start") for line in lines)
    assert any(line.endswith(" one") for line in lines)


async def test_open_loop_over_http(tmp_path: Path) -> None:
    async with HttpBackend("one") as one:
        found = await load_json(tmp_path, f"http://{one.endpoint}/", *SHORT, *RATE)
    assert found["loop"] == "open"
    assert found["model"].startswith("open loop: 100 requests/s, constant arrivals over 40 connections")
    window = found["window"]
    assert (window["due"], window["sent"], window["not_sent"]) == (30, 30, 0)
    assert window["answered"] == window["names"]["one"] == 30
    assert found["warm_up"]["due"] == found["warm_up"]["answered"] == 10
    assert sum(count for _, count in window["latency"]["buckets_ns"]) == 30
    assert sum(count for _, count in found["connect"]["buckets_ns"]) == 40


async def test_a_connection_for_each_request(tmp_path: Path) -> None:
    async with HttpBackend("one") as one:
        found = await load_json(tmp_path, f"http://{one.endpoint}/", *SHORT, *RATE, "--close")
        assert one.connections == 40
    assert sum(count for _, count in found["connect"]["buckets_ns"]) == 40
    assert found["window"]["answered"] == 30


async def test_who_answered_by_a_header(tmp_path: Path) -> None:
    async with HttpBackend("one") as one:
        found = await load_json(
            tmp_path, f"http://{one.endpoint}/", *SHORT, *RATE, "--answered-by", "header:x-backend"
        )
    assert found["window"]["names"] == {"one": 30}


async def test_a_condition_that_holds_is_exit_code_1(tmp_path: Path) -> None:
    async with HttpBackend("one") as one:
        url = f"http://{one.endpoint}/"
        failed = await load(tmp_path, url, *SHORT, *RATE, "--fail-if", "p50>1ns", "--fail-if", "errors>0")
    code, output, errors = failed
    assert code == 1
    assert output.startswith("open loop")
    assert errors.startswith("userproxy: p50>1ns: p50 is ")
    assert "errors>0" not in errors


async def test_a_target_that_refuses_is_exit_code_1(tmp_path: Path) -> None:
    port = nobody()
    code, output, errors = await load(tmp_path, f"http://127.0.0.1:{port}/", *SHORT)
    assert code == 1
    assert "         4  connect: connection refused (before the start)" in output
    assert errors == (f"userproxy: 127.0.0.1:{port} gave no right answer: connect: connection refused (4)\n")


async def test_wrong_answers_are_errors_by_kind(tmp_path: Path) -> None:
    """Of a server that knows no request: each is answered with a status that is not good."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        code, output, errors = await load(tmp_path, f"http://127.0.0.1:{port}/", *SHORT, *RATE, "-o", "json")
    found = json.loads(output)
    assert code == 1
    assert found["window"]["errors"] == {"status 503": 30}
    assert found["window"]["answered"] == 0
    assert found["failures"] == [line.removeprefix("userproxy: ") for line in errors.splitlines()]


async def test_under_99_percent_of_the_rate_is_exit_code_1(tmp_path: Path) -> None:
    """One connection, and a server that answers nothing: the second request never begins."""

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(stall, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        times = ("--duration", "500ms", "--warm-up", "0s", "--timeout", "100ms")
        code, output, errors = await load(
            tmp_path, f"http://127.0.0.1:{port}/", "--rate", "100", "--connections", "1", *times
        )
    assert code == 1
    assert "timeout" in output
    assert " of the rate was sent: " in errors


async def test_hdrhistogram_text(tmp_path: Path) -> None:
    async with HttpBackend("one") as one:
        file = tmp_path / "latency.hgrm"
        await load_json(tmp_path, f"http://{one.endpoint}/", *SHORT, *RATE, "--hdr", str(file))
    text = file.read_text()
    assert text.startswith("       Value     Percentile TotalCount 1/(1-Percentile)\n\n")
    assert "Total count    =           30]" in text


async def test_an_interruption_prints_what_was_measured(tmp_path: Path) -> None:
    async with HttpBackend("one") as one:
        url = f"http://{one.endpoint}/"
        async with running(
            tmp_path, "load", url, "--warm-up", "0s", "--duration", "1h", table=False
        ) as started:
            await started.line("closed loop")
            async with asyncio.timeout(LIMIT_S):
                while one.requests <= 64:  # the second of a connection: its first answer was read
                    await asyncio.sleep(0.01)
            started.process.send_signal(signal.SIGINT)
            rest = await started.rest()
            assert await started.process.wait() == 130
    assert "; interrupted" in rest
    assert "service time" in rest


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ((), "a URL is needed"),
        (("https://h/",), "https is not supported"),
        (("ftp://h/",), "must begin with http://, tcp:// or udp://"),
        (("h:80",), "must begin with http://, tcp:// or udp://"),
        (("http:h",), "must begin with http://, tcp:// or udp://"),
        (("tcp://h",), "has no port; write tcp://h:PORT"),
        (("udp://h",), "has no port; write udp://h:PORT"),
        (("http://h:0/",), "port 0 cannot be connected to"),
        (("http://h:99999/",), "Port out of range"),
        (("http:///",), "has no host"),
        (("http://u@h/",), "leave it out"),
        (("http://h/a b",), "no blank"),
        (("tcp://h:1/x",), "a path means nothing for tcp"),
        (("http://h/", "--rate", "0"), "--rate 0: must be above 0"),
        (("http://h/", "--rate", "-1"), "--rate -1: must be above 0"),
        (("http://h/", "--rate", "x"), "--rate x: must be a number"),
        (("http://h/", "--rate", "1e12"), "--rate 1e+12: must be above 0: 1e-06 to 1e+07"),
        (("http://h/", "--rate", "1e-300"), "--rate 1e-300: must be above 0: 1e-06 to 1e+07"),
        (("http://h/", "--duration", "0s"), "--duration 0s: must be from 0.001s"),
        (("http://h/", "--duration", "10"), "--duration 10: not a duration"),
        (("http://h/", "--warm-up=-1s"), "--warm-up -1s: must be from 0s"),
        (("http://h/", "--connections", "0"), "'0' must be a whole number above 0"),
        (("http://h/", "--connections", "60001"), "--connections 60001: must be from 1 to 60000"),
        (("http://h/", "--header", "x"), "must be 'NAME: VALUE'"),
        (("http://h/", "--header", "Connection: close"), "is set by the load generator itself"),
        (("http://h/", "--answered-by", "me"), "--answered-by me: must be first-line"),
        (("http://h/", "--answered-by", "prefix"), "--answered-by prefix: for http it can be"),
        (("udp://h:1", "--close"), "--close means nothing for udp"),
        (("http://h/", "--fail-if", "p99"), "--fail-if 'p99': must be a measure"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], wrong: str
) -> None:
    assert wrong in wrong_usage(tmp_path, "load", *arguments)


def test_a_name_without_an_address_is_exit_code_1(tmp_path: Path) -> None:
    done = userproxy(tmp_path, "load", "http://nobody.invalid/")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("userproxy: http://nobody.invalid/: nobody.invalid has no address: ")
