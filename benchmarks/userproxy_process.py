"""``userproxy run`` as a user starts it: a process of its own, whose table file says where it listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.processes import Child, python

__all__ = ["UserproxyProcess"]

START_LIMIT_S = 15.0
_POLL_S = 0.01


class UserproxyProcess(Child):
    """``arguments`` say where objects come from; ``folder`` gets the table file.

    ``names_for_perf``: it tells perf the names of its functions (``-X perf``), and is slower for that.
    """

    def __init__(self, *arguments: object, loop: str, folder: Path, names_for_perf: bool = False) -> None:
        self._table_file = folder / "table.json"
        super().__init__(
            "userproxy",
            python("userproxy", "run", *arguments, "--table-file", self._table_file, "--loop", loop),
            environment={"PYTHONPERFSUPPORT": "1"} if names_for_perf else None,
        )

    async def addresses(self, services: Collection[str]) -> dict[str, str]:
        """Where each of ``services`` listens, once all do. Raises BenchmarkError when they do not."""
        try:
            async with asyncio.timeout(START_LIMIT_S):
                while True:
                    self.check("did not start")
                    listening = self._listening()
                    if listening.keys() >= set(services):
                        return listening
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            wanted = ", ".join(sorted(set(services) - self._listening().keys()))
            raise BenchmarkError(f"{self.name} did not serve {wanted} within {START_LIMIT_S:g} s") from None

    def _listening(self) -> dict[str, str]:
        try:
            rows: list[Mapping[str, object]] = json.loads(self._table_file.read_text())
        except FileNotFoundError:
            return {}
        return {
            str(row["service"]): f"{row['listen_address']}:{row['listen_port']}"
            for row in rows
            if row["state"] == "listening"
        }
