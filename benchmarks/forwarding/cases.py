"""The cases: which load goes to which peers, and what is counted."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.actors.remote import Report
from benchmarks.forwarding.loads.base import LoadSource
from benchmarks.forwarding.loads.bundled import Bundled
from benchmarks.forwarding.loads.iperf import Iperf
from benchmarks.forwarding.loads.wrk import Wrk

__all__ = ["CASES", "Case"]

_GIGABYTE = 1e9
_MAIN = ("direct", "haproxy", "nginx", "userproxy")
_ALL = ("direct", "haproxy", "nginx", "pproxy", "streams", "userproxy", "userproxy-asyncio")
_BULK = ("direct", "haproxy", "haproxy-splice", "haproxy-256k", "nginx", "userproxy")
_BULK_ALL = (*_BULK, "pproxy", "streams", "userproxy-asyncio")
_UDP = ("direct", "nginx", "pproxy", "userproxy", "userproxy-asyncio")


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
    check: Bundled | None = None
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


CASES = (
    _requests(64, _ALL, ("haproxy", "nginx", "userproxy")),
    _requests(8, _MAIN, ("haproxy", "userproxy")),
    _requests(1, _MAIN, ()),
    Case(
        name="connections",
        title="a new connection for each request (Connection: close), 64 at a time",
        loads=(Wrk(64, closes=True), Bundled("connections", 64)),
        check=Bundled("connections", 64),
        per="connection",
        peers=_ALL,
        quick=("haproxy", "userproxy"),
    ),
    _bulk(1, reverse=False, peers=_BULK_ALL, quick=("haproxy", "userproxy")),
    _bulk(1, reverse=True, peers=_BULK_ALL, quick=("haproxy", "userproxy")),
    _bulk(4, reverse=False, peers=_BULK),
    _bulk(4, reverse=True, peers=_BULK),
    Case(
        name="datagrams-64",
        title="UDP, 64 bytes there and back, flows: 64, one datagram under way in each",
        loads=(Bundled("datagrams", 64),),
        per="datagram answered",
        peers=_UDP,
        quick=("nginx", "userproxy"),
    ),
)
