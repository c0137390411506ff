"""One watch as a cursor over the history: what it says first, and what is new (API concepts, "Watch")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from userproxy.manifest.kinds import Kind
from userproxy.testing.api_server.reading.options import ListOptions
from userproxy.testing.api_server.statuses import StatusError, too_large_version
from userproxy.testing.api_server.storage.history import Change, RawObject
from userproxy.testing.api_server.storage.store import Store, with_metadata

__all__ = ["INITIAL_EVENTS_END", "Watch", "WatchEvent", "error_event"]

INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One line of a watch."""

    type: str
    """ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""
    object: RawObject


def error_event(error: StatusError) -> WatchEvent:
    """How a watch that is already under way says what went wrong."""
    return WatchEvent("ERROR", error.body())


class Watch:
    """What one watcher is told, in order. It holds a position in the history and nothing else.

    Raises StatusError (504) on construction when initial events of a version of the future are asked for.
    """

    def __init__(self, store: Store, kind: Kind, namespace: str, options: ListOptions) -> None:
        asked = options.resource_version or 0
        if options.initial_events and asked > store.version:
            raise too_large_version(asked, store.version)
        self._store = store
        self._kind = kind
        self._namespace = namespace
        self._options = options
        # Versions "" and "0" start with what exists, unless the watcher says no.
        self._replays = options.initial_events if options.initial_events is not None else not asked
        self.version = store.version if self._replays or not asked else asked
        """Everything up to this version has been told."""

    def initial(self) -> Iterator[WatchEvent]:
        """What exists at the start as ADDED events, and their end mark if it was asked for."""
        if not self._replays:
            return
        for raw in self._store.objects(self._kind, self._namespace, at=self.version):
            if self._options.matches(raw):
                yield WatchEvent("ADDED", raw)
        if self._options.initial_events and self._options.bookmarks:
            yield self.bookmark(initial_end=True)

    def news(self) -> Iterator[WatchEvent]:
        """The events since the last call. Raises StatusError (410) when the history no longer has them."""
        changes = list(self._store.changes(self.version))
        for change in changes:
            self.version = change.version
            event = self._event(change)
            if event is not None:
                yield event

    def bookmark(self, *, initial_end: bool = False) -> WatchEvent:
        """The version up to which everything has been told, as an object without a name."""
        metadata: dict[str, object] = {"resourceVersion": str(self.version), "creationTimestamp": None}
        if initial_end:
            metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
        body = {"kind": self._kind.kind, "apiVersion": self._kind.api_version, "metadata": metadata}
        return WatchEvent("BOOKMARK", body)

    def _event(self, change: Change) -> WatchEvent | None:
        """The change as this watcher sees it: an object that its selectors lose is DELETED for it."""
        if change.kind != self._kind or self._namespace not in ("", change.key[0]):
            return None
        old = change.old if change.old is not None and self._options.matches(change.old) else None
        new = change.new if change.new is not None and self._options.matches(change.new) else None
        if new is not None:
            return WatchEvent("ADDED" if old is None else "MODIFIED", new)
        if old is not None:
            return WatchEvent("DELETED", with_metadata(old, resourceVersion=str(change.version)))
        return None
