"""The real kubectl, in a home of its own: builds of it cache the server's version and discovery there."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Kubectl", "Ran", "needs_kubectl"]

_PATH = shutil.which("kubectl")

needs_kubectl = pytest.mark.skipif(_PATH is None, reason="kubectl is not on the PATH")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command that has ended said."""

    code: int
    out: str
    errors: str

    @property
    def json(self) -> dict[str, object]:
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def rows(self) -> list[list[str]]:
        """The words of each line."""
        return [line.split() for line in self.out.splitlines()]


class Kubectl:
    """Runs kubectl against one server."""

    def __init__(self, home: Path, kubeconfig: Path, environment: Mapping[str, str] | None = None) -> None:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
        self._environment = {**kept, "HOME": str(home), "KUBECONFIG": str(kubeconfig)}
        self._environment |= environment or {}

    async def __call__(self, *arguments: str, given: object = None, editor: str = "") -> Ran:
        """Run to the end; must succeed. ``given`` goes to standard input, as JSON unless it is text."""
        ran = await self.tried(*arguments, given=given, editor=editor)
        assert ran.code == 0, ran
        return ran

    async def tried(self, *arguments: str, given: object = None, editor: str = "") -> Ran:
        """Run to the end, whatever comes of it."""
        text = given if isinstance(given, str) else json.dumps(given)
        process = await self._start(*arguments, editor=editor)
        async with asyncio.timeout(30):
            out, errors = await process.communicate(text.encode())
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), errors.decode())

    @asynccontextmanager
    async def following(self, *arguments: str) -> AsyncIterator[asyncio.StreamReader]:
        """The lines of a command that does not end by itself; it is ended with the block."""
        process = await self._start(*arguments)
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()

    async def _start(self, *arguments: str, editor: str = "") -> asyncio.subprocess.Process:
        assert _PATH is not None
        pipe = asyncio.subprocess.PIPE
        environment = {**self._environment, **({"KUBE_EDITOR": editor} if editor else {})}
        return await asyncio.create_subprocess_exec(
            _PATH, *arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=environment
        )
