"""What userproxy shall reach in forwarding, each row as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.measuring.spread import Spread
from benchmarks.report.results import Results

__all__ = ["TARGETS", "Standing", "Target", "standings"]

LOST = "lost"
FLOWS = (1, 100, 10_000)
WORKERS = "userproxy-2-workers"


@dataclass(frozen=True, slots=True)
class Target:
    """``quantity`` of ``peer`` is at most ``limit`` times that of ``reference``: the median over all rounds.

    With ``quantity`` "lost" the parts themselves are compared, as both may be 0. Without a ``reference`` the
    limit is that of the quantity itself.
    """

    work: str
    case: str
    limit: float
    reference: str
    quantity: str = "cost"
    peer: str = "userproxy"


@dataclass(frozen=True, slots=True)
class Standing:
    """A target and what was measured; ``met`` is None when it was not, or failed."""

    target: Target
    ratio: Spread | None
    met: bool | None


def _bulk() -> Iterator[Target]:
    for streams in (1, 4):
        for suffix, way in (("", "to the endpoint"), ("-reverse", "from the endpoint")):
            work = f"bulk, {streams} stream{'s' * (streams > 1)} {way}: CPU per GB"
            case = f"bulk-{streams}{suffix}"
            yield Target(work, case, 0.45, "haproxy")
            yield Target(f"{work}, its buffers at 256 KiB", case, 0.72, "haproxy-256k")


def _datagrams() -> Iterator[Target]:
    for size_bytes in (64, 1200):
        for flows in FLOWS:
            work = f"UDP, {size_bytes:,} bytes, {flows:,} flow{'s' * (flows > 1)}: CPU per datagram"
            yield Target(work, f"udp-{size_bytes}-{flows}", 0.95, "nginx")


TARGETS = (
    Target("64 keep-alive connections: CPU per request", "requests-64", 1.08, "haproxy"),
    Target("8 keep-alive connections: CPU per request", "requests-8", 1.0, "haproxy"),
    Target("requests at an equal rate: p99 latency", "latency", 1.2, "haproxy", "p99"),
    Target("1 keep-alive connection: CPU per request", "requests-1", 1.2, "haproxy"),
    Target("new connections, 64 at a time: CPU per connection", "connections", 1.25, "haproxy"),
    *_bulk(),
    *_datagrams(),
    Target("UDP, dense runs of equal datagrams: CPU per datagram", "udp-runs", 0.6, "nginx"),
    Target("UDP at an equal rate: datagrams lost", "udp-loss", 1.0, "nginx", LOST),
    Target("two workers: CPU per request beside one", "requests-64", 1.05, "userproxy", peer=WORKERS),
    Target(
        "two workers, new connections: busier by idler",
        "connections",
        1.1,
        "",
        "uneven",
        WORKERS,
    ),
)


def standings(results: Results) -> list[Standing]:
    """Every target, in order."""
    return [_standing(results, target) for target in TARGETS]


def _standing(results: Results, target: Target) -> Standing:
    if not target.reference:
        series = results.series.get((target.case, target.peer))
        spread = series.spread(target.quantity) if series else None
        return Standing(target, None, None if spread is None else round(spread.median, 2) <= target.limit)
    ratio = results.ratio(target.case, target.quantity, target.peer, target.reference)
    if target.quantity != LOST:
        # As it is printed.
        return Standing(target, ratio, None if ratio is None else round(ratio.median, 2) <= target.limit)
    ours, theirs = (
        series.spread(LOST) if (series := results.series.get((target.case, peer))) else None
        for peer in (target.peer, target.reference)
    )
    if ours is None or theirs is None:
        return Standing(target, None, None)
    return Standing(target, ratio, ours.median <= theirs.median * target.limit)
