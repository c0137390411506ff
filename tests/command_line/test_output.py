"""Whatever is behind standard output and error: closed, broken, full, or a reader that stalls."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line.process import LIMIT_S, WEB, environment, running
from tests.command_line.test_run import get, replace_file, web_on
from tests.option import asked_loops
from userproxy.cli.output import WAITING_CHARACTERS, LineWriter
from userproxy.testing.backends.http import HttpBackend


@contextlib.contextmanager
def broken_pipe() -> Iterator[int]:
    """Its reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


@contextlib.contextmanager
def full_disk() -> Iterator[int]:
    with open("/dev/full", "wb") as file:
        yield file.fileno()


@contextlib.contextmanager
def full_pipe() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe into which nothing more fits."""
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, bytes(4096))
        os.set_blocking(writer, True)
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


# Traffic does not wait for readers.


@pytest.mark.proxied
@pytest.mark.parametrize("loop", asked_loops())
async def test_a_reader_that_stalls_stops_nothing(tmp_path: Path, loop: str) -> None:
    file = tmp_path / "m.yaml"
    options = ("-f", file, "-vv", "--loop", loop)
    async with HttpBackend("one") as one, HttpBackend("two") as two:
        file.write_text(web_on(18421, one.endpoint))
        with full_pipe() as (_, out), full_pipe() as (_, err):
            async with running(tmp_path, "run", *options, stdout=out, stderr=err) as run:
                address = await run.address(WEB)
                assert await get(address) == "one"
                replace_file(file, web_on(18421, two.endpoint))
                await run.rows(lambda rows: rows and rows[0]["endpoints"] == [two.endpoint])
                assert await get(address) == "two"
                assert await run.stop() == 0


@pytest.mark.proxied
@pytest.mark.parametrize(
    ("sink", "why"), [(broken_pipe, "Broken pipe"), (full_disk, "No space left on device")]
)
async def test_run_goes_on_without_its_reader(
    tmp_path: Path, sink: type[contextlib.AbstractContextManager[int]], why: str
) -> None:
    file = tmp_path / "m.yaml"
    async with HttpBackend("one") as one, HttpBackend("two") as two:
        file.write_text(web_on(18422, one.endpoint))
        with sink() as out:
            async with running(tmp_path, "run", "-f", file, stdout=out) as run:
                address = await run.address(WEB)
                replace_file(file, web_on(18422, two.endpoint))
                await run.rows(lambda rows: rows and rows[0]["endpoints"] == [two.endpoint])
                assert await get(address) == "two"
                assert await run.stop() == 0
                [line] = run.errors.read_text().splitlines()
                assert line.endswith(f"standard output: {why}; serving goes on")


# Commands that only print.


@pytest.mark.parametrize("sink", [broken_pipe, full_disk])
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("explain", "-f", "m.yaml"), id="explain"),
        pytest.param(("explain", "-f", "m.yaml", "-o", "json"), id="explain as JSON"),
        pytest.param(("check", "-f", "m.yaml"), id="check"),
        pytest.param(("demo", "--seconds", "30"), id="demo"),
        pytest.param(("apiserver",), id="apiserver"),
        pytest.param(("--help",), id="help"),
        pytest.param(("--version",), id="version"),
    ],
)
def test_output_that_cannot_be_written_is_exit_code_1(
    tmp_path: Path, arguments: tuple[str, ...], sink: type[contextlib.AbstractContextManager[int]]
) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(web_on(80, "10.0.0.1:80"))
    given = [str(file) if argument == file.name else argument for argument in arguments]
    variables = environment(tmp_path)
    del variables["PYTHONUNBUFFERED"]  # as usual: the buffer is written when the interpreter ends
    with sink() as out:
        done = subprocess.run(
            [sys.executable, "-m", "userproxy", *given],
            stdout=out, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S, env=variables, check=False,
        )  # fmt: skip
    assert done.returncode == 1, done.stderr
    wanted = "" if sink is broken_pipe else "userproxy: standard output: No space left on device\n"
    assert done.stderr == wanted


# Descriptors that the caller closed.

CLOSED = [">&-", "<&-", "2>&-", "<&- >&- 2>&-"]


@pytest.mark.parametrize("closed", CLOSED)
def test_a_command_with_closed_descriptors_ends_as_ever(tmp_path: Path, closed: str) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(web_on(80, "10.0.0.1:80"))
    script = f'exec "{sys.executable}" -m userproxy explain -f "{file}" {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        capture_output=True, text=True, timeout=LIMIT_S, env=environment(tmp_path), check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (closed in ("<&-", "2>&-"))


@pytest.mark.proxied
@pytest.mark.parametrize("loop", asked_loops())
@pytest.mark.parametrize("closed", CLOSED)
async def test_run_serves_with_closed_descriptors(tmp_path: Path, closed: str, loop: str) -> None:
    file, table = tmp_path / "m.yaml", tmp_path / "table.json"
    async with HttpBackend("one") as one:
        file.write_text(web_on(18423, one.endpoint))
        script = f'exec "{sys.executable}" -m userproxy run -f "{file}" --table-file "{table}" "$@" {closed}'
        async with running(tmp_path, script, "sh", "--loop", loop, shell=True, table=False) as run:
            assert await get(await run.address(WEB)) == "one"
            for descriptor in (0, 1, 2):
                target = os.readlink(f"/proc/{run.process.pid}/fd/{descriptor}")
                assert not target.startswith("socket:"), "no connection got a standard descriptor"
            assert await run.stop(signal.SIGTERM) == 0


# The writer itself.


def test_lines_are_left_out_when_too_many_wait_and_that_is_said() -> None:
    with full_pipe() as (reader, descriptor):
        writer = LineWriter(descriptor)
        writer.say("first")
        while writer._lines:  # the thread has taken it, and is stuck
            os.sched_yield()
        writer.say("x" * WAITING_CHARACTERS)
        writer.say("left\nout")
        writer.say("left out too")
        read = bytearray()
        while not read.endswith(b"slow)\n"):
            read += os.read(reader, 65536)
        writer.say("heard again")
        writer.close(LIMIT_S)
        read += os.read(reader, 65536)
    lines = read.decode().lstrip("\0").splitlines()
    assert lines == [
        "first",
        "x" * WAITING_CHARACTERS,
        "(3 lines left out: the reader is too slow)",
        "heard again",
    ]


def test_the_end_waits_for_a_reader_within_a_limit() -> None:
    with full_pipe() as (reader, descriptor):
        writer = LineWriter(descriptor)
        writer.say("never read")
        writer.close(timeout_s=0.01)
        assert writer.error is None
        while b"never read" not in os.read(reader, 65536):
            pass  # so that the thread ends
        writer.close(LIMIT_S)


def test_errors_are_told_once_and_writing_is_tried_again() -> None:
    told: list[OSError] = []
    with full_disk() as descriptor:
        writer = LineWriter(descriptor, failed=told.append)
        writer.say("a")
        while not told:
            os.sched_yield()
        writer.say("b")
        writer.close(LIMIT_S)
    assert [error.strerror for error in told] == ["No space left on device"]


def test_a_descriptor_that_does_not_block_is_waited_for() -> None:
    with full_pipe() as (reader, descriptor):
        os.set_blocking(descriptor, False)
        writer = LineWriter(descriptor)
        writer.say("in the end")
        while b"in the end" not in os.read(reader, 65536):
            pass
        writer.close(LIMIT_S)
    assert writer.error is None
