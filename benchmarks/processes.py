"""Processes that a benchmark starts, talks to and stops."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

from benchmarks.errors import BenchmarkError

__all__ = ["ROOT", "Child", "python"]

ROOT = Path(__file__).resolve().parent.parent
"""Where ``python -m`` finds both packages."""
ANSWER_LIMIT_S = 30.0
STOP_LIMIT_S = 5.0
T = TypeVar("T")

PR_SET_PDEATHSIG = 1
"""prctl(2)."""
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with(parent: int) -> None:
    """In the new process, before its program: SIGKILL when the thread that started it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before that was in force
        os._exit(1)


def python(module: str, *arguments: object) -> tuple[str, ...]:
    """The command that runs a module with this interpreter."""
    return (sys.executable, "-m", module, *map(str, arguments))


class Child:
    """Runs while its block runs: SIGTERM at the end, SIGKILL when that does not help.

    It has a session of its own, so that Ctrl-C reaches us alone and we stop things in order; the kernel kills
    it when we are killed. With ``talks`` its lines are read by `line`; without, what it says goes where its
    errors go.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        talks: bool = False,
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self._command = command
        self._talks = talks
        self._environment = {**os.environ, **(environment or {})}
        self._pass_fds = pass_fds
        self._process: Process | None = None
        self._said: IO[bytes] | None = None

    async def __aenter__(self) -> Self:
        said = self._said = tempfile.TemporaryFile()  # noqa: SIM115  # `__aexit__` closes it
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE if self._talks else DEVNULL,
                stdout=PIPE if self._talks else said,
                stderr=said,
                env=self._environment,
                pass_fds=self._pass_fds,
                cwd=ROOT,
                start_new_session=True,
                preexec_fn=partial(_die_with, os.getpid()),
            )
        except OSError as error:
            said.close()
            raise BenchmarkError(f"{self.name} did not start: {error.strerror or error}") from error
        except BaseException:
            said.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.stop()
        finally:
            if self._said is not None:
                self._said.close()

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def ended(self) -> bool:
        return self._running.returncode is not None

    @property
    def said(self) -> tuple[str, ...]:
        """The lines of its standard error, and of standard output unless it ``talks``."""
        if self._said is None:
            return ()
        fd = self._said.fileno()
        text = os.pread(fd, os.fstat(fd).st_size, 0).decode(errors="replace")
        return tuple(line for line in text.splitlines() if line.strip())

    def check(self, doing: str = "is gone") -> None:
        """Raises BenchmarkError with its last words when it has ended."""
        if self.ended:
            raise self._failure(doing)

    def tell(self, line: str) -> None:
        """Send one line to its standard input."""
        self._stdin.write(f"{line}\n".encode())

    def end_input(self) -> None:
        """Close its standard input."""
        self._stdin.close()

    async def line(self, limit_s: float = ANSWER_LIMIT_S) -> str:
        """Its next line. Raises BenchmarkError when none comes."""
        stdout = self._running.stdout
        assert stdout is not None, "only of a child that talks"
        line = await self._within(limit_s, stdout.readline(), f"said nothing for {limit_s:g} s")
        if not line:
            await self.wait()
            raise self._failure("ended")
        return line.decode().rstrip("\n")

    async def all_it_says(self, limit_s: float) -> str:
        """Its standard output until it ends by itself. Raises BenchmarkError when it does not."""
        stdout = self._running.stdout
        assert stdout is not None, "only of a child that talks"
        text = await self._within(limit_s, stdout.read(), f"did not end within {limit_s:g} s")
        await self.wait()
        return text.decode(errors="replace")

    async def wait(self) -> int:
        """Its exit code, once it has ended by itself. Raises BenchmarkError when it does not."""
        return await self._within(STOP_LIMIT_S, self._running.wait(), "does not end")

    async def _within(self, limit_s: float, doing: Awaitable[T], otherwise: str) -> T:
        try:
            async with asyncio.timeout(limit_s):
                return await doing
        except TimeoutError:
            raise BenchmarkError(f"{self.name} {otherwise}") from None

    async def stop(self) -> int:
        """End it, if it has not ended; its exit code (-n: ended by signal n)."""
        process = self._running
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()
        except BaseException:
            if process.returncode is None:
                process.kill()
            raise
        assert process.returncode is not None
        return process.returncode

    @property
    def _running(self) -> Process:
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running: use it inside 'async with'")
        return self._process

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        stdin = self._running.stdin
        assert stdin is not None, "only of a child that talks"
        return stdin

    def _failure(self, doing: str) -> BenchmarkError:
        words = self.said
        last = words[-1] if words else f"exit code {self._running.returncode}, without a word"
        return BenchmarkError(f"{self.name} {doing}: {last}")
