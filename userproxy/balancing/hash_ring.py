"""A consistent-hash ring that can be built, and changed, in short steps (rule B6).

The ring is uhashring's, with its 160 points for each endpoint, laid out in two flat arrays: the points in
order, and who owns each. uhashring gives the points of one endpoint; a ring with some endpoints more or fewer
is spliced out of the one before, so a change costs what the changed endpoints cost, and every look-up is one
bisection. Steps serve the loop: one sort of 1,000 endpoints' points holds the GIL for 40 ms, and a thread
that builds leaves the relay 1 % of its requests meanwhile. Figures: docs/performance.md, "Pure parts".
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Generator, Iterable, Sequence
from hashlib import blake2b

from uhashring import HashRing as UncutRing

__all__ = ["ENDPOINTS_PER_STEP", "HashRing"]

ENDPOINTS_PER_STEP = 16
"""Endpoints that come or go in one step: 0.2 to 0.3 ms for each."""

_POINTS_PER_ENDPOINT = 160
"""uhashring's own default. More are more even, and slower to build."""


def _point(key: str) -> int:
    """The place of ``key`` on the ring, the same in every process. (md5 is missing on FIPS hosts.)"""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")


def _points_of(names: Iterable[str]) -> list[tuple[int, str]]:
    """The points of all ``names`` in order, each with its owner; of one place, the lower name comes first.

    One by one, since uhashring keeps one owner of a place: who that is must not depend on the step.
    """
    points: list[tuple[int, str]] = []
    for name in names:
        points += UncutRing([name], hash_fn=_point, vnodes=_POINTS_PER_ENDPOINT).get_points()
    points.sort()
    return points


class HashRing:
    """A frozen ring over names: which one is nearest to a key. Equal names give equal rings everywhere."""

    __slots__ = ("_free", "_names", "_owners", "_points", "_slots")

    def __init__(self) -> None:
        self._points = array("Q")
        self._owners = array("I")
        """For each point the slot of its name."""
        self._slots: dict[str, int] = {}
        self._names: list[str] = []
        """By slot; those in ``_free`` mean nothing."""
        self._free: list[int] = []

    def work(self, names: set[str]) -> int:
        """How many endpoints' points it takes to get to ``names``: out of this ring, or from nothing."""
        return min(len(names), len(self._slots.keys() ^ names))

    @classmethod
    def steps(
        cls, names: Collection[str], previous: HashRing | None = None
    ) -> Generator[None, None, HashRing]:
        """Build the ring, pausing after each step, out of ``previous`` where that saves work.

        ``previous`` is read only, and may go on answering meanwhile.
        """
        wanted = set(names)
        ring = previous if previous is not None and previous.work(wanted) < len(wanted) else cls()
        gone = sorted(ring._slots.keys() - wanted)
        new = sorted(wanted - ring._slots.keys())
        for begin in range(0, len(gone), ENDPOINTS_PER_STEP):
            ring = ring._without(gone[begin : begin + ENDPOINTS_PER_STEP])
            yield
        for begin in range(0, len(new), ENDPOINTS_PER_STEP):
            ring = ring._with(new[begin : begin + ENDPOINTS_PER_STEP])
            yield
        return ring

    def nearest(self, key: str, tried: Collection[str] = ()) -> str | None:
        """The name that owns the first point behind ``key``'s, passing over the points of ``tried``."""
        points = self._points
        if not points or (tried and all(name in tried for name in self._slots)):
            return None
        place = bisect_right(points, _point(key))
        while True:
            place %= len(points)
            name = self._names[self._owners[place]]
            if name not in tried:
                return name
            place += 1

    def _with(self, names: Sequence[str]) -> HashRing:
        """This ring and the points of ``names``, none of which it has."""
        ring = self._copied()
        for name in names:
            if ring._free:
                slot = ring._free.pop()
                ring._names[slot] = name
            else:
                slot = len(ring._names)
                ring._names.append(name)
            ring._slots[name] = slot
        old_points, old_owners = self._points, self._owners
        points, owners = ring._points, ring._owners
        begin = 0
        for point, name in _points_of(names):
            end = bisect_left(old_points, point, begin)
            while end < len(old_points) and old_points[end] == point and self._names[old_owners[end]] < name:
                end += 1
            if begin < end:
                points += old_points[begin:end]
                owners += old_owners[begin:end]
                begin = end
            points.append(point)
            owners.append(ring._slots[name])
        points += old_points[begin:]
        owners += old_owners[begin:]
        return ring

    def _without(self, names: Sequence[str]) -> HashRing:
        """This ring without the points of ``names``, all of which it has."""
        ring = self._copied()
        for name in names:
            ring._free.append(ring._slots.pop(name))
        points, owners = ring._points, ring._owners
        begin = 0
        for point, name in _points_of(names):
            end = bisect_left(self._points, point, begin)
            while self._owners[end] != self._slots[name]:  # another one's at the same place
                end += 1
            points += self._points[begin:end]
            owners += self._owners[begin:end]
            begin = end + 1
        points += self._points[begin:]
        owners += self._owners[begin:]
        return ring

    def _copied(self) -> HashRing:
        """A ring with the same names, and no points yet."""
        ring = HashRing()
        ring._slots = dict(self._slots)
        ring._names = list(self._names)
        ring._free = list(self._free)
        return ring
