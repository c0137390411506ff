"""A proxy under callgrind, which counts the instructions of the process, without those of the kernel."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.processes import Child, python
from benchmarks.programs import find

__all__ = ["CountedProxy", "missing", "total_of"]

START_LIMIT_S = 120.0
CONTROL_LIMIT_S = 60.0


def missing() -> str:
    """Why nothing can be counted; "" when it can."""
    if find("valgrind") and find("callgrind_control"):
        return ""
    return "valgrind is not installed (Debian, Ubuntu: apt-get install valgrind)"


class CountedProxy(Child):
    """Without ``cut`` (see `cut_proxy`). ``folder`` gets callgrind's files."""

    def __init__(self, cut: str, loop: str, endpoint: str, folder: Path) -> None:
        self._counts = folder / "counts"
        self._looks = 0
        valgrind = (
            find("valgrind"),
            "--tool=callgrind",
            "--instr-atstart=no",
            f"--callgrind-out-file={self._counts}",
        )
        super().__init__(
            f"the proxy without {cut}",
            (*valgrind, *python("benchmarks.costs.cut_proxy", cut, loop, endpoint)),
            talks=True,
            # One order of dicts and sets in every run.
            environment={"PYTHONHASHSEED": "0"},
        )

    async def address(self) -> str:
        """Where it listens, once it does. Instructions count from then on."""
        address = await self.line(START_LIMIT_S)
        await self._control("-i", "on")
        return address

    async def forget(self) -> None:
        """Begin at 0."""
        await self._control("-z")

    async def look(self) -> int:
        """Instructions since `forget`. Raises BenchmarkError when callgrind does not obey."""
        await self._control("-d")
        self._looks += 1
        return self._read()

    def hold(self, held: bool) -> None:
        """Stop the process, or let it go on: what comes meanwhile is one batch to it."""
        os.kill(self.pid, signal.SIGSTOP if held else signal.SIGCONT)

    def _read(self) -> int:
        return total_of(Path(f"{self._counts}.{self._looks}").read_text())

    async def _control(self, *options: str) -> None:
        process = await asyncio.create_subprocess_exec(
            find("callgrind_control"), *options, str(self.pid), stdin=DEVNULL, stdout=PIPE, stderr=PIPE
        )
        try:
            async with asyncio.timeout(CONTROL_LIMIT_S):
                _, said = await process.communicate()
        except TimeoutError:
            raise BenchmarkError(f"callgrind_control {options[0]} does not end") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise BenchmarkError(f"callgrind_control {options[0]} failed: {said.decode().strip()}")


def total_of(dump: str) -> int:
    """The sum of a file of callgrind's. Raises ValueError when there is none."""
    for line in dump.splitlines():
        name, _, value = line.partition(":")
        if name in ("totals", "summary"):
            return int(value.split()[0])
    raise ValueError("no totals in callgrind's file")
