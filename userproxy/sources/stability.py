"""When what is seen on a disk counts. Pure: what was seen, and when, come from outside.

A file that is being written is seen half done, and empty surprisingly often (measured: 16 % of the reads
during rewrites in place). So nothing counts on first sight.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from userproxy.model.names import ObjectRef

__all__ = ["GONE_S", "RESTLESS_S", "STABLE_S", "Seen", "Stability"]

STABLE_S = 0.05
"""A content counts when it was the same at two looks this far apart."""
GONE_S = 0.5
"""The same for what may be a moment of a rewrite: nothing there, nothing in it, or not to be read."""
RESTLESS_S = 2.0
"""What did not count for so long is restless: nobody waits for it any longer."""


class Seen(Protocol):
    """What one look showed. Equal values: two looks showed the same."""

    @property
    def identity(self) -> Hashable:
        """What it means. A new look at the same meaning (a file that was only touched) is no change."""
        ...

    @property
    def fleeting(self) -> bool:
        """It may be a moment of a rewrite."""
        ...


SeenT = TypeVar("SeenT", bound=Seen)


@dataclass(slots=True)
class _Sight(Generic[SeenT]):
    counted: SeenT | None = None
    candidate: SeenT | None = None
    """Seen last, and not counted; None when the last look showed what counts."""
    since_s: float = 0.0
    """Since when the candidate has been the same."""
    unsettled_since_s: float = 0.0
    """Since when anything but what counts has been seen."""


class Stability(Generic[SeenT]):
    """Decides, look by look, what counts of each path. A look has a beginning and an end: between two looks
    lies at least the time from the end of the first to the beginning of the second.
    """

    def __init__(
        self, *, stable_s: float = STABLE_S, gone_s: float = GONE_S, restless_s: float = RESTLESS_S
    ) -> None:
        self._stable_s = stable_s
        self._gone_s = gone_s
        self._restless_s = restless_s
        self._sights: dict[ObjectRef, _Sight[SeenT]] = {}

    @property
    def resting(self) -> Mapping[ObjectRef, SeenT]:
        """What counts of every path that showed nothing else at the last look."""
        return {
            ref: sight.counted
            for ref, sight in self._sights.items()
            if sight.counted is not None and sight.candidate is None
        }

    def counts(self, ref: ObjectRef) -> SeenT | None:
        """What counts of ``ref``; None while nothing does."""
        sight = self._sights.get(ref)
        return sight.counted if sight is not None else None

    @property
    def known(self) -> frozenset[ObjectRef]:
        """Every path that was ever seen and not forgotten."""
        return frozenset(self._sights)

    def see(self, ref: ObjectRef, seen: SeenT, *, began_s: float, ended_s: float) -> bool:
        """Note what a look at ``ref`` showed; True when that counts from now on, and did not before."""
        sight = self._sights.setdefault(ref, _Sight())
        if sight.counted is not None and seen.identity == sight.counted.identity:
            sight.counted, sight.candidate = seen, None
            return False
        if sight.candidate is None:
            sight.unsettled_since_s = ended_s
        if seen != sight.candidate:
            sight.candidate, sight.since_s = seen, ended_s
            return False
        if began_s - sight.since_s < self._wait_s(seen):
            return False
        sight.counted, sight.candidate = seen, None
        return True

    def forget(self, ref: ObjectRef) -> None:
        """As if ``ref`` had never been seen."""
        self._sights.pop(ref, None)

    def due_s(self, now_s: float) -> float | None:
        """Seconds until another look can make something count; None while all that was seen counts."""
        waits = [
            sight.since_s + self._wait_s(sight.candidate) - now_s
            for sight in self._sights.values()
            if sight.candidate is not None
        ]
        return max(0.0, min(waits)) if waits else None

    def restless(self, now_s: float) -> frozenset[ObjectRef]:
        """The paths that keep changing."""
        return frozenset(
            ref
            for ref, sight in self._sights.items()
            if sight.candidate is not None and now_s - sight.unsettled_since_s >= self._restless_s
        )

    def settled(self, now_s: float) -> bool:
        """Whether all that was seen counts, but for what is restless."""
        unsettled = sum(sight.candidate is not None for sight in self._sights.values())
        return unsettled == 0 or unsettled == len(self.restless(now_s))

    def _wait_s(self, seen: SeenT) -> float:
        return self._gone_s if seen.fleeting else self._stable_s
