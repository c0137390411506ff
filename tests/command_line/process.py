"""Runs ``python -m userproxy`` as a user would, in a home of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.option import run_arguments

LIMIT_S = 60.0
"""A hard limit for whatever is waited for; nothing depends on it unless something is broken."""
Row = dict[str, object]
WEB = f"web-{os.getpid()}"
"""A Service of this run of the tests alone, so its loopback address is too: parallel runs do not meet."""


def environment(home: Path, **more: str) -> dict[str, str]:
    """Nothing of the caller's cluster, and no variable that changes the output."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL")}
    own = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    return {**kept, **own, "PYTHONUNBUFFERED": "1", **more}


def userproxy(
    home: Path, *arguments: str | Path, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "userproxy", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=environment(home, **variables),
        check=False,
    )


def wrong_usage(home: Path, *arguments: str | Path) -> str:
    """What a command says, in one line, that is refused as it is written."""
    done = userproxy(home, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


@dataclass
class Running:
    """A command that goes on until it is told to stop."""

    process: Process
    table_file: Path
    errors: Path

    async def line(self, wanted: str = "") -> str:
        """The next line of standard output that contains ``wanted``."""
        assert self.process.stdout is not None
        async with asyncio.timeout(LIMIT_S):
            while True:
                line = (await self.process.stdout.readline()).decode()
                assert line, f"it ended without saying {wanted!r}; errors: {self.errors.read_text()}"
                if wanted in line:
                    return line.rstrip("\n")

    async def dns_port(self) -> str:
        """Where ``--dns 127.0.0.1:0`` answers."""
        line = await self.line("DNS at")
        return line.split(",")[0].rpartition(":")[2]

    async def rest(self) -> str:
        """All that is still said, to the end."""
        assert self.process.stdout is not None
        async with asyncio.timeout(LIMIT_S):
            return (await self.process.stdout.read()).decode()

    def table(self) -> list[Row]:
        rows: list[Row] = json.loads(self.table_file.read_text())
        return rows

    async def rows(self, holds: Callable[[list[Row]], object]) -> list[Row]:
        """The table, once ``holds`` says so."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                with contextlib.suppress(FileNotFoundError):
                    if holds(rows := self.table()):
                        return rows
                await asyncio.sleep(0.01)

    async def address(self, service: str) -> tuple[str, int]:
        """Where ``service`` listens, once it does."""

        def found(rows: list[Row]) -> list[Row]:
            return [row for row in rows if row["service"] == service and row["state"] == "listening"]

        row = found(await self.rows(found))[0]
        return str(row["listen_address"]), int(str(row["listen_port"]))

    async def error(self, wanted: str) -> str:
        """The first line of standard error that contains ``wanted``."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                for line in self.errors.read_text().splitlines():
                    if wanted in line:
                        return line
                await asyncio.sleep(0.01)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(LIMIT_S):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def running(
    home: Path,
    command: str,
    *arguments: str | Path,
    table: bool = True,
    stdout: int = PIPE,
    stderr: int | None = None,
    shell: bool = False,
    **variables: str,
) -> AsyncIterator[Running]:
    """Start ``command``; it is killed at the end if it is still there.

    Errors go to a file, unless ``stderr`` is a descriptor. With ``shell``, ``command`` is a whole script that
    passes its arguments on to ``run``.
    """
    table_file = home / "table.json"
    errors = home / "errors.txt"
    more = ["--table-file", str(table_file)] if table else []
    if command == "run" or shell:
        more += run_arguments(*arguments)
    started = ["/bin/sh", "-c", command] if shell else [sys.executable, "-m", "userproxy", command]
    with errors.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *started, *map(str, arguments), *more,
            stdin=PIPE, stdout=stdout, stderr=sink if stderr is None else stderr,
            env=environment(home, **variables),
        )  # fmt: skip
    try:
        yield Running(process, table_file, errors)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
