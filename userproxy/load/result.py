"""What a run found, as a value that adds up: over processes, and over machines as JSON files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from userproxy.errors import UserproxyError
from userproxy.load.histogram import Histogram
from userproxy.load.marks import MAX_MARKS, Mark
from userproxy.load.tally import MAX_NAMES, OTHERS, Counts, Second

__all__ = ["MergeError", "Result", "Work", "merge"]


class MergeError(UserproxyError):
    """Results of runs that are not parts of one load."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one process used, in seconds."""

    cpu_s: float
    elapsed_s: float
    waited_s: float = 0.0
    """For a core, although there was something to do."""


@dataclass(slots=True)
class Result:
    """Times of `seconds` count from the start, warm-up included."""

    url: str
    address: str
    """What the name meant when the run began, and what was used."""
    model: str
    """The first line of the output."""
    loop: str
    """"open" or "closed"."""
    arrivals: str
    """In open loop."""
    rate: float | None
    connections: int
    began_s: float
    """Unix time of the start."""
    warm_up_s: float
    duration_s: float
    """Of the window, as it was: less than asked for after an interruption."""
    interrupted: bool = False
    warm_up: Counts = field(default_factory=Counts)
    window: Counts = field(default_factory=Counts)
    connect: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    dropped_here: int = 0
    """Answers that reached this host and found a full receive buffer."""
    not_opened: dict[str, int] = field(default_factory=dict)
    """Connections that could not be made before the start, by kind of error."""
    step_s: int = 1
    """Seconds that one item of `seconds` stands for."""
    seconds: list[Second] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)
    """By process."""

    @property
    def throughput(self) -> float:
        """Right answers a second."""
        return self.window.answered / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def sent_share(self) -> float:
        """Of what was due."""
        return self.window.sent / self.window.due if self.window.due else 1.0


def merge(results: Sequence[Result], model: str = "") -> Result:
    """One result of several; histograms and counts add exactly, time lines second by second since each start.

    ``model`` is the first line of the whole, if the parts do not say it. Raises MergeError for parts of
    different loads.
    """
    first = results[0]
    for other in results[1:]:
        for name in ("url", "loop", "arrivals", "step_s"):
            ours, theirs = getattr(first, name), getattr(other, name)
            if ours != theirs:
                raise MergeError(f"{name} differs: {ours} and {theirs}")
    rates = [result.rate for result in results if result.rate is not None]
    connections = sum(result.connections for result in results)
    marks = {mark for result in results for mark in result.marks}
    return Result(
        url=first.url,
        address=", ".join(dict.fromkeys(result.address for result in results)),
        model=model or _model(results, sum(rates), connections),
        loop=first.loop,
        arrivals=first.arrivals,
        rate=sum(rates) if rates else None,
        connections=connections,
        began_s=min(result.began_s for result in results),
        warm_up_s=max(result.warm_up_s for result in results),
        duration_s=max(result.duration_s for result in results),
        interrupted=any(result.interrupted for result in results),
        warm_up=_sum_counts([result.warm_up for result in results]),
        window=_sum_counts([result.window for result in results]),
        connect=Histogram.sum(result.connect for result in results),
        lag=Histogram.sum(result.lag for result in results),
        dropped_here=sum(result.dropped_here for result in results),
        not_opened=_sum_by_name([result.not_opened for result in results]),
        step_s=first.step_s,
        seconds=_sum_seconds([result.seconds for result in results]),
        marks=sorted(marks, key=lambda mark: (mark.at_s, mark.event, mark.text))[:MAX_MARKS],
        work=[work for result in results for work in result.work],
    )


def _model(results: Sequence[Result], rate: float, connections: int) -> str:
    first = results[0]
    if len(results) == 1:
        return first.model
    if first.rate is None:
        return f"closed loop: {connections} connections or flows in {len(results)} results"
    return (
        f"open loop: {rate:g} requests/s, {first.arrivals} arrivals over {connections} connections or flows"
        f" in {len(results)} results; latency is from the intended start"
    )


def _sum_counts(parts: Sequence[Counts]) -> Counts:
    names = _sum_by_name([part.names for part in parts])
    if len(names) > MAX_NAMES:
        kept = sorted(names, key=lambda name: (name == OTHERS, -names[name], name))[:MAX_NAMES]
        others = sum(count for name, count in names.items() if name not in kept or name == OTHERS)
        names = {name: names[name] for name in kept if name != OTHERS} | {OTHERS: others}
    return Counts(
        due=sum(part.due for part in parts),
        sent=sum(part.sent for part in parts),
        late_for_target=sum(part.late_for_target for part in parts),
        late_by_generator=sum(part.late_by_generator for part in parts),
        answered=sum(part.answered for part in parts),
        errors=_sum_by_name([part.errors for part in parts]),
        names=names,
        latency=Histogram.sum(part.latency for part in parts),
        service=Histogram.sum(part.service for part in parts),
        duplicates=sum(part.duplicates for part in parts),
        reordered=sum(part.reordered for part in parts),
        answered_too_late=sum(part.answered_too_late for part in parts),
        corrupt=sum(part.corrupt for part in parts),
        bytes_received=sum(part.bytes_received for part in parts),
    )


def _sum_by_name(parts: Sequence[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            total[name] = total.get(name, 0) + count
    return total


def _sum_seconds(parts: Sequence[list[Second]]) -> list[Second]:
    total = [Second() for _ in range(max(map(len, parts)))]
    for part in parts:
        for into, second in zip(total, part, strict=False):
            into.answered += second.answered
            into.failed += second.failed
            into.latency.add(second.latency)
    return total
