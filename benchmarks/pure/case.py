"""One pure operation at one size, and how often it can be done in a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Case", "Measured", "calibrate", "per_second"]


@dataclass(frozen=True, slots=True)
class Case:
    """``repeat`` does the operation that many times; what it needs is there already."""

    part: str
    name: str
    size: int
    """Endpoints, or Services where the part says so."""
    repeat: Callable[[int], None]
    bytes_each: int = 0
    """Of JSON, where the operation reads some."""


@dataclass(frozen=True, slots=True)
class Measured:
    """``rates``: operations per second of processor time, one for each round."""

    part: str
    name: str
    size: int
    bytes_each: int
    rates: Sequence[float]

    def as_json(self) -> dict[str, object]:
        return {
            "part": self.part,
            "name": self.name,
            "size": self.size,
            "bytes_each": self.bytes_each,
            "per_second": [round(rate, 2) for rate in self.rates],
        }


def calibrate(case: Case, seconds: float) -> int:
    """How many repetitions take about ``seconds``; at least one. What is made once is made meanwhile."""
    count = 1
    while (took_s := _time(case, count)) < seconds / 4:
        count *= 4 if took_s * 16 < seconds else 2
    return max(1, round(count * seconds / took_s))


def per_second(case: Case, count: int) -> float:
    """The rate of ``count`` repetitions. The collector runs as it does in a proxy."""
    return count / _time(case, count)


def _time(case: Case, count: int) -> float:
    """Processor time of this thread: others on this machine count less than on the clock of the wall."""
    began = time.thread_time()
    case.repeat(count)
    return max(time.thread_time() - began, 1e-9)
