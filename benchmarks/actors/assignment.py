"""What the clients of one load generator share: where to ask, how often, and the tally."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks.actors.reactor import Reactor

__all__ = ["Assignment", "Tally"]


@dataclass(slots=True)
class Tally:
    """Counts since the start."""

    done: int = 0
    failed: int = 0
    bytes: int = 0
    """Carried in bulk."""
    error: str = ""
    """The last failure in words."""

    def fail(self, error: str) -> None:
        self.failed += 1
        self.error = error


class Assignment:
    """Closed loop: a client asks again when it has its answer, as long as `take` says so."""

    def __init__(
        self,
        reactor: Reactor,
        address: tuple[str, int],
        *,
        total: int | None = None,
        asks: int | None = None,
        distinct_sources: bool = False,
    ) -> None:
        """``total`` asks in all, ``asks`` by one connection or socket; None: without end.

        ``distinct_sources``: each socket has an address of its own out of 127.64.0.0/10.
        """
        self.reactor = reactor
        self.address = address
        self.asks = asks
        self.distinct_sources = distinct_sources
        self.tally = Tally()
        self.ending = False
        self.active = 0
        """Clients that have not ended."""
        self._left = total
        self._sources = 0
        self._began = time.perf_counter()

    def take(self) -> bool:
        """Whether one more ask may begin; it is counted then."""
        if self.ending:
            return False
        if self._left is None:
            return True
        self._left -= 1
        if self._left <= 0:
            self.ending = True
        return True

    def source(self) -> str:
        """A source address that no socket of this process had before."""
        number = self._sources
        self._sources += 1
        return f"127.{64 + number // 65536 % 64}.{number // 256 % 256}.{number % 256}"

    def report(self) -> dict[str, object]:
        tally = self.tally
        return {
            "seconds": time.perf_counter() - self._began,
            "done": tally.done,
            "failed": tally.failed,
            "bytes": tally.bytes,
            "error": tally.error,
        }
