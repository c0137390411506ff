"""The two load generators, and what each says of one run in closed loop."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.errors import BenchmarkError
from benchmarks.forwarding.loads.program import run_for_window
from benchmarks.processes import python
from benchmarks.programs import find

__all__ = ["TOOLS", "Said", "Tool", "userproxy_said", "wrk_said"]

_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_THROUGHPUT = re.compile(r"^Requests/sec:\s+([0-9.]+)", re.MULTILINE)
_ANSWERED = re.compile(r"^\s*([0-9]+) requests in ", re.MULTILINE)
_PERCENTILE = r"^\s*{}%\s+([0-9.]+)(us|ms|s|m)\s*$"
_FAULTS = re.compile(r"^\s*(Socket errors|Non-2xx or 3xx responses): (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Said:
    """``cpu_us``: processor time of the tool's process for each request, its start included.

    0 when another tool ran at the same time: which of them it was is not told.
    """

    throughput: float
    answered: int
    p50_ms: float
    p99_ms: float
    cpu_us: float = 0.0


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    command: Callable[[str, int, int], Sequence[str]]
    """Of a URL, connections and seconds."""
    said: Callable[[str], Said]

    async def run(self, url: str, connections: int, seconds: int, *, alone: bool) -> Said:
        """Raises BenchmarkError when it fails, or any answer was wrong."""
        ran = await run_for_window(self.name, self.command(url, connections, seconds), {}, seconds)
        try:
            said = self.said(ran.text)
        except (ValueError, KeyError, TypeError) as error:
            raise BenchmarkError(f"{self.name} gave no result: {error}: {ran.last_words}") from error
        cpu_us = ran.cpu["load"].total_s * 1e6 / max(1, said.answered) if alone else 0.0
        return Said(said.throughput, said.answered, said.p50_ms, said.p99_ms, cpu_us)


def wrk_said(text: str) -> Said:
    """Raises ValueError for a text that is no result, or has errors in it."""
    if faults := _FAULTS.search(text):
        raise ValueError(faults[0].strip())
    throughput, answered = _THROUGHPUT.search(text), _ANSWERED.search(text)
    levels = [re.search(_PERCENTILE.format(percent), text, re.MULTILINE) for percent in (50, 99)]
    if throughput is None or answered is None or None in levels:
        raise ValueError("no throughput, or no percentiles")
    p50_ms, p99_ms = (float(level[1]) * _MS[level[2]] for level in levels if level is not None)
    return Said(float(throughput[1]), int(answered[1]), p50_ms, p99_ms)


def userproxy_said(text: str) -> Said:
    """Raises ValueError, KeyError or TypeError for a text that is no result, or has errors in it."""
    found = json.loads(text)
    window = found["window"]
    if window["errors"] or found["not_opened"]:
        raise ValueError(f"errors: {window['errors']} {found['not_opened']}")
    levels = window["service"]["percentiles_ns"]
    return Said(found["throughput_per_s"], window["answered"], levels["p50"] / 1e6, levels["p99"] / 1e6)


def _wrk(url: str, connections: int, seconds: int) -> Sequence[str]:
    return (find("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url)


def _userproxy(url: str, connections: int, seconds: int) -> Sequence[str]:
    options = (
        "-c",
        connections,
        "-d",
        f"{seconds}s",
        "--warm-up",
        "0s",
        "--answered-by",
        "none",
        "-o",
        "json",
    )
    return python("userproxy", "load", url, *options)


TOOLS = (Tool("wrk", _wrk, wrk_said), Tool("userproxy load", _userproxy, userproxy_said))
"""The first one is what the second is compared with."""
