"""A laptop beside a cluster: ``userproxy run`` as a process without privilege, pods without a route."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.command_line.process import Running, running

__all__ = ["NAMESPACE", "laptop"]

NAMESPACE = f"shop-{os.getpid()}"
"""Of this run of the tests alone, so its loopback addresses are too: parallel runs do not meet."""
AS_A_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
"""In a user namespace of its own a process has no privilege outside of it (user_namespaces(7))."""


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
