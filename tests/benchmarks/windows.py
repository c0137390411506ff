"""Windows and measurements with chosen figures."""

from __future__ import annotations

from benchmarks.actors.remote import Report
from benchmarks.forwarding.cases import CASES
from benchmarks.forwarding.loads.base import Reading
from benchmarks.forwarding.measurement import Measurement
from benchmarks.measuring.proc import CpuTime
from benchmarks.measuring.window import Window

BY_NAME = {case.name: case for case in CASES}
REQUESTS, BULK = BY_NAME["requests-64"], BY_NAME["bulk-1"]


def window(
    *,
    done: int = 1000,
    size: int = 0,
    seconds: float = 1.0,
    load_s: float = 0.5,
    backend_s: float = 0.5,
    proxy_s: float | None = None,
    others_s: float = 0.0,
) -> Window:
    cpu = {"load": CpuTime(load_s, 0.0), "backend": CpuTime(0.0, backend_s)}
    if proxy_s is not None:
        cpu["proxy"] = CpuTime(proxy_s / 2, proxy_s / 2)
    busy_s = others_s + sum(time.total_s for time in cpu.values())
    return Window(Report(seconds, done, 0, size, ""), cpu, busy_s)


def measurement(
    peer: str,
    number: int,
    proxy_s: float | None,
    *,
    done: int = 1000,
    failed: int = 0,
    error: str = "",
    others_s: float = 0.0,
) -> Measurement:
    taken = window(done=done, proxy_s=proxy_s, others_s=others_s)
    return Measurement(REQUESTS, peer, number, Reading(taken, failed, error))
