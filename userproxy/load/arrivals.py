"""When requests are due in open loop: at equal distances, or as independent users come (Poisson)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import log

__all__ = ["ARRIVALS", "constant", "intended_starts", "poisson"]

CONSTANT, POISSON = "constant", "poisson"
ARRIVALS = (CONSTANT, POISSON)
_NS = 1_000_000_000


def intended_starts(
    kind: str, rate: float, chance: Callable[[], float], *, share: int = 0, shares: int = 1
) -> Iterator[int]:
    """Endless nanoseconds since the start, never falling, ``rate`` of them a second.

    ``chance`` gives numbers in [0, 1). A generator that is number ``share`` of ``shares``, each with its
    ``rate``, takes its turns between the others'.
    """
    return poisson(rate, chance) if kind == POISSON else constant(rate, offset=share / shares)


def constant(rate: float, *, offset: float = 0.0) -> Iterator[int]:
    """At equal distances, the first after ``offset`` of a distance. Counted, not added: it never drifts."""
    number = 0
    while True:
        yield round((number + offset) * _NS / rate)
        number += 1


def poisson(rate: float, chance: Callable[[], float]) -> Iterator[int]:
    """Exponential distances with a mean of 1 / ``rate``."""
    at_s = 0.0
    while True:
        at_s -= log(1.0 - chance()) / rate
        yield round(at_s * _NS)
