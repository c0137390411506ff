"""A backend in a process of its own, for load that shall not share our processor time."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from types import TracebackType
from typing import Self

__all__ = ["LISTENING", "BackendProcess"]

LISTENING = "listening on "
"""What the process prints once it can be reached, followed by its address."""


class BackendProcess:
    """Runs ``python -m userproxy.testing.backends`` while its block runs.

    The process ends with the block, and by itself when this process dies.
    """

    def __init__(self, kind: str, name: str = "", *, host: str = "127.0.0.1", port: int = 0) -> None:
        """``kind`` is tcp, http or udp."""
        self._arguments = (kind, "--name", name, "--host", host, "--port", str(port), "--until-eof")
        self._process: Process | None = None
        self.name = name
        self.endpoint = ""
        """"ip:port", once the block has begun."""

    async def __aenter__(self) -> Self:
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "userproxy.testing.backends", *self._arguments, stdin=PIPE, stdout=PIPE
        )
        try:
            output = process.stdout
            line = (await output.readline()).decode().strip() if output is not None else ""
            if not line.startswith(LISTENING):
                raise OSError(f"the backend {self.name!r} did not start; it said {line!r}")
        except BaseException:
            await self._end(process)
            raise
        self.endpoint = line.removeprefix(LISTENING)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            await self._end(self._process)

    @property
    def pid(self) -> int:
        """Number of the process. Raises RuntimeError outside of the block."""
        if self._process is None:
            raise RuntimeError("the backend is not running: use it inside 'async with'")
        return self._process.pid

    async def _end(self, process: Process) -> None:
        if process.returncode is None:
            process.terminate()
        # Also closes the pipes.
        await process.communicate()
