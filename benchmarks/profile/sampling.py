"""Stacks of the running proxy: perf sees the kernel too, py-spy names the functions of Python."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.profile.attached import Target
from benchmarks.profile.stacks import Stack, from_perf_script, from_py_spy, hottest
from benchmarks.profile.tools import PERF, PY_SPY

__all__ = ["MAPS", "Samples", "names_python", "sample"]

RATE = 499
"""A second; a prime, so that it meets no other rhythm."""
HOTTEST = 12
MAPS = Path("/tmp")
"""Where CPython writes perf-PID.map, with the names of its functions (``-X perf``)."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What one sampler saw."""

    tool: str
    stacks: Mapping[Stack, int]

    def as_json(self) -> dict[str, object]:
        functions = {name: round(share, 4) for name, share in hottest(self.stacks, HOTTEST)}
        return {"tool": self.tool, "samples": sum(self.stacks.values()), "hottest": functions}


def names_python() -> bool:
    """Whether perf can learn the names of this interpreter's functions and walk through its frames.

    CPython 3.12 and later (``-X perf``), built with frame pointers (docs.python.org, "perf_profiling").
    """
    if not hasattr(sys, "activate_stack_trampoline"):  # of 3.12
        return False
    return any("no-omit-frame-pointer" in str(value) for value in sysconfig.get_config_vars().values())


async def sample(
    target: Target, seconds: float, folder: Path, *, perf: bool
) -> tuple[list[Samples], dict[str, str]]:
    """One after the other, the one that names the functions of Python first; and why others saw nothing."""
    seen: list[Samples] = []
    refused: dict[str, str] = {}
    for tool, stacks, why in (
        ("perf record", *(await _perf(target, seconds, folder) if perf else (Counter[Stack](), ""))),
        ("py-spy", *(await _py_spy(target, seconds, folder) if PY_SPY.path else (Counter[Stack](), ""))),
    ):
        if stacks:
            seen.append(Samples(tool, stacks))
        elif why:
            refused[tool] = why
    return seen if names_python() else seen[::-1], refused


async def _perf(target: Target, seconds: float, folder: Path) -> tuple[Counter[Stack], str]:
    file = folder / "perf.data"
    command = (PERF.path, "record", "--quiet", "-F", str(RATE), "-g", "-p", str(target.pid), "-o", str(file))
    look = await target.look_while("perf record", command, seconds)
    if look.refused:
        return Counter(), look.refused
    return _perf_script(file), "saw nothing"


def _perf_script(file: Path) -> Counter[Stack]:
    script = subprocess.run(
        [PERF.path, "script", "-i", str(file), "-F", "ip,sym,dso"],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )
    return from_perf_script(script.stdout.splitlines())


async def _py_spy(target: Target, seconds: float, folder: Path) -> tuple[Counter[Stack], str]:
    file = folder / "py-spy.txt"
    command = (PY_SPY.path, "record", "--pid", str(target.pid), "--duration", str(max(1, round(seconds))))
    options = ("--rate", str(RATE), "--format", "raw", "--nonblocking", "--output", str(file))
    look = await target.look_for("py-spy", (*command, *options), seconds, endless=False)
    return (Counter(), look.refused) if look.refused else (_raw(file), "saw nothing")


def _raw(file: Path) -> Counter[Stack]:
    return from_py_spy(file.read_text().splitlines()) if file.exists() else Counter()
