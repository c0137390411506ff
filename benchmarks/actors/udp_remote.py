"""The handle by which a benchmark holds a UDP load generator."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

from benchmarks.processes import Child, python

__all__ = ["UdpLoad", "UdpReport"]


@dataclass(frozen=True, slots=True)
class UdpReport:
    """What became of the datagrams since the generator started."""

    seconds: float
    sent: int
    answered: int
    """Different datagrams whose answer came, whole and to the right client."""
    doubled: int
    reordered: int
    corrupted: int
    misdelivered: int

    @property
    def unanswered(self) -> int:
        """On the way; at the end: lost."""
        return self.sent - self.answered

    @property
    def wrong(self) -> int:
        """Answers that must not have come so."""
        return self.doubled + self.reordered + self.corrupted + self.misdelivered

    def since(self, earlier: Self) -> Self:
        """What came after ``earlier``."""
        return type(self)(
            *(getattr(self, field.name) - getattr(earlier, field.name) for field in fields(self))
        )

    @classmethod
    def from_line(cls, line: str) -> Self:
        return cls(**json.loads(line))


class UdpLoad(Child):
    """Sends from the beginning of its block."""

    def __init__(
        self,
        address: str,
        *,
        flows: int,
        size_bytes: int,
        run: int = 1,
        as_one: bool = False,
        rate: float | None = None,
        in_flight: int = 1,
    ) -> None:
        """``run`` datagrams of a flow in a row, ``as_one`` message or each by itself.

        ``rate`` a second, or else so many ``in_flight``.
        """
        pace: Sequence[object] = ("--rate", rate) if rate is not None else ("--in-flight", in_flight)
        shape: Sequence[object] = ("--flows", flows, "--size", size_bytes, "--run", run)
        cut: Sequence[object] = ("--as-one",) if as_one else ()
        super().__init__(
            "the load generator of datagrams",
            python("benchmarks.actors.udp_load", address, *shape, *cut, *pace),
            talks=True,
        )

    async def mark(self) -> UdpReport:
        """The tally now; not after `end`."""
        self.tell("mark")
        return UdpReport.from_line(await self.line())

    async def end(self) -> UdpReport:
        """Send nothing more; the tally once every answer has come, or none has for a while."""
        self.end_input()
        report = UdpReport.from_line(await self.line())
        await self.wait()
        return report
