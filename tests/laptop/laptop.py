"""A laptop beside a cluster: ``userproxy run`` as a process without privilege, pods without a route."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.command_line.process import LIMIT_S, Running, running

__all__ = ["NAMESPACE", "dns_port", "laptop", "needs", "said", "unprivileged"]

NAMESPACE = f"shop-{os.getpid()}"
"""Of this run of the tests alone, so its loopback addresses are too: parallel runs do not meet."""
AS_A_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
"""In a user namespace of its own a process has no privilege outside of it (user_namespaces(7))."""


def needs(*tools: str) -> pytest.MarkDecorator:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(missing), reason=f"no {' and no '.join(missing)} here")


def unprivileged() -> list[str]:
    """What a command begins with, so that it runs without privilege."""
    if os.geteuid():
        return []
    if subprocess.run([*AS_A_USER, "true"], capture_output=True, check=False).returncode:
        pytest.skip("root, and no user namespace to leave that in")
    return AS_A_USER


@contextlib.asynccontextmanager
async def laptop(folder: Path, kubeconfig: Path, *options: str | Path) -> AsyncIterator[Running]:
    """``userproxy run`` for this cluster, without privilege."""
    os.makedirs(folder, exist_ok=True)
    command = [*unprivileged(), sys.executable, "-m", "userproxy", "run", "--kubeconfig", str(kubeconfig)]
    script = f'exec {" ".join(command)} "$@"'
    async with running(folder, script, "sh", *options, shell=True) as run:
        yield run


async def dns_port(run: Running) -> str:
    """Where ``--dns 127.0.0.1:0`` answers."""
    line = await run.line("DNS at")
    return line.split(",")[0].rpartition(":")[2]


async def said(*command: str) -> str:
    """All that ``command`` says, once it has ended."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    async with asyncio.timeout(LIMIT_S):
        return (await process.communicate())[0].decode().strip()
