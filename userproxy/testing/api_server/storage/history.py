"""The history of changes: versions that grow by one, bounded, and cut on request."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from userproxy.manifest.kinds import Kind
from userproxy.testing.api_server.statuses import expired

__all__ = ["Change", "History", "RawObject"]

RawObject = Mapping[str, object]
"""A stored object. Shared with every reader, therefore never changed in place."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write. ``old`` is None for a new object, ``new`` is None for one that is gone."""

    version: int
    kind: Kind
    key: tuple[str, str]
    """Namespace ("" for kinds without) and name."""
    old: RawObject | None
    new: RawObject | None


class History:
    """Every change after `compacted`, in order; at most ``limit`` of them, the oldest go first."""

    def __init__(self, first_version: int, limit: int) -> None:
        self._changes: deque[Change] = deque()
        self._limit = limit
        self.version = first_version
        """The newest version; a list now is as of this one."""
        self.compacted = first_version
        """Changes up to and with this version are gone. Reading on from this very version still works."""

    def append(self, change: Change) -> None:
        """Add the next change. Its version must be the next number."""
        self._changes.append(change)
        self.version = change.version
        while len(self._changes) > self._limit:
            self.compacted = self._changes.popleft().version

    def compact(self) -> None:
        """Forget every change so far; whoever has not read them yet meets 410."""
        self._changes.clear()
        self.compacted = self.version

    def after(self, version: int) -> Iterator[Change]:
        """The changes that came after ``version``, oldest first.

        Raises StatusError (410, Expired) when some of them are gone.
        """
        if version < self.compacted:
            raise expired(f"too old resource version: {version} ({self.compacted})")
        # Versions grow by one, so the position is known; a version of the future has nothing after it.
        return islice(self._changes, max(0, version - self.compacted), None)

    def back_to(self, version: int) -> Iterator[Change]:
        """The changes after ``version``, newest first: to be undone. Raises as `after`."""
        newer = list(self.after(version))
        return reversed(newer)
