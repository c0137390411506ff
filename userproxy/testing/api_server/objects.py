"""Calls that change and read objects without HTTP: what a test does to its cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy

from userproxy.manifest.kinds import NAMESPACE, Kind
from userproxy.manifest.lists import unpack
from userproxy.sources.documents import read_documents
from userproxy.testing.api_server.presentation.discovery import STATUS_KINDS
from userproxy.testing.api_server.schema.served import SERVED, served_kind
from userproxy.testing.api_server.statuses import bad_request
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.registry import Registry
from userproxy.testing.api_server.storage.store import metadata_of
from userproxy.testing.api_server.storage.writing import WriteOptions

__all__ = ["Objects", "StoredObject"]

StoredObject = dict[str, object]
"""A copy of what is stored; the caller may do with it what it likes."""

_STRICT = WriteOptions(field_validation="Strict")


class Objects:
    """Creates, changes, deletes and reads objects, by the same rules as over HTTP.

    Refusals are raised as StatusError, which says why as kubectl would. ``kind`` is ``Service``,
    ``services`` or ``svc``, and so on; ValueError for one that is not served.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @property
    def resource_version(self) -> int:
        """The version of the newest write."""
        return self._registry.store.version

    async def apply(self, *objects: RawObject | str | bytes) -> tuple[StoredObject, ...]:
        """Make these objects so: created where they are missing, replaced where they exist.

        An object is a raw one, or YAML or JSON text with any number of them. A namespace that is missing is
        created. What was allocated stays where an object does not say otherwise, and so does a status,
        which is set where one is given. Unknown fields are refused. Returns what is stored now, in order.
        Raises StatusError for the first object that is refused (those before it are applied), and
        DocumentError for text that cannot be read.
        """
        return tuple(self._apply(raw) for given in objects for raw in _each(given))

    async def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """Delete the object, and what controllers take along: mirrored slices, a namespace's contents."""
        found = _kind(kind)
        self._registry.delete(found, namespace if found.namespaced else "", name)

    async def get(self, kind: str, name: str, namespace: str = "default") -> StoredObject | None:
        """The object as it is stored; None when there is none."""
        found = _kind(kind)
        stored = self._registry.store.get(found, namespace if found.namespaced else "", name)
        return None if stored is None else _copy(stored)

    async def list(self, kind: str, namespace: str = "") -> tuple[StoredObject, ...]:
        """All objects of the kind, sorted by namespace and name; "" is every namespace."""
        return tuple(_copy(raw) for raw in self._registry.store.objects(_kind(kind), namespace))

    async def inject(self, *objects: RawObject) -> tuple[StoredObject, ...]:
        """Store objects as they are: not completed, not checked, with nothing allocated.

        For what no API server would take, and clients may meet all the same. Each must have a kind that is
        served, a name and, if its kind has one, a namespace. Raises StatusError for another kind.
        """
        return tuple(_copy(self._registry.store.put(_kind_of(raw), raw)) for raw in objects)

    def _apply(self, raw: RawObject) -> StoredObject:
        kind = _kind_of(raw)
        metadata = metadata_of(raw)
        name = str(metadata.get("name") or "")
        namespace = str(metadata.get("namespace") or "default") if kind.namespaced else ""
        store = self._registry.store
        if kind.namespaced and store.get(NAMESPACE, "", namespace) is None:
            self._registry.create(NAMESPACE, "", {"metadata": {"name": namespace}})
        if name and store.get(kind, namespace, name) is not None:
            stored = self._registry.replace(kind, namespace, name, raw, _STRICT).object
        else:
            stored = self._registry.create(kind, namespace, raw, _STRICT).object
        if raw.get("status") and kind in STATUS_KINDS:
            name = str(metadata_of(stored)["name"])
            status = {**stored, "status": raw["status"]}
            stored = self._registry.replace(kind, namespace, name, status, _STRICT, "status").object
        return _copy(stored)


def _each(given: RawObject | str | bytes) -> Iterator[RawObject]:
    """The objects in ``given``. Raises StatusError (400) for what is none."""
    values = [given] if isinstance(given, Mapping) else [each.value for each in read_documents(given)]
    for value in values:
        for raw in unpack(value):
            if not isinstance(raw, Mapping):
                raise bad_request(f"the object provided is unrecognized: it is {type(raw).__name__}")
            yield raw


def _kind_of(raw: RawObject) -> Kind:
    api_version, kind = raw.get("apiVersion"), raw.get("kind")
    found = served_kind(api_version, kind)
    if found is None:
        raise bad_request(f'no matches for kind "{kind}" in version "{api_version}"')
    return found


def _kind(text: str) -> Kind:
    for kind in SERVED:
        if text in (kind.kind, kind.plural, kind.singular, *kind.short_names):
            return kind
    raise ValueError(f"kind {text!r} is not served; there are {', '.join(kind.kind for kind in SERVED)}")


def _copy(raw: RawObject) -> StoredObject:
    return dict(deepcopy(raw))
