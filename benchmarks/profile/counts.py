"""System calls and instructions for each operation, from the first tool that may count them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.profile.attached import Target
from benchmarks.profile.tools import PERF, STRACE

__all__ = [
    "ALL",
    "OTHERS",
    "Counts",
    "count_calls",
    "count_instructions",
    "perf_stat",
    "perf_trace",
    "strace",
]

ALL = "all"
"""What perf stat counts where it tells nothing apart."""
OTHERS = "others"
_ALL_EVENT = "raw_syscalls:sys_enter"
_EVENT = "syscalls:sys_enter_"
_NAMES = (
    "read", "write", "recvfrom", "sendto", "recvmsg", "sendmsg", "recvmmsg", "sendmmsg", "splice", "pipe2",
    "accept4", "socket", "connect", "bind", "close", "shutdown", "epoll_wait", "epoll_pwait", "epoll_ctl",
    "getsockopt", "setsockopt", "getsockname", "getpeername", "ioctl", "fcntl", "futex",
)  # fmt: skip
"""What a proxy does with sockets; not all that there are, since perf takes 40 ms to set up a counter."""
Parser = Callable[[Iterable[str]], dict[str, float]]
_Try = tuple[str, str, Sequence[str], Parser]
"""Name, path, arguments, and what reads its file."""


@dataclass(frozen=True, slots=True)
class Counts:
    """``by_name``: for one operation; empty when no tool could count."""

    tool: str
    by_name: Mapping[str, float]
    per_second: float
    """The rate of operations while the tool looked: it slows the proxy down."""
    refused: Mapping[str, str]
    """Why others did not count."""

    @property
    def total(self) -> float:
        return sum(self.by_name.values())

    def as_json(self) -> dict[str, object]:
        by_name = {name: round(count, 4) for name, count in self.by_name.items()}
        return {"tool": self.tool, "by_name": by_name, "per_second": self.per_second}


async def count_calls(target: Target, seconds: float, folder: Path) -> Counts:
    """System calls by name; where only a sum can be had, under one name. What slows least comes first."""
    file = folder / "calls"
    of_it = ("-p", str(target.pid), "-o", str(file))
    by_name = ",".join([_ALL_EVENT, *(f"{_EVENT}{name}" for name in _NAMES)])
    tried: tuple[_Try, ...] = (
        ("perf stat", PERF.path, ("stat", "-x,", "-e", by_name, *of_it), perf_stat),
        ("perf trace", PERF.path, ("trace", "-s", *of_it), perf_trace),
        ("strace -c", STRACE.path, ("-c", "-f", *of_it), strace),
        ("perf stat of all", PERF.path, ("stat", "-x,", "-e", _ALL_EVENT, *of_it), perf_stat),
    )
    return await _first(target, seconds, file, tried)


async def count_instructions(target: Target, seconds: float, folder: Path) -> Counts:
    """In user space and in the kernel; many virtual machines have no counter for them."""
    file = folder / "instructions"
    events = "instructions:u,instructions:k"
    command = ("stat", "-x,", "-e", events, "-p", str(target.pid), "-o", str(file))
    return await _first(target, seconds, file, (("perf stat", PERF.path, command, perf_stat),))


async def _first(target: Target, seconds: float, file: Path, tried: Iterable[_Try]) -> Counts:
    refused: dict[str, str] = {}
    for name, path, arguments, parse in tried:
        if not path:
            continue
        command = (path, *arguments)
        if path == PERF.path:
            look = await target.look_while(name, command, seconds)
        else:
            look = await target.look_for(name, command, seconds, endless=True)
        counted = {} if look.refused else _read(file, parse)
        if counted and look.done:
            return Counts(
                name, {call: count / look.done for call, count in counted.items()}, look.per_second, refused
            )
        refused[name] = look.refused or "it counted nothing"
    return Counts("", {}, 0.0, refused)


def _read(file: Path, parse: Parser) -> dict[str, float]:
    return parse(file.read_text().splitlines()) if file.exists() else {}


def perf_trace(lines: Iterable[str]) -> dict[str, float]:
    """The summary of ``perf trace -s``: calls by name, of all threads together."""
    counts: dict[str, float] = {}
    for line in lines:
        words = line.split()
        # "read  1234  0  81.477 ...": name, calls, errors, milliseconds
        if len(words) >= 7 and words[1].isdigit() and words[2].isdigit():
            counts[words[0]] = counts.get(words[0], 0.0) + int(words[1])
    return counts


def strace(lines: Iterable[str]) -> dict[str, float]:
    """The summary of ``strace -c``: calls by name."""
    counts: dict[str, float] = {}
    for line in lines:
        words = line.split()
        # "27.37  0.024993  3  7395  [errors]  openat"
        if len(words) in (5, 6) and words[3].isdigit() and words[-1] != "total":
            counts[words[-1]] = float(words[3])
    return counts


def perf_stat(lines: Iterable[str]) -> dict[str, float]:
    """What ``perf stat -x,`` counted, by event or call, without what did not happen or could not be counted.

    Where calls are counted by name, those without one are `OTHERS`.
    """
    counts: dict[str, float] = {}
    for line in lines:
        fields = line.split(",")
        if len(fields) > 2 and fields[0].replace(".", "", 1).isdigit() and float(fields[0]):
            counts[_event(fields[2])] = float(fields[0])
    every = counts.pop(_ALL_EVENT, None)
    if every is not None:
        others = every - sum(counts.values())
        counts |= {OTHERS: max(0.0, others)} if counts else {ALL: every}
    return counts


def _event(name: str) -> str:
    """Without privilege perf counts in user space only, and says so behind the name, some versions without a
    colon."""
    for known in (_ALL_EVENT, *(f"{_EVENT}{call}" for call in _NAMES)):
        if name in (known, f"{known}:u", f"{known}u"):
            return known.removeprefix(_EVENT)
    return name
