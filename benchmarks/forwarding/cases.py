"""The cases: which load goes to which peers, and what is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.actors.remote import Report
from benchmarks.forwarding.loads.base import LoadSource
from benchmarks.forwarding.loads.bundled import Bundled
from benchmarks.forwarding.loads.datagrams import Datagrams
from benchmarks.forwarding.loads.iperf import Iperf
from benchmarks.forwarding.loads.open_loop import OpenLoop
from benchmarks.forwarding.loads.wrk import Wrk

__all__ = ["CASES", "Case"]

_GIGABYTE = 1e9
_MAIN = ("direct", "haproxy", "nginx", "userproxy")
_ALL = ("direct", "haproxy", "nginx", "pproxy", "streams", "userproxy", "userproxy-asyncio")
_BULK = ("direct", "haproxy", "haproxy-splice", "haproxy-256k", "nginx", "userproxy")
_BULK_ALL = (*_BULK, "pproxy", "streams", "userproxy-asyncio")
_WORKERS = (*_ALL, "userproxy-2-workers")
_UDP = ("direct", "nginx", "userproxy")
_UDP_ALL = (*_UDP, "pproxy", "userproxy-asyncio")
_UDP_QUICK = ("nginx", "userproxy")
RATE = 10_000
"""Requests a second: what two cores carry with load, proxy and backend, and time to spare."""
MANY = 10_000
"""UDP flows; each takes a descriptor of the proxy, which may often have 20,000."""
RUN = 32
"""Datagrams of a flow in a row."""
OFFERED = 60_000
"""Datagrams a second."""


@dataclass(frozen=True, slots=True)
class Case:
    """The first of ``loads`` that is installed makes the load."""

    name: str
    title: str
    loads: tuple[LoadSource, ...]
    per: str
    """What processor time is divided by."""
    peers: tuple[str, ...]
    quick: tuple[str, ...] = ()
    """The peers of ``--quick``; none: the case is left out of it."""
    check: LoadSource | None = None
    """Compares bytes in the first round, before a load that compares less."""
    per_gigabyte: bool = False
    """Count bytes instead of answers; times are seconds then, not microseconds."""

    @property
    def load(self) -> LoadSource:
        return next(load for load in self.loads if not load.missing())

    def amount(self, report: Report) -> float:
        """How much was done: answers, or gigabytes."""
        return report.bytes / _GIGABYTE if self.per_gigabyte else float(report.done)

    def as_json(self) -> dict[str, object]:
        """What a reader of raw values must know."""
        return {"title": self.title, "per": self.per, "unit": self.time_unit}

    @property
    def time_unit(self) -> str:
        return "s" if self.per_gigabyte else "us"

    def in_time_unit(self, seconds: float) -> float:
        return seconds if self.per_gigabyte else seconds * 1e6


def _requests(connections: int, peers: tuple[str, ...], quick: tuple[str, ...]) -> Case:
    return Case(
        name=f"requests-{connections}",
        title=f"keep-alive requests, connections: {connections}, answers of 37 bytes, closed loop",
        loads=(Wrk(connections), Bundled("requests", connections)),
        check=Bundled("requests", connections),
        per="request",
        peers=peers,
        quick=quick,
    )


def _bulk(streams: int, *, reverse: bool, peers: tuple[str, ...], quick: tuple[str, ...] = ()) -> Case:
    bundled = Bundled("pull" if reverse else "push", streams)
    way = "from endpoint to client" if reverse else "from client to endpoint"
    return Case(
        name=f"bulk-{streams}-reverse" if reverse else f"bulk-{streams}",
        title=f"bulk, streams: {streams}, {way}",
        loads=(Iperf(streams, reverse), bundled),
        check=bundled,
        per="GB",
        per_gigabyte=True,
        peers=peers,
        quick=quick,
    )


def _datagrams() -> Iterator[Case]:
    for size_bytes in (64, 1200):
        for flows in (1, 100, MANY):
            title = f"UDP, bytes: {size_bytes:,}, flows: {flows:,}, there and back, 64 in flight"
            main = (size_bytes, flows) == (64, 100)
            yield _udp(
                f"udp-{size_bytes}-{flows}",
                title,
                Datagrams(flows, size_bytes),
                _UDP_ALL if main else _UDP,
                _UDP_QUICK if main else (),
            )
    for name, as_one in (("udp-runs", True), ("udp-runs-singly", False)):
        how = "as one message (UDP_SEGMENT)" if as_one else "in a row, each by itself"
        yield _udp(
            name,
            f"UDP, runs of {RUN} equal datagrams of 1,200 bytes {how}, flows: 4, there and back",
            Datagrams(flows=4, size_bytes=1200, run=RUN, as_one=as_one, in_flight=4 * RUN),
            _UDP,
        )
    yield _udp(
        "udp-loss",
        f"UDP, 64 bytes, flows: 100, offered at {OFFERED:,} a second: what is lost",
        Datagrams(flows=100, size_bytes=64, rate=OFFERED),
        _UDP,
    )


def _udp(name: str, title: str, load: Datagrams, peers: tuple[str, ...], quick: tuple[str, ...] = ()) -> Case:
    return Case(name, title, (load,), "datagram answered", peers, quick)


CASES = (
    _requests(64, _WORKERS, ("haproxy", "nginx", "userproxy")),
    _requests(8, _MAIN, ("haproxy", "userproxy")),
    _requests(1, _MAIN, ()),
    Case(
        name="latency",
        title=f"keep-alive requests at {RATE:,} a second (open loop), connections: 64",
        loads=(OpenLoop(RATE, 64),),
        per="request",
        peers=_MAIN,
    ),
    Case(
        name="connections",
        title="a new connection for each request (Connection: close), 64 at a time",
        loads=(Wrk(64, closes=True), Bundled("connections", 64)),
        check=Bundled("connections", 64),
        per="connection",
        peers=_WORKERS,
        quick=("haproxy", "userproxy"),
    ),
    _bulk(1, reverse=False, peers=_BULK_ALL, quick=("haproxy", "userproxy")),
    _bulk(1, reverse=True, peers=_BULK_ALL, quick=("haproxy", "userproxy")),
    _bulk(4, reverse=False, peers=_BULK),
    _bulk(4, reverse=True, peers=_BULK),
    *_datagrams(),
)
