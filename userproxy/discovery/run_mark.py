"""Which run of userproxy wrote something that outlives it, and whether that run is still there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple, Self

__all__ = ["RunMark"]

_PROC = Path("/proc")
_TEXT = re.compile(r"([0-9]{1,10})-([0-9]{1,20})-([0-9]{1,20})-([0-9a-f]{8})")


class RunMark(NamedTuple):
    """One process for all time: numbers of processes are used again, also after the next boot."""

    pid: int
    started: int
    """In ticks since the boot (proc_pid_stat(5), field 22)."""
    pid_namespace: int
    """Number of the namespace that ``pid`` counts in: containers may share a file."""
    boot: str
    """The first digits of this boot's id."""

    @classmethod
    def own(cls) -> Self:
        """Raises OSError where there is no /proc."""
        pid = os.getpid()
        return cls(pid, _started(pid), _pid_namespace(), _boot())

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What `str` of a mark gave; None for anything else."""
        found = _TEXT.fullmatch(text)
        return cls(int(found[1]), int(found[2]), int(found[3]), found[4]) if found else None

    def alive(self) -> bool:
        """Whether the process is there. One that cannot be seen from here counts as alive."""
        if self.boot != _boot():
            return False
        if self.pid_namespace != _pid_namespace():
            return True
        if not _exists(self.pid):
            return False
        try:
            return _started(self.pid) == self.started
        except OSError:  # it has just gone, or /proc hides the processes of other users
            return _exists(self.pid)

    def __str__(self) -> str:
        return f"{self.pid}-{self.started}-{self.pid_namespace}-{self.boot}"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _started(pid: int) -> int:
    stat = (_PROC / str(pid) / "stat").read_bytes()
    return int(stat.rpartition(b")")[2].split()[19])  # the name before it may hold anything


def _pid_namespace() -> int:
    return os.stat(_PROC / "self/ns/pid").st_ino


def _boot() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]
