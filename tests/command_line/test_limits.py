"""A soft limit on descriptors, such as the usual 1,024 of a shell, is no limit of ours."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line.process import LIMIT_S, environment, running
from tests.command_line.test_run import manifest
from userproxy.testing.objects import service

LOW = 160
"""Less than the demo needs within a second."""
LIMITED = f"""
import resource, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, ({LOW}, hard))
from userproxy.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


def test_the_demo_raises_a_low_soft_limit(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "demo", "--seconds", "3"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=environment(tmp_path),
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""


@pytest.mark.proxied
async def test_run_raises_a_low_soft_limit(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    (tmp_path / "m.yaml").write_text(manifest(service("web", 80)))
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard // 2, hard))
    try:
        async with running(tmp_path, "run", "-f", tmp_path / "m.yaml", "--addresses", "ephemeral") as run:
            await run.rows(bool)
            soft_now, hard_now = _limits(run.process.pid)
            assert await run.stop() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert soft_now == hard_now


def _limits(pid: int) -> list[str]:
    """Soft and hard limit on descriptors of a process."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("Max open files")]
    return line.split()[3:5]
