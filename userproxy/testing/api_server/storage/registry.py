"""The registry: the one way to write objects, with all that an API server does on the way in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random

from userproxy.manifest.kinds import ENDPOINTS, NAMESPACE, POD, SERVICE, Kind
from userproxy.testing.api_server.statuses import (
    already_exists,
    bad_request,
    forbidden,
    not_found,
)
from userproxy.testing.api_server.storage.conditions import check_basis, check_preconditions
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.identity import (
    born,
    counted,
    dying,
    inherited,
    same_content,
)
from userproxy.testing.api_server.storage.intake import named, placed, take_in
from userproxy.testing.api_server.storage.kubelet import Kubelet
from userproxy.testing.api_server.storage.settling import Settler
from userproxy.testing.api_server.storage.store import Store, metadata_of, with_metadata
from userproxy.testing.api_server.storage.writing import (
    DELETE,
    WRITE,
    Deleted,
    DeleteOptions,
    WriteOptions,
    Written,
)

__all__ = ["PROTECTED_NAMESPACES", "Registry"]

PROTECTED_NAMESPACES = ("default", "kube-system", "kube-public")
"""Namespaces that cannot be deleted."""

_AT_BIRTH: Mapping[Kind, RawObject] = {
    SERVICE: {"status": {"loadBalancer": {}}},
    NAMESPACE: {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}},
}
"""What nobody may state when creating an object. A Node brings its own status."""


class Registry:
    """Creates, replaces, patches and deletes. Every refusal is a StatusError, and changes nothing."""

    def __init__(self, store: Store, settler: Settler, clock: Callable[[], datetime], random: Random) -> None:
        self.store = store
        self._settler = settler
        self._clock = clock
        self._random = random
        self._kubelet = Kubelet(store)

    def create(self, kind: Kind, namespace: str, raw: RawObject, options: WriteOptions = WRITE) -> Written:
        """Store a new object. Refused with 400, 404 (no such namespace), 409 (exists) or 422."""
        intake = take_in(kind, raw, options.field_validation)
        new = named(kind, placed(kind, intake.object, namespace), self._random)
        name = str(metadata_of(new)["name"])
        if metadata_of(new).get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        self._check_namespace(kind, namespace, name)
        if self.store.get(kind, namespace, name) is not None:
            raise already_exists(kind, name)
        new = born(kind, {**new, **_AT_BIRTH.get(kind, {})}, self._clock(), self._random)
        if kind == POD:
            new = self._kubelet.started(new, self._clock())
        settled = self._settler.settle(kind, new, None, dry_run=options.dry_run)
        return Written(self._stored(kind, settled, options, None), created=True, warnings=intake.warnings)

    def replace(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        raw: RawObject,
        options: WriteOptions = WRITE,
        subresource: str = "",
    ) -> Written:
        """Store the next version; with ``subresource`` "status" only that part of it counts.

        Refused with 400, 404, 409 (another version or uid than the stored one) or 422.
        """
        old = self.store.get(kind, namespace, name)
        if old is None and kind == ENDPOINTS:
            return self.create(kind, namespace, with_metadata(raw, name=name), options)
        if old is None:
            raise not_found(kind, name)
        intake = take_in(kind, raw, options.field_validation)
        new = with_metadata(placed(kind, intake.object, namespace), name=name)
        check_basis(kind, name, metadata_of(new), metadata_of(old))
        new = inherited(_merged(new, old, subresource), old)
        new = counted(kind, self._settler.settle(kind, new, old, dry_run=options.dry_run), old)
        if same_content(new, old):
            return Written(old, warnings=intake.warnings)
        if metadata_of(new).get("deletionTimestamp") and kind != NAMESPACE and not _finalizers(new):
            return Written(self._removed(kind, namespace, name, options), warnings=intake.warnings)
        return Written(self._stored(kind, new, options, old), warnings=intake.warnings)

    def patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        patch: Callable[[RawObject], RawObject],
        options: WriteOptions = WRITE,
        subresource: str = "",
    ) -> Written:
        """Replace the object by what ``patch`` makes of it. Refused as `replace` does, and by ``patch``."""
        old = self.store.get(kind, namespace, name)
        if old is None:
            raise not_found(kind, name)
        new = patch(old)
        stated = metadata_of(new).get("name")
        if stated != name:
            raise bad_request(
                f"the name of the object ({stated}) does not match the name on the URL ({name})"
            )
        return self.replace(kind, namespace, name, new, options, subresource)

    def delete(self, kind: Kind, namespace: str, name: str, options: DeleteOptions = DELETE) -> Deleted:
        """Take the object out, or let it wait for its finalizers. Refused with 403, 404 or 409."""
        old = self.store.get(kind, namespace, name)
        if old is None:
            raise not_found(kind, name)
        if kind == NAMESPACE and name in PROTECTED_NAMESPACES:
            raise forbidden(kind, name, "this namespace may not be deleted")
        check_preconditions(kind, name, metadata_of(old), options)
        if options.dry_run:
            return Deleted(old, gone=True)
        if kind != NAMESPACE and not _finalizers(old):
            return Deleted(self._removed(kind, namespace, name, WRITE), gone=True)
        if metadata_of(old).get("deletionTimestamp"):
            return Deleted(old, gone=False)
        last = dying(old, self._clock())
        if kind == NAMESPACE:
            last["status"] = {"phase": "Terminating"}
        stored = self.store.put(kind, last)
        return Deleted(stored, gone=self.store.get(kind, namespace, name) is None)

    def expunge(self, kind: Kind, namespace: str, name: str) -> None:
        """Take the object out, whatever it waits for. Raises KeyError when it is not there."""
        self._removed(kind, namespace, name, WRITE)

    def _stored(self, kind: Kind, new: RawObject, options: WriteOptions, old: RawObject | None) -> RawObject:
        if not options.dry_run:
            return self.store.put(kind, new)
        # Nothing is stored: the version is still that of the old one.
        return with_metadata(new, resourceVersion=metadata_of(old).get("resourceVersion")) if old else new

    def _removed(self, kind: Kind, namespace: str, name: str, options: WriteOptions) -> RawObject:
        if options.dry_run:
            return self.store.get(kind, namespace, name) or {}
        self._settler.release(kind, namespace, name)
        return self.store.remove(kind, namespace, name)

    def _check_namespace(self, kind: Kind, namespace: str, name: str) -> None:
        """Raise unless new objects may be put into ``namespace``."""
        if not kind.namespaced:
            return
        found = self.store.get(NAMESPACE, "", namespace)
        if found is None:
            raise not_found(NAMESPACE, namespace)
        if metadata_of(found).get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise forbidden(kind, name, why)


def _merged(new: RawObject, old: RawObject, subresource: str) -> dict[str, object]:
    """The part of ``new`` that the request may change, the rest from ``old``."""
    if subresource:
        return {**old, "status": new.get("status") or {}}
    return {**new, "status": old["status"]} if "status" in old else _without_status(new)


def _without_status(raw: RawObject) -> dict[str, object]:
    return {field: value for field, value in raw.items() if field != "status"}


def _finalizers(raw: RawObject) -> object:
    return metadata_of(raw).get("finalizers")
