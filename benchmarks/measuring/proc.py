"""Reads ``/proc`` (proc(5)): processor time of a process and its descendants, memory, descriptors."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CpuTime",
    "ProcessStat",
    "children_of",
    "cpu_of_tree",
    "machine_busy_s",
    "open_descriptors",
    "process_clock_s",
    "resident_bytes",
    "resident_of_tree",
]

PROC = Path("/proc")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_CPUCLOCK_SCHED = 2
"""``linux/posix-timers.h``: the scheduler's own account, not ticks."""


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Processor time in seconds."""

    user_s: float
    system_s: float

    @property
    def total_s(self) -> float:
        return self.user_s + self.system_s

    def since(self, earlier: CpuTime) -> CpuTime:
        return CpuTime(self.user_s - earlier.user_s, self.system_s - earlier.system_s)


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """Of ``/proc/PID/stat``, in ticks; threads that have ended are among them."""

    pid: int
    parent: int
    user_ticks: int
    system_ticks: int
    children_user_ticks: int
    """Of children that were waited for."""
    children_system_ticks: int

    @classmethod
    def parse(cls, text: str) -> ProcessStat:
        """Raises ValueError for text that is none."""
        pid, opening, rest = text.partition(" (")
        # The name may hold blanks and parentheses of its own.
        _, closing, fields = rest.rpartition(") ")
        numbers = fields.split()
        if not opening or not closing or len(numbers) < 15:
            raise ValueError(f"{text!r} is no /proc/PID/stat")
        return cls(int(pid), int(numbers[1]), *map(int, numbers[11:15]))


def process_clock_s(pid: int) -> float | None:
    """Processor time of a process to the nanosecond (clock_getcpuclockid(3)); None: it has gone."""
    try:
        return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)
    except OSError:
        return None


def cpu_of_tree(
    root: int, proc: Path = PROC, clock_s: Callable[[int], float | None] = process_clock_s
) -> CpuTime:
    """What ``root`` and its descendants have taken so far. Raises ProcessLookupError when it has gone.

    The sum is as exact as ``clock_s``; ticks say how much of it was user and how much system.
    """
    found = {stat.pid: stat for stat in _all(proc)}
    if root not in found:
        raise ProcessLookupError(f"process {root} has gone")
    user_s = system_s = 0.0
    for pid in _tree(root, found.values()):
        stat = found[pid]
        user_s += stat.children_user_ticks * TICK_S
        system_s += stat.children_system_ticks * TICK_S
        ticks = stat.user_ticks + stat.system_ticks
        exact_s = clock_s(pid)
        own_s = ticks * TICK_S if exact_s is None else exact_s
        own_user_s = own_s * stat.user_ticks / ticks if ticks else own_s
        user_s += own_user_s
        system_s += own_s - own_user_s
    return CpuTime(user_s, system_s)


def children_of(pid: int, proc: Path = PROC) -> tuple[int, ...]:
    """The processes that ``pid`` started and that run now, in order."""
    return tuple(sorted(stat.pid for stat in _all(proc) if stat.parent == pid))


def machine_busy_s(proc: Path = PROC) -> float:
    """Processor time that everything on this machine has taken since it started, in seconds."""
    words = (proc / "stat").read_text().split("\n", 1)[0].split()
    user, nice, system, _, _, irq, softirq = map(int, words[1:8])
    return (user + nice + system + irq + softirq) * TICK_S


def resident_bytes(pid: int, proc: Path = PROC) -> int:
    """Resident memory (VmRSS). Raises ProcessLookupError when the process has gone."""
    try:
        lines = (proc / str(pid) / "status").read_text().splitlines()
    except FileNotFoundError as error:
        raise ProcessLookupError(f"process {pid} has gone") from error
    for line in lines:
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) * 1024
    raise ProcessLookupError(f"process {pid} has no memory any more")


def resident_of_tree(root: int, proc: Path = PROC) -> int:
    """Resident memory of ``root`` and its descendants. Raises ProcessLookupError when it has gone."""
    return sum(resident_bytes(pid, proc) for pid in _tree(root, _all(proc)))


def open_descriptors(pid: int, proc: Path = PROC) -> int:
    """How many descriptors it has open. Raises ProcessLookupError when the process has gone."""
    try:
        return len(os.listdir(proc / str(pid) / "fd"))
    except FileNotFoundError as error:
        raise ProcessLookupError(f"process {pid} has gone") from error


def _all(proc: Path) -> Iterable[ProcessStat]:
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                yield ProcessStat.parse((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                continue


def _tree(root: int, stats: Iterable[ProcessStat]) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in stats:
        children.setdefault(stat.parent, []).append(stat.pid)
    tree = [root]
    for pid in tree:
        tree.extend(children.get(pid, ()))
    return tree
