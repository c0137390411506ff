"""The tools that look into a process: which are there, and how to get the others."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.programs import find

__all__ = ["PERF", "PY_SPY", "STRACE", "TOOLS", "Tool", "perf_may_record"]


@dataclass(frozen=True, slots=True)
class Tool:
    """``how``: how to install it."""

    name: str
    how: str

    @property
    def path(self) -> str:
        """Where it is, beside this interpreter or in PATH; "" when it is not installed."""
        beside = Path(sys.executable).with_name(self.name)
        return str(beside) if beside.is_file() else find(self.name)


PERF = Tool("perf", "Debian: apt-get install linux-perf; Ubuntu: apt-get install linux-tools-generic")
STRACE = Tool("strace", "Debian, Ubuntu: apt-get install strace")
PY_SPY = Tool("py-spy", "pip install py-spy")
TOOLS = (PERF, STRACE, PY_SPY)


def perf_may_record() -> bool:
    """Whether perf is there and the kernel lets us sample (perf_event_open(2), perf_event_paranoid)."""
    if not PERF.path:
        return False
    command = [PERF.path, "record", "--quiet", "--output", "/dev/null", "--", sys.executable, "-c", ""]
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
