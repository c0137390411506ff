"""``userproxy load --rate``: requests at an equal rate for every peer, latency from the intended start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.actors.messages import body, token
from benchmarks.actors.remote import Report
from benchmarks.errors import BenchmarkError
from benchmarks.forwarding.loads.base import Reading, Timing
from benchmarks.forwarding.loads.program import Ran, run_for_window
from benchmarks.measuring.window import Window
from benchmarks.processes import python

__all__ = ["LEAST_SENT", "OpenLoop", "reading"]

LEAST_SENT = 0.99
"""With a smaller part of the rate sent, peers had no equal load."""
_NAME = token(0, 0)


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """``rate`` requests a second over ``connections``. All requests carry the same token."""

    rate: int
    connections: int

    @property
    def tool(self) -> str:
        return "userproxy load"

    @property
    def kind(self) -> str:
        return "http"

    def missing(self) -> str:
        return ""

    def version(self) -> str:
        return ""

    async def read(self, address: str, pids: Mapping[str, int], timing: Timing) -> Reading:
        """Latencies are those of the window; processor time counts the warm-up too."""
        pace = ("--rate", self.rate, "--connections", self.connections)
        times = ("--duration", f"{timing.seconds}s", "--warm-up", f"{timing.warm_up_s}s")
        command = python(
            "userproxy", "load", f"http://{address}/{_NAME.decode()}", *pace, *times,
            "--answered-by", "first-line", "--output", "json",
        )  # fmt: skip
        return reading(await run_for_window(self.tool, command, pids, timing.warm_up_s + timing.seconds))


def reading(ran: Ran) -> Reading:
    """The first line of each body is compared. Raises BenchmarkError when it gives no result."""
    try:
        said = json.loads(ran.text)
        parts = (said["warm_up"], said["window"])
        answered = sum(int(part["answered"]) for part in parts)
        right = sum(int(part["names"].get(body(_NAME).decode(), 0)) for part in parts)
        errors = {name: int(count) for part in parts for name, count in part["errors"].items()}
        sent, due = (sum(int(part[name]) for part in parts) for name in ("sent", "due"))
        percentiles = said["window"]["latency"]["percentiles_ns"]
        latency_ms = {name: percentiles[name] / 1e6 for name in ("p50", "p99")}
        seconds = float(said["warm_up_s"]) + float(said["duration_s"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BenchmarkError(f"userproxy load gave no result: {ran.last_words}") from None
    faults = {**errors, "wrong": answered - right}
    if sent < LEAST_SENT * due:
        faults["not sent"] = due - sent
    error = ", ".join(f"{count} {name}" for name, count in faults.items() if count)
    report = Report(seconds, answered, sum(faults.values()), 0, error)
    return Reading(Window(report, ran.cpu, ran.busy_s), report.failed, error, latency_ms)
