"""wrk, one thread: the cheapest HTTP load, in a closed loop. A script has it compare every body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from benchmarks.actors.messages import body, token
from benchmarks.actors.remote import Report
from benchmarks.errors import BenchmarkError
from benchmarks.forwarding.loads.base import Reading, Timing
from benchmarks.forwarding.loads.program import Ran, run_for_window
from benchmarks.measuring.window import Window
from benchmarks.programs import find, first_line

__all__ = ["Wrk", "reading"]

SCRIPT = Path(__file__).with_name("check.lua")
FAULTS = ("wrong", "connect", "read", "write", "status", "timeout")
"""What the script counts beside answers; ``wrong`` are bodies that differ."""


@dataclass(frozen=True, slots=True)
class Wrk:
    """``closes``: a new connection for each request. All requests carry the same token."""

    connections: int
    closes: bool = False

    @property
    def tool(self) -> str:
        return "wrk"

    @property
    def kind(self) -> str:
        return "http"

    def missing(self) -> str:
        return "" if find("wrk") else "not installed (Debian, Ubuntu: apt-get install wrk)"

    def version(self) -> str:
        """As in "debian/4.1.0-3+b2"."""
        words = first_line(find("wrk"), "--version").split()
        return words[1] if len(words) > 1 else ""

    async def read(self, address: str, pids: Mapping[str, int], timing: Timing) -> Reading:
        """The window is wrk's whole run, in whole seconds; there is no warm-up."""
        name = token(0, 0)
        seconds = ceil(timing.seconds)
        command = [find("wrk"), "-t1", f"-c{self.connections}", f"-d{seconds}s", "-s", str(SCRIPT)]
        if self.closes:
            command += ["-H", "Connection: close"]
        command += [f"http://{address}/{name.decode()}", "--", body(name).decode()]
        return reading(await run_for_window("wrk", command, pids, seconds))


def reading(ran: Ran) -> Reading:
    """What the script said in its last line. Raises BenchmarkError when it did not come to that."""
    try:
        said = json.loads(ran.text.strip().rpartition("\n")[2])
        faults = {name: int(said[name]) for name in FAULTS if said[name]}
        report = Report(said["us"] / 1e6, said["done"], sum(faults.values()), 0, "")
        latency_ms = {"p50": said["p50_us"] / 1e3, "p99": said["p99_us"] / 1e3}
    except (ValueError, KeyError, TypeError):
        raise BenchmarkError(f"wrk gave no result: {ran.last_words}") from None
    error = ", ".join(f"{count} {name}" for name, count in faults.items())
    return Reading(Window(report, ran.cpu, ran.busy_s), report.failed, error, latency_ms)
