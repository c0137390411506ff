"""Counters as plain integers. Only additions happen while traffic flows; reading adds up."""

from __future__ import annotations

from collections import Counter, defaultdict

__all__ = ["EndpointCounters", "PortCounters"]


class EndpointCounters:
    """What one endpoint of one service port has seen; survives swaps by its "ip:port"."""

    __slots__ = (
        "bytes_to_client", "bytes_to_endpoint", "connections", "dial_failures", "dial_s", "dials", "ended",
    )  # fmt: skip

    def __init__(self) -> None:
        self.connections = 0
        """Connections or flows ever made."""
        self.ended = 0
        """Of those, how many are over, or in another process now."""
        self.dial_failures = 0
        self.dials = 0
        """Dials whose time is in `dial_s`: those that found a way to it."""
        self.dial_s = 0.0
        """How long they took, smoothed."""
        self.bytes_to_endpoint = 0
        """Of connections that have ended; those of open ones are added when read."""
        self.bytes_to_client = 0

    def dialled(self, duration_s: float) -> None:
        """A dial led to it. Smoothed as RFC 6298 (2.3) smooths round-trip times, by an eighth."""
        if self.dials:
            self.dial_s += (duration_s - self.dial_s) * 0.125
        else:
            self.dial_s = duration_s
        self.dials += 1

    @property
    def open(self) -> int:
        """Connections or flows that are open now."""
        return self.connections - self.ended


class PortCounters:
    """What one service port has seen."""

    __slots__ = ("accepted", "dropped", "ends", "held")

    def __init__(self) -> None:
        self.accepted = 0
        """Connections accepted, or flows begun."""
        self.held = 0
        """Connections that wait for an endpoint now (rule L9)."""
        self.dropped: Counter[str] = Counter()
        """UDP datagrams that were not forwarded, by reason."""
        self.ends: defaultdict[str, int] = defaultdict(int)
        """Ended connections and flows by their two letters (docs/close-reasons.md)."""
