"""A load generator that is a program of its own: runs for one window, and is read once it has ended."""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measuring.proc import CpuTime, cpu_of_tree, machine_busy_s
from benchmarks.processes import Child

__all__ = ["Ran", "run_for_window"]

GRACE_S = 15.0
"""How much longer than its window a program may take."""


@dataclass(frozen=True, slots=True)
class Ran:
    """``cpu`` is by role, ``load`` among them."""

    text: str
    """Its standard output."""
    last_words: str
    """The last line that it wrote anywhere."""
    cpu: Mapping[str, CpuTime]
    busy_s: float
    """Processor time of the whole machine."""


async def run_for_window(name: str, command: Sequence[str], pids: Mapping[str, int], seconds: float) -> Ran:
    """Run ``command``, which ends by itself after ``seconds``.

    Its own time is that of our children which have ended, so nothing else of ours may end meanwhile. Raises
    BenchmarkError when it does not end, ProcessLookupError when one of ``pids`` has gone.
    """
    before = {role: cpu_of_tree(pid) for role, pid in pids.items()}
    busy_s, ended = machine_busy_s(), _children_that_ended()
    async with Child(name, command, talks=True) as child:
        text = await child.all_it_says(seconds + GRACE_S)
        words = (*text.strip().splitlines(), *child.said)
    cpu = {role: cpu_of_tree(pid).since(before[role]) for role, pid in pids.items()}
    cpu["load"] = _children_that_ended().since(ended)
    return Ran(text, words[-1] if words else "", cpu, machine_busy_s() - busy_s)


def _children_that_ended() -> CpuTime:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return CpuTime(usage.ru_utime, usage.ru_stime)
