"""iperf3: bulk by one or several streams. It compares nothing, so `Bundled` looks at the bytes before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from benchmarks.actors.remote import Report
from benchmarks.errors import BenchmarkError
from benchmarks.forwarding.loads.base import Reading, Timing
from benchmarks.forwarding.loads.program import Ran, run_for_window
from benchmarks.measuring.window import Window
from benchmarks.programs import find, first_line

__all__ = ["Iperf", "reading"]


@dataclass(frozen=True, slots=True)
class Iperf:
    """``reverse``: from endpoint to client. Its control connection goes through the proxy too."""

    streams: int
    reverse: bool = False

    @property
    def tool(self) -> str:
        return "iperf3"

    @property
    def kind(self) -> str:
        return "iperf"

    def missing(self) -> str:
        return "" if find("iperf3") else "not installed (Debian, Ubuntu: apt-get install iperf3)"

    def version(self) -> str:
        """As in "3.12"."""
        words = first_line(find("iperf3"), "--version").split()
        return words[1] if len(words) > 1 else ""

    async def read(self, address: str, pids: Mapping[str, int], timing: Timing) -> Reading:
        """The window is iperf3's whole run, in whole seconds; there is no warm-up."""
        host, _, port = address.rpartition(":")
        seconds = ceil(timing.seconds)
        command = [find("iperf3"), "--client", host, "--port", port, "--time", str(seconds)]
        command += ["--parallel", str(self.streams), "--interval", "0", "--json"]
        if self.reverse:
            command.append("--reverse")
        return reading(await run_for_window("iperf3", command, pids, seconds))


def reading(ran: Ran) -> Reading:
    """Bytes as the receiver counted them. Raises BenchmarkError when iperf3 gives no result."""
    try:
        said = json.loads(ran.text)
        if "error" in said:
            raise BenchmarkError(f"iperf3: {said['error']}")
        received = said["end"]["sum_received"]
        report = Report(float(received["seconds"]), 0, 0, int(received["bytes"]), "")
    except (ValueError, KeyError, TypeError):
        raise BenchmarkError(f"iperf3 gave no result: {ran.last_words}") from None
    return Reading(Window(report, ran.cpu, ran.busy_s), 0, "")
