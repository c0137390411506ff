"""The store: objects by kind, namespace and name, as of now or as of any version still remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from userproxy.manifest.kinds import Kind
from userproxy.testing.api_server.storage.history import Change, History, RawObject

__all__ = ["Key", "Store", "key_of", "metadata_of", "with_metadata"]

Key = tuple[str, str]
"""Namespace ("" for kinds without) and name."""


class Store:
    """Holds objects and tells every subscriber of each change, in order, before the write returns.

    It stamps ``metadata.resourceVersion`` and judges nothing else: rules are the registry's. Objects
    given to it and taken from it are shared and must not be changed in place.
    """

    def __init__(self, *, first_version: int = 1, history_limit: int = 10_000) -> None:
        self._objects: dict[Kind, dict[Key, RawObject]] = {}
        self._history = History(first_version, history_limit)
        self._subscribers: dict[int, Callable[[Change], None]] = {}
        self._next_subscriber = 0

    @property
    def version(self) -> int:
        """The version of the newest write."""
        return self._history.version

    @property
    def compacted(self) -> int:
        """The oldest version that can still be read on from."""
        return self._history.compacted

    def get(self, kind: Kind, namespace: str, name: str) -> RawObject | None:
        return self._objects.get(kind, {}).get((namespace, name))

    def objects(self, kind: Kind, namespace: str = "", *, at: int | None = None) -> Iterator[RawObject]:
        """Objects sorted by namespace and name; "" is every namespace. ``at``: as of that version.

        Raises StatusError (410, Expired) when ``at`` is no longer remembered.
        """
        held = self._objects.get(kind, {})
        if at is not None and at < self.version:
            held = self._as_of(kind, at)
        return (raw for key, raw in sorted(held.items(), key=_by_key) if namespace in ("", key[0]))

    def put(self, kind: Kind, raw: RawObject) -> RawObject:
        """Store ``raw`` under its own namespace and name, with the next version."""
        key = key_of(raw)
        held = self._objects.setdefault(kind, {})
        stored = self._stamped(raw)
        old = held.get(key)
        held[key] = stored
        self._changed(kind, key, old, stored)
        return stored

    def remove(self, kind: Kind, namespace: str, name: str) -> RawObject:
        """Take the object out; gives its last state, with the version of the removal.

        Raises KeyError when it is not there.
        """
        key = (namespace, name)
        old = self._objects.get(kind, {}).pop(key)
        final = self._stamped(old)
        self._changed(kind, key, old, None)
        return final

    def changes(self, after: int) -> Iterator[Change]:
        """Changes of every kind after a version. Raises StatusError (410, Expired) when some are gone."""
        return self._history.after(after)

    def compact(self) -> None:
        """Forget the history: older versions and continue tokens are answered by 410 from now on."""
        self._history.compact()

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``callback`` with each change, at once. Gives the function that ends it."""
        number = self._next_subscriber
        self._next_subscriber += 1
        self._subscribers[number] = callback
        return lambda: self._subscribers.pop(number, None) and None

    def _as_of(self, kind: Kind, version: int) -> dict[Key, RawObject]:
        """The objects as they were, by undoing what came later."""
        held = dict(self._objects.get(kind, {}))
        for change in self._history.back_to(version):
            if change.kind != kind:
                continue
            if change.old is None:
                held.pop(change.key, None)
            else:
                held[change.key] = change.old
        return held

    def _stamped(self, raw: RawObject) -> RawObject:
        return with_metadata(raw, resourceVersion=str(self.version + 1))

    def _changed(self, kind: Kind, key: Key, old: RawObject | None, new: RawObject | None) -> None:
        change = Change(self.version + 1, kind, key, old, new)
        self._history.append(change)
        for callback in tuple(self._subscribers.values()):
            callback(change)


def metadata_of(raw: RawObject) -> RawObject:
    """``metadata`` of an object; empty when it has none that can be read."""
    metadata = raw.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def with_metadata(raw: RawObject, **fields: object) -> dict[str, object]:
    """A copy of ``raw`` with these fields of its metadata set; None takes a field away."""
    metadata = {**metadata_of(raw), **fields}
    return {**raw, "metadata": {field: value for field, value in metadata.items() if value is not None}}


def key_of(raw: RawObject) -> Key:
    """Namespace and name of an object, as its metadata has them."""
    metadata = metadata_of(raw)
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")


def _by_key(item: tuple[Key, RawObject]) -> Key:
    return item[0]
