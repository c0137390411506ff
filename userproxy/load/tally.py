"""What is counted while load runs: by phase (warm-up, window), and by second for the time line."""

from __future__ import annotations

from dataclasses import dataclass, field

from userproxy.load.histogram import COARSE_BITS, Histogram

__all__ = ["LATE_NS", "MAX_NAMES", "OTHERS", "Counts", "Second", "Tally"]

LATE_NS = 1_000_000
"""A request that begins more than 1 ms after it was due is late."""
MAX_NAMES = 100
"""Of those who answered; whoever comes later is one of the others."""
OTHERS = "(others)"
SECOND_NS = 1_000_000_000


@dataclass(slots=True)
class Counts:
    """Of one phase. A request belongs to the phase in which it was due."""

    due: int = 0
    """Requests that should have begun: by the rate, or in closed loop those that began."""
    sent: int = 0
    """Begun: given to a connection. The rest was not sent."""
    late_for_target: int = 0
    """Begun late because all connections waited for answers."""
    late_by_generator: int = 0
    """Begun late although a connection was free: this process was slow."""
    answered: int = 0
    """Answered as it should be."""
    errors: dict[str, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    """Who answered how often."""
    latency: Histogram = field(default_factory=Histogram)
    """From the intended start to the end of the answer: waiting for a connection and connecting included."""
    service: Histogram = field(default_factory=Histogram)
    """From sending to the end of the answer."""
    duplicates: int = 0
    reordered: int = 0
    answered_too_late: int = 0
    """Datagrams that count as lost, and came after all."""
    corrupt: int = 0
    """Datagrams that are no echo of what was sent."""
    bytes_received: int = 0

    @property
    def not_sent(self) -> int:
        return self.due - self.sent

    @property
    def failed(self) -> int:
        return sum(self.errors.values())

    @property
    def late(self) -> int:
        return self.late_for_target + self.late_by_generator

    def name(self, name: str) -> None:
        """Count an answer for whoever gave it."""
        if name not in self.names and len(self.names) >= MAX_NAMES:
            name = OTHERS
        self.names[name] = self.names.get(name, 0) + 1


@dataclass(slots=True)
class Second:
    """What ended in one second of the time line, or in one step of several."""

    answered: int = 0
    failed: int = 0
    latency: Histogram = field(default_factory=lambda: Histogram(COARSE_BITS))


class Tally:
    """Of one run in one process. All times are nanoseconds of one clock; `begin` says when the run starts."""

    __slots__ = ("_current", "_second_end", "_step", "_window_start", "connect", "dropped_here", "lag",
                 "seconds", "warm_up", "window")  # fmt: skip

    def __init__(self) -> None:
        self.warm_up = Counts()
        self.window = Counts()
        self.connect = Histogram()
        """Of every connection, whenever it was made."""
        self.lag = Histogram()
        """How late this process came to what was due."""
        self.dropped_here = 0
        """Datagrams that reached this host and found a full receive buffer."""
        self.seconds: list[Second] = []
        """Since the start; the last one is not over."""
        self._window_start = 0
        self._second_end = 0
        self._step = SECOND_NS
        self._current = Second()

    def begin(self, start_ns: int, window_start_ns: int, step_ns: int = SECOND_NS) -> None:
        """``step_ns``: of the time line."""
        self._window_start = window_start_ns
        self._step = step_ns
        self._second_end = start_ns

    def phase(self, at_ns: int) -> Counts:
        return self.window if at_ns >= self._window_start else self.warm_up

    def begun(self, intended_ns: int, now_ns: int, *, waited: bool) -> None:
        """A request that was due is given to a connection; ``waited``: there was none before."""
        counts = self.window if intended_ns >= self._window_start else self.warm_up
        counts.due += 1
        counts.sent += 1
        behind = now_ns - intended_ns
        if not waited:
            self.lag.record(behind)
        if behind > LATE_NS:
            if waited:
                counts.late_for_target += 1
            else:
                counts.late_by_generator += 1

    def begun_unasked(self, now_ns: int) -> None:
        """A request of the closed loop, which is due when it begins."""
        counts = self.window if now_ns >= self._window_start else self.warm_up
        counts.due += 1
        counts.sent += 1

    def not_sent(self, intended_ns: int) -> None:
        """A request that was due never began."""
        counts = self.window if intended_ns >= self._window_start else self.warm_up
        counts.due += 1

    def answered(self, intended_ns: int, sent_ns: int, now_ns: int, size_bytes: int) -> Counts:
        """Gives the counts that it went into, for what else is known of the answer."""
        counts = self.window if intended_ns >= self._window_start else self.warm_up
        counts.answered += 1
        counts.bytes_received += size_bytes
        latency = now_ns - intended_ns
        counts.latency.record(latency)
        counts.service.record(now_ns - sent_ns)
        second = self._current if now_ns < self._second_end else self._turn(now_ns)
        second.answered += 1
        second.latency.record(latency)
        return counts

    def failed(self, kind: str, intended_ns: int, now_ns: int) -> Counts:
        """A request ended without an answer that is right."""
        counts = self.window if intended_ns >= self._window_start else self.warm_up
        counts.errors[kind] = counts.errors.get(kind, 0) + 1
        second = self._current if now_ns < self._second_end else self._turn(now_ns)
        second.failed += 1
        return counts

    def turn(self, now_ns: int) -> None:
        """Go on to the second of ``now_ns``, also when nothing ends in it."""
        if now_ns >= self._second_end:
            self._turn(now_ns)

    def _turn(self, now_ns: int) -> Second:
        while self._second_end <= now_ns:
            self._current = Second()
            self.seconds.append(self._current)
            self._second_end += self._step
        return self._current
