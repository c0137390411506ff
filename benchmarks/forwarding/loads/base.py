"""What every source of load does: ask an address for a while, and say what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.measuring.window import Window

__all__ = ["LoadSource", "Reading", "Timing"]


@dataclass(frozen=True, slots=True)
class Timing:
    """Of one window."""

    warm_up_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Reading:
    """Good only when nothing ``failed``, from the first ask to the last."""

    window: Window
    failed: int
    error: str
    """The last failure in words."""
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    """By percentile ("p50", "p99"); empty where the source does not measure it."""
    lost: float | None = None
    """Part of the datagrams that was not answered; None where nothing may be lost."""


class LoadSource(Protocol):
    """One way to make the load of a case."""

    @property
    def tool(self) -> str:
        """Its name in results."""
        ...

    @property
    def kind(self) -> str:
        """The kind of endpoint that it talks to (`benchmarks.peers.base.KINDS`)."""
        ...

    def missing(self) -> str:
        """How to install it; "" when it is there."""
        ...

    def version(self) -> str: ...

    async def read(self, address: str, pids: Mapping[str, int], timing: Timing) -> Reading:
        """One window. ``pids`` has the roots of the process trees of ``backend`` and, if any, ``proxy``.

        Raises BenchmarkError when it does not start or does not end.
        """
        ...
