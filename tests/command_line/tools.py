"""Programs of this machine that tests ask, where they are."""

from __future__ import annotations

import asyncio
import shutil
import subprocess

import pytest

from tests.command_line.process import LIMIT_S

__all__ = ["missing_tools", "needs", "said"]


def missing_tools(*tools: str) -> str:
    """Which of ``tools`` are not here, as a reason to skip; "": they all are."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return f"no {' and no '.join(missing)} here" if missing else ""


def needs(*tools: str) -> pytest.MarkDecorator:
    why = missing_tools(*tools)
    return pytest.mark.skipif(bool(why), reason=why)


async def said(*command: str) -> str:
    """All that ``command`` says, once it has ended."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    async with asyncio.timeout(LIMIT_S):
        return (await process.communicate())[0].decode().strip()
