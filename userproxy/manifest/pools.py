"""Pools of numbers that are given to names and kept for them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator

from userproxy.model.names import NamespacedName

__all__ = ["NumberPool", "Slot"]

Slot = tuple[NamespacedName, str]
"""An owner, and what it uses the number for."""


class NumberPool:
    """Numbers below ``size``, each held by at most one owner, who holds it under a slot.

    The number of a slot follows from its name, so that the order of arrival seldom matters, and a
    released one is kept for its slot for as long as anything else is free. The first ``band`` numbers are
    given away last: they are for owners that ask for a certain number.
    """

    def __init__(self, size: int, band: int) -> None:
        self._size = size
        self._band = band
        self._holders: dict[int, Slot] = {}
        self._held: dict[NamespacedName, set[int]] = {}
        # What each slot has or had last: it still holds it, or it is kept for it.
        self._last: dict[Slot, int] = {}
        self._kept: dict[int, Slot] = {}

    def allocate(self, slot: Slot, avoid: Collection[int] = ()) -> int | None:
        """A number for ``slot``, none of ``avoid``; None when there is none."""
        last = self._last.get(slot)
        if last is not None and last not in avoid:
            self._hold(slot, last)
            return last
        # What was somebody's is given away only when nothing else is free.
        for kept in (self._kept, {}):
            for number in self._candidates(slot):
                if number not in self._holders and number not in kept and number not in avoid:
                    self._hold(slot, number)
                    return number
        return None

    def claim(self, slot: Slot, number: int) -> NamespacedName | None:
        """Hold ``number``; returns its holder instead when that is somebody else."""
        holder = self._holders.get(number, slot)[0]
        if holder != slot[0]:
            return holder
        self._hold(slot, number)
        return None

    def held(self, owner: NamespacedName) -> tuple[int, ...]:
        return tuple(sorted(self._held.get(owner, ())))

    def release(self, owner: NamespacedName, number: int) -> None:
        slot = self._holders.get(number)
        if slot is None or slot[0] != owner:
            return
        del self._holders[number]
        self._held[owner].discard(number)
        if not self._held[owner]:
            del self._held[owner]
        if self._last.get(slot) == number:
            self._kept[number] = slot

    def _hold(self, slot: Slot, number: int) -> None:
        former = self._holders.get(number, slot)
        if former != slot and self._last.get(former) == number:
            del self._last[former]
        self._holders[number] = slot
        self._held.setdefault(slot[0], set()).add(number)
        kept_for = self._kept.pop(number, slot)
        if kept_for != slot:
            del self._last[kept_for]
        # One number is kept for a slot, not every one that it ever had.
        before = self._last.get(slot, number)
        if before != number and self._kept.get(before) == slot:
            del self._kept[before]
        self._last[slot] = number

    def _candidates(self, slot: Slot) -> Iterator[int]:
        """Every number once: upwards from one that follows from the name, the band last."""
        text = f"{slot[0]}/{slot[1]}".encode("utf-8", "surrogatepass")
        start = int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % (self._size - self._band)
        yield from range(self._band + start, self._size)
        yield from range(self._band, self._band + start)
        yield from range(self._band)
