"""Windows, measurements and results with chosen figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.actors.remote import Report
from benchmarks.document import document
from benchmarks.forwarding.cases import CASES
from benchmarks.forwarding.loads.base import Reading, Timing
from benchmarks.forwarding.measurement import Measurement
from benchmarks.forwarding.mode import values
from benchmarks.forwarding.rounds import Plan, Taken
from benchmarks.measuring.proc import CpuTime
from benchmarks.measuring.window import Window
from benchmarks.report.results import Results, parse

BY_NAME = {case.name: case for case in CASES}
REQUESTS, BULK, LATENCY, LOSS = (BY_NAME[name] for name in ("requests-64", "bulk-1", "latency", "udp-loss"))
CONNECTIONS = BY_NAME["connections"]


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


def document_of(
    measurements: Sequence[Measurement], missing: dict[str, str] | None = None
) -> dict[str, object]:
    """As it is written."""
    cases = dict.fromkeys((one.case for one in measurements), ())
    rounds = 1 + max(one.round for one in measurements)
    plan = Plan(cases, (), rounds, Timing(0.5, 1.0))
    peers = {one.peer: "1.0" for one in measurements}
    return document("forwarding", [], values(plan, Taken(measurements, peers, missing or {})))


def results_of(measurements: Sequence[Measurement], missing: dict[str, str] | None = None) -> Results:
    """As it is read."""
    return parse(document_of(measurements, missing), "chosen.json")


def results(costs_us: Mapping[str, Sequence[float]], *, failed: Sequence[str] = ()) -> Results:
    """Of requests: what each peer took in each round."""
    return results_of(
        [
            measurement(peer, number, cost / 10, done=100_000, failed=int(peer in failed))
            for peer, costs in costs_us.items()
            for number, cost in enumerate(costs)
        ]
    )
