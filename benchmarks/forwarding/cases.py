"""The cases: which load goes to which kind of endpoint, and what is counted."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.actors.remote import Load, Report

__all__ = ["CASES", "Case"]

_GIGABYTE = 1e9


@dataclass(frozen=True, slots=True)
class Case:
    """``load`` names a kind of load generator, ``kind`` the kind of its endpoint."""

    name: str
    title: str
    load: str
    kind: str
    at_once: int
    per: str
    """What processor time is divided by."""
    per_gigabyte: bool = False
    """Count bytes instead of answers; times are seconds then, not microseconds."""

    def start(self, address: str) -> Load:
        """A load generator for ``address``, to be entered."""
        return Load(self.load, address, at_once=self.at_once)

    def amount(self, report: Report) -> float:
        """How much was done: answers, or gigabytes."""
        return report.bytes / _GIGABYTE if self.per_gigabyte else float(report.done)

    @property
    def time_unit(self) -> str:
        return "s" if self.per_gigabyte else "us"

    def in_time_unit(self, seconds: float) -> float:
        return seconds if self.per_gigabyte else seconds * 1e6


CASES = (
    Case(
        name="requests",
        title="keep-alive requests, 64 connections, answers of 46 bytes",
        load="requests",
        kind="http",
        at_once=64,
        per="request",
    ),
    Case(
        name="connections",
        title="a new connection for each request (Connection: close), 64 at a time",
        load="connections",
        kind="http",
        at_once=64,
        per="connection",
    ),
    Case(
        name="bulk",
        title="bulk, one stream, from client to endpoint",
        load="bulk",
        kind="bulk",
        at_once=1,
        per="GB",
        per_gigabyte=True,
    ),
    Case(
        name="datagrams",
        title="UDP, 64 flows, 64 bytes there and back, one under way in each (haproxy forwards none)",
        load="datagrams",
        kind="udp",
        at_once=64,
        per="datagram answered",
    ),
)
