"""A budget of file descriptors, so that traffic can never starve the watch, the log or the tables."""

from __future__ import annotations

import os
import resource

__all__ = ["Descriptors"]


class Descriptors:
    """Counts what the data plane has open against what the process may open.

    ``reserved`` descriptors are left to the rest of the process. The soft RLIMIT_NOFILE is read once, at
    construction, and never changed here (the command line raises it before).
    """

    __slots__ = ("capacity", "used")

    def __init__(self, reserved: int, *, limit: int | None = None) -> None:
        soft = limit if limit is not None else resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if soft == resource.RLIM_INFINITY:
            soft = 1 << 20  # the kernel's own fs.nr_open
        self.capacity = max(8, soft - reserved - _open_now())
        self.used = 0

    def take(self, count: int) -> bool:
        """Count ``count`` more as open; False (and nothing counted) when the budget has no room."""
        if self.used + count > self.capacity:
            return False
        self.used += count
        return True

    def hold(self, count: int) -> None:
        """``count`` are open, whether there was room or not: listeners, which cannot be done without, and
        connections, for which there was."""
        self.used += count

    def give(self, count: int) -> None:
        """``count`` were closed."""
        self.used -= count

    @property
    def available(self) -> int:
        return self.capacity - self.used


def _open_now() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:  # no /proc: what a small program has open
        return 32
