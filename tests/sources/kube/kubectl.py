"""The real kubectl, as the reference: with a HOME of its own, and nothing of this machine's environment."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Outcome", "kubectl", "needs_kubectl"]

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl in PATH")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, and what it said."""

    status: int
    output: str


async def kubectl(home: Path, *args: str, **environ: str) -> Outcome:
    """Run kubectl; ``home`` keeps what it caches (its idea of the server's version) to this test."""
    base: Mapping[str, str] = {"HOME": str(home), "PATH": os.environ["PATH"]}
    process = await asyncio.create_subprocess_exec(
        "kubectl",
        *args,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**base, **environ},
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return Outcome(process.returncode, output.decode())
