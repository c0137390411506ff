"""``userproxy load`` beyond one run over HTTP: echo servers, processes, searches, sums and marks."""

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
from pathlib import Path

import pytest

from tests.command_line.process import LIMIT_S, Running, running, userproxy, wrong_usage
from tests.command_line.test_load import RATE, SHORT, load, load_json
from userproxy.testing.backends import HttpBackend, TcpEcho, UdpEcho


@pytest.mark.parametrize("more", [(), RATE])
async def test_tcp_echo(tmp_path: Path, more: tuple[str, ...]) -> None:
    async with TcpEcho() as echo:
        found = await load_json(tmp_path, f"tcp://{echo.endpoint}", *SHORT, *more, "--size", "5000")
    window = found["window"]
    assert window["answered"] > 0
    assert window["errors"] == {}
    assert window["bytes_received"] == 5000 * window["answered"]


async def test_tcp_echo_that_says_who_it_is(tmp_path: Path) -> None:
    async with TcpEcho("one") as echo:
        url = f"tcp://{echo.endpoint}"
        found = await load_json(tmp_path, url, *SHORT, *RATE, "--close", "--answered-by", "first-line")
        code, _, errors = await load(tmp_path, url, *SHORT, *RATE)
    assert found["window"]["names"] == {"one": 30}
    assert sum(count for _, count in found["connect"]["buckets_ns"]) == 40
    assert code == 1  # a line that nobody expects is no echo
    assert "gave no right answer" in errors


@pytest.mark.parametrize("more", [(), RATE])
async def test_udp_echo(tmp_path: Path, more: tuple[str, ...]) -> None:
    async with UdpEcho() as echo:
        url = f"udp://{echo.endpoint}"
        found = await load_json(tmp_path, url, *SHORT, *more, "--size", "1200", "--timeout", "30s")
        assert len(echo.clients) == (40 if more else 4)
    window = found["window"]
    assert window["answered"] > 0
    assert (window["errors"], window["duplicates"], window["corrupt"]) == ({}, 0, 0)
    assert window["bytes_received"] == 1200 * window["answered"]


async def test_udp_echo_that_says_who_it_is(tmp_path: Path) -> None:
    async with UdpEcho("one") as echo:
        url = f"udp://{echo.endpoint}"
        found = await load_json(tmp_path, url, *SHORT, *RATE, "--answered-by", "prefix", "--timeout", "30s")
    assert found["window"]["names"] == {"one": 30}


async def test_datagrams_that_nobody_answers_are_lost_and_counted(tmp_path: Path) -> None:
    async with UdpEcho() as echo:
        echo.stalled = True
        code, output, _ = await load(
            tmp_path, f"udp://{echo.endpoint}", *SHORT, *RATE, "--timeout", "100ms", "-o", "json"
        )
    assert code == 1
    assert json.loads(output)["window"]["errors"] == {"lost": 30}


@pytest.mark.parametrize("more", [(), RATE])
async def test_several_processes_are_one_load(tmp_path: Path, more: tuple[str, ...]) -> None:
    async with HttpBackend("one") as one:
        found = await load_json(tmp_path, f"http://{one.endpoint}/", *SHORT, *more, "--processes", "2")
    window = found["window"]
    assert len(found["work"]) == 2
    assert found["connections"] == (40 if more else 4)
    assert found["model"].startswith("open loop: 100 requests/s" if more else "closed loop: 4 connections")
    assert (
        window["answered"]
        == window["names"]["one"]
        == sum(count for _, count in window["latency"]["buckets_ns"])
    )
    if more:
        assert (window["due"], window["sent"]) == (30, 30)


def children_now(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def children_of(pid: int, count: int) -> list[int]:
    async with asyncio.timeout(LIMIT_S):
        while len(children := children_now(pid)) < count:
            await asyncio.sleep(0.01)
    return children


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def gone(pid: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while is_there(pid):
            await asyncio.sleep(0.01)


async def started_requests(backend: HttpBackend) -> None:
    """Until a connection of the 64 has asked twice, and so has read an answer."""
    async with asyncio.timeout(LIMIT_S):
        while backend.requests <= 64:
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def endless(folder: Path) -> AsyncIterator[tuple[Running, list[int]]]:
    """A load by two processes that would go on for ever, with answers already; and those processes."""
    more = ("--warm-up", "0s", "--duration", "1h", "--processes", "2")
    async with HttpBackend("one") as one:
        url = f"http://{one.endpoint}/"
        async with running(folder, "load", url, *more, table=False) as started:
            children = await children_of(started.process.pid, 2)
            await started_requests(one)
            yield started, children


async def test_several_processes_stop_at_ctrl_c_with_what_was_measured(tmp_path: Path) -> None:
    async with endless(tmp_path) as (started, children):
        assert await started.stop(signal.SIGINT) == 130
        assert "2 processes; interrupted" in await started.rest()
        for child in children:
            await gone(child)


async def test_children_end_with_their_parent(tmp_path: Path) -> None:
    async with endless(tmp_path) as (started, children):
        started.process.kill()
        for child in children:
            await gone(child)


async def test_a_process_that_is_killed_fails_the_load(tmp_path: Path) -> None:
    async with endless(tmp_path) as (started, children):
        os.kill(children[0], signal.SIGKILL)
        async with asyncio.timeout(LIMIT_S):
            assert await started.process.wait() == 1
        assert started.errors.read_text() == (
            "userproxy: a process of the load was killed by signal 9; nothing was measured\n"
        )
        await gone(children[1])


async def test_the_highest_rate_is_searched(tmp_path: Path) -> None:
    """A server that answers one request at a time after 20 ms cannot do more than 50 a second."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            await asyncio.sleep(0.02)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        times = ("--duration", "600ms", "--warm-up", "0s")
        code, output, errors = await load(
            tmp_path, url, "--find-max", "p50<10s", "--rate", "25", "--connections", "1", *times
        )
    assert (code, errors) == (0, "")
    lines = output.splitlines()
    assert lines[0] == "open loop: search of the highest rate with p50<10s, constant arrivals"
    assert lines[1].split()[0] == "25.0/s"
    [answer] = [line for line in lines if line.startswith("highest rate with p50<10s: ")]
    assert 5 < float(answer.rpartition(" ")[2].removesuffix("/s")) <= 75


async def test_no_rate_that_holds_is_exit_code_1(tmp_path: Path) -> None:
    async with HttpBackend("one") as one:
        code, output, errors = await load(
            tmp_path, f"http://{one.endpoint}/", "--find-max", "p50<1ns", "--rate", "4", "--connections", "1",
            "--duration", "300ms", "--warm-up", "0s", "-o", "json",
        )  # fmt: skip
    assert (code, errors) == (1, "userproxy: no rate has p50<1ns; the last one tried was 1/s\n")
    search = json.loads(output)["search"]
    assert search["rate"] is None
    assert [step["rate"] for step in search["steps"]] == [4.0, 4.0, 2.0, 2.0, 1.0, 1.0]


async def test_files_of_several_machines_are_added_up(tmp_path: Path) -> None:
    files = [tmp_path / "A.json", tmp_path / "B.json"]
    async with HttpBackend("one") as one:
        for file in files:
            file.write_text(json.dumps(await load_json(tmp_path, f"http://{one.endpoint}/", *SHORT, *RATE)))
    code, output, errors = await load(tmp_path, "--merge", *map(str, files))
    assert (code, errors) == (0, "")
    assert output.startswith(
        "open loop: 200 requests/s, constant arrivals over 80 connections or flows in 2 results"
    )
    assert any(line.split()[:2] == ["answered", "60"] for line in output.splitlines())


def test_a_file_of_another_version_is_exit_code_1(tmp_path: Path) -> None:
    file = tmp_path / "A.json"
    file.write_text('{"kind": "userproxy load", "format": 99}')
    done = userproxy(tmp_path, "load", "--merge", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"userproxy: {file}: format 99; this version reads format 1\n"


MARK = '{"time":"2096-11-24T09:11:46.104Z","event":"route_changed","generation":7}\n'


@pytest.mark.parametrize("piped", [False, True])
async def test_marks_from_the_proxys_log(tmp_path: Path, piped: bool) -> None:
    log = tmp_path / "log"
    log.write_text("")
    async with HttpBackend("one") as one:
        url = f"http://{one.endpoint}/"
        more = ("--warm-up", "0s", "--duration", "1h", "--events", "-" if piped else log)
        async with running(tmp_path, "load", url, *more, table=False) as started:
            await started_requests(one)
            if piped:
                assert started.process.stdin is not None
                started.process.stdin.write(MARK.encode())
                await started.process.stdin.drain()
            else:
                log.write_text(MARK)
            assert await started.stop(signal.SIGINT) == 130
            assert "  route_changed at " in (rest := await started.rest())
            assert "generation=7" in rest


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("http://h/", "--merge", "A.json"), "--merge and a URL cannot be combined"),
        (("--rate", "5", "--merge", "A.json"), "--merge and --rate cannot be combined"),
        (("http://h/", "--arrivals", "poisson"), "--arrivals means nothing without --rate"),
        (("http://h/", "--in-flight", "5"), "--in-flight is for udp with --rate"),
        (("http://h/", "--size", "5"), "--size means nothing for http"),
        (("udp://h:1", "--size", "15"), "--size 15: must be from 16 to 65507 bytes for udp"),
        (("udp://h:1", "--size", "65508"), "--size 65508: must be from 16 to 65507 bytes for udp"),
        (("tcp://h:1", "--header", "A: b"), "--header means nothing for tcp"),
        (("http://h/", "--processes", "65"), "65 must be at most 64"),
        (("http://127.0.0.1/", "--processes", "3", "-c", "2"), "--processes 3: more than the 2 connections"),
        (("http://127.0.0.1/", "--find-max", "p99"), "--find-max 'p99': must be a measure"),
        (("http://127.0.0.1/", "--events", "/nowhere/log"), "--events /nowhere/log: no file, and none"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], wrong: str
) -> None:
    assert wrong in wrong_usage(tmp_path, "load", *arguments)


async def test_a_person_who_waits_sees_how_it_goes(tmp_path: Path) -> None:
    """On standard error, if it is a terminal; standard output has the result alone."""
    terminal, side = pty.openpty()
    try:
        async with HttpBackend("one") as one:
            url = f"http://{one.endpoint}/"
            more = ("--warm-up", "0s", "--duration", "1h", "-o", "json")
            async with running(tmp_path, "load", url, *more, table=False, stderr=side) as started:
                seen = b""
                async with asyncio.timeout(LIMIT_S):
                    while b" answered/s, 0 errors, p50 " not in seen:
                        seen += await asyncio.to_thread(os.read, terminal, 4096)
                assert await started.stop(signal.SIGINT) == 130
                assert json.loads(await started.rest())["interrupted"]
    finally:
        os.close(terminal)
        os.close(side)


def test_it_starts_without_what_it_does_not_need() -> None:
    """It would take longer to import than a short load takes."""
    program = (
        "import sys\n"
        "from userproxy.cli import main\n"
        "main(['load', 'http://127.0.0.1:1/'])\n"
        "print([name for name in ('aiohttp', 'uvloop', 'yaml', 'rich', 'orjson') if name in sys.modules])\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
