"""What the kernel gave this process: processor time, and how long it let it wait for a core."""

from __future__ import annotations

from time import process_time

__all__ = ["own_time"]

_SCHEDSTAT = "/proc/self/schedstat"
"""Of the main thread: nanoseconds on a core, nanoseconds of waiting for one, and turns (sched-stats.rst)."""


def own_time() -> tuple[float, float]:
    """(processor time, waiting for a core) so far, in seconds; 0 for what the kernel does not tell."""
    try:
        with open(_SCHEDSTAT, encoding="ascii") as file:
            waited_ns = int(file.read().split()[1])
    except (OSError, IndexError, ValueError):
        waited_ns = 0
    return process_time(), waited_ns / 1e9
