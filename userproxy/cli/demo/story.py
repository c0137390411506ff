"""What has happened in the demo so far: numbers from the load, swaps, the last events."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Latencies", "Report", "ServiceStory", "Story"]

_GROWTH = 1.05
"""Buckets grow by 5 %, so a percentile is at most 5 % too high."""

SWAP_DUE_S = 3.0
"""A demo that went on so long has replaced an endpoint."""


class Latencies:
    """A histogram of latencies with buckets that grow by 5 %, from 1 microsecond up."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: Counter[int] = Counter(counts or {})

    def add(self, seconds: float) -> None:
        self.counts[math.ceil(math.log(max(seconds * 1e6, 1.0), _GROWTH))] += 1

    def merge(self, other: Latencies) -> None:
        self.counts.update(other.counts)

    def percentile_ms(self, percent: float) -> float | None:
        """Milliseconds below which ``percent`` of all lie; None when there are none."""
        total = self.counts.total()
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= total * percent / 100:
                return float(_GROWTH**bucket) / 1000
        return None


@dataclass
class Report:
    """What one load generator did since its last report."""

    seconds: float
    ok: int
    failed: int
    who: Counter[str]
    latencies: Latencies
    error: str = ""
    """The last failure in words."""

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Report:
        counts = raw["latencies"]
        who = raw["who"]
        assert isinstance(counts, dict)
        assert isinstance(who, dict)
        return cls(
            seconds=float(str(raw["seconds"])),
            ok=int(str(raw["ok"])),
            failed=int(str(raw["failed"])),
            who=Counter({str(name): int(count) for name, count in who.items()}),
            latencies=Latencies({int(bucket): int(count) for bucket, count in counts.items()}),
            error=str(raw["error"]),
        )


@dataclass
class ServiceStory:
    """One Service under load."""

    name: str
    unit: str
    """What is counted: requests, datagrams."""
    address: str = ""
    ok: int = 0
    failed: int = 0
    error: str = ""
    latencies: Latencies = field(default_factory=Latencies)
    recent: deque[Report] = field(default_factory=lambda: deque(maxlen=4))
    """The last second, by quarters."""
    everyone: set[str] = field(default_factory=set)
    """All who ever answered."""

    def take(self, report: Report) -> None:
        self.ok += report.ok
        self.failed += report.failed
        self.error = report.error or self.error
        self.latencies.merge(report.latencies)
        self.everyone.update(report.who)
        self.recent.append(report)

    @property
    def rate(self) -> float:
        """Answers a second, over the last second."""
        seconds = sum(report.seconds for report in self.recent)
        return sum(report.ok for report in self.recent) / seconds if seconds else 0.0

    def shares(self) -> dict[str, float]:
        """Who answered in the last second, as fractions of 1."""
        who = sum((report.who for report in self.recent), Counter[str]())
        total = who.total()
        return {name: count / total for name, count in sorted(who.items())}

    def recent_latency_ms(self, percent: float) -> float | None:
        merged = Latencies()
        for report in self.recent:
            merged.merge(report.latencies)
        return merged.percentile_ms(percent)


@dataclass
class Story:
    """The whole demo."""

    services: tuple[ServiceStory, ...]
    swaps: int = 0
    seconds: float = 0.0
    events: deque[str] = field(default_factory=lambda: deque(maxlen=6))
    broken: str = ""
    """Why the demo itself cannot go on; "" while it can."""

    def tell(self, event: str) -> None:
        self.events.append(f"{self.seconds:6.1f} s  {event}")

    @property
    def failed(self) -> int:
        return sum(service.failed for service in self.services)

    @property
    def good(self) -> bool:
        """Everybody was served, endpoints were replaced if there was time, and nothing failed."""
        swapped = self.swaps > 0 or self.seconds < SWAP_DUE_S
        served = all(service.ok for service in self.services)
        return served and swapped and not self.failed and not self.broken
