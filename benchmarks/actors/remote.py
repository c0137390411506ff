"""The handles by which a benchmark holds its backend and load processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from benchmarks.processes import Child, python

__all__ = ["Backend", "Load", "Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """What a load generator has done since it started."""

    seconds: float
    done: int
    failed: int
    bytes: int
    """Carried in bulk."""
    error: str
    """The last failure in words."""

    def since(self, earlier: Report) -> Report:
        """What came after ``earlier``."""
        return Report(
            self.seconds - earlier.seconds,
            self.done - earlier.done,
            self.failed - earlier.failed,
            self.bytes - earlier.bytes,
            self.error if self.failed > earlier.failed else "",
        )

    @classmethod
    def from_line(cls, line: str) -> Self:
        return cls(**json.loads(line))


class Backend(Child):
    """A process of endpoints that come and go."""

    def __init__(self) -> None:
        super().__init__("the backend", python("benchmarks.actors.backend"), talks=True)

    async def open(self, kind: str) -> str:
        """A new endpoint, as "ip:port"; ``kind`` is http, transfer or udp."""
        return await self._ask(f"open {kind}")

    async def close(self, kind: str, endpoint: str) -> None:
        """Close it, and cut what is open there."""
        await self._ask(f"close {kind} {endpoint}")

    async def _ask(self, command: str) -> str:
        self.tell(command)
        return str(json.loads(await self.line())["endpoint"])


class Load(Child):
    """A load generator; asks from the beginning of its block."""

    def __init__(
        self,
        kind: str,
        address: str,
        *,
        at_once: int,
        total: int | None = None,
        asks: int | None = None,
        distinct_sources: bool = False,
    ) -> None:
        options: Sequence[object] = (
            "--at-once",
            at_once,
            *(("--total", total) if total is not None else ()),
            *(("--asks", asks) if asks is not None else ()),
            *(("--distinct-sources",) if distinct_sources else ()),
        )
        super().__init__(
            f"the load generator of {kind}",
            python("benchmarks.actors.load", kind, address, *options),
            talks=True,
        )

    async def mark(self) -> Report:
        """The tally now; not after `end`."""
        self.tell("mark")
        return Report.from_line(await self.line())

    async def end(self, limit_s: float = 30.0) -> Report:
        """Ask nothing more; the tally once every answer under way has come."""
        self.end_input()
        return await self.total(limit_s)

    async def total(self, limit_s: float) -> Report:
        """The tally at its own end, which comes with ``total``. No `mark` may be under way."""
        report = Report.from_line(await self.line(limit_s))
        await self.wait()
        return report
