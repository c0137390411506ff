"""What the API server was last heard to hold of one collection, so that only differences are told. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Set

from userproxy.model.events import Delete, Event, Rejected, Upsert
from userproxy.model.names import ObjectRef

__all__ = ["Known"]


class Known:
    """The last word on each object; what says nothing new gives no event (rules E10, R5, S11).

    Decoded values are compared, not versions: a server restored from a backup may use a version twice.
    They are the very objects that routing holds, so this costs one dictionary.
    """

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: dict[ObjectRef, Upsert | Rejected] = {}

    def __len__(self) -> int:
        return len(self._said)

    def changed(self, ref: ObjectRef, event: Upsert | Rejected) -> Event | None:
        """``event`` is the word on ``ref`` now; returned only when it is news."""
        if self._said.get(ref) == event:
            return None
        self._said[ref] = event
        return event

    def deleted(self, ref: ObjectRef) -> Event | None:
        """``ref`` is gone; None when it was never known."""
        return Delete(ref) if self._said.pop(ref, None) is not None else None

    def keep_only(self, listed: Set[ObjectRef]) -> Iterator[Event]:
        """A whole list held ``listed`` and nothing else: the others vanished (rule R5)."""
        for ref in [ref for ref in self._said if ref not in listed]:
            del self._said[ref]
            yield Delete(ref)
