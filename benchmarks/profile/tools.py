"""The tools that look into a process: which are there, and how to get the others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.programs import find

__all__ = ["PERF", "PY_SPY", "STRACE", "TOOLS", "Tool", "first_words", "perf_refusal"]


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


def perf_refusal() -> str:
    """Why the kernel does not let perf sample (perf_event_open(2)), in its words; "" when it does."""
    command = [PERF.path, "record", "--quiet", "--output", "/dev/null", "--", sys.executable, "-c", ""]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return first_words(done.stderr.splitlines()) or "it failed" if done.returncode else ""


def first_words(said: Iterable[str]) -> str:
    """What a tool said first when it failed, "" for nothing: perf goes on with advice."""
    return next((line.strip() for line in said if line.strip() not in ("", "Error:")), "")
