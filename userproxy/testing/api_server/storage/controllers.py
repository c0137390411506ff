"""What controllers do in a cluster, done here at once: slices of Pods and of Endpoints, clearing namespaces.

In: every change of the store. Out: the writes that follow from it, through the registry.
"""

from __future__ import annotations

import contextlib

from userproxy.manifest.kinds import ENDPOINT_SLICE, ENDPOINTS, NAMESPACE, POD, SERVICE
from userproxy.manifest.mirroring import mirror
from userproxy.testing.api_server.schema.served import SERVED
from userproxy.testing.api_server.statuses import StatusError
from userproxy.testing.api_server.storage.history import Change, RawObject
from userproxy.testing.api_server.storage.pod_slices import slices_of
from userproxy.testing.api_server.storage.registry import Registry
from userproxy.testing.api_server.storage.store import Key, metadata_of

__all__ = ["Controllers"]


class Controllers:
    """Follows the store from construction on; each change is dealt with before its write returns."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._store = registry.store
        self._mirrored: dict[Key, set[str]] = {}
        """Names of the slices made of each Endpoints, which may be gone by another hand."""
        self._selected: dict[Key, set[str]] = {}
        """Names of the slices made of the Pods of each Service."""
        self._store.subscribe(self._on_change)

    def _on_change(self, change: Change) -> None:
        namespace, name = change.key
        if change.kind == NAMESPACE:
            self._clear_namespace(name)
            return
        if change.kind in (SERVICE, ENDPOINTS):
            self._mirror(namespace, name)
        if change.kind == SERVICE:
            self._select(namespace, name)
        if change.kind == POD:
            for service in tuple(self._store.objects(SERVICE, namespace)):
                self._select(namespace, _name(service))
        if change.kind == SERVICE and change.new is None and self._store.get(ENDPOINTS, *change.key):
            # The endpoints controller: a Service takes the Endpoints of its name along.
            self._registry.delete(ENDPOINTS, namespace, name)
        if change.new is None:
            self._finish_namespace(namespace)

    def _mirror(self, namespace: str, name: str) -> None:
        """Make the mirrored slices what the Endpoints of this name say now (rule D6)."""
        endpoints = self._store.get(ENDPOINTS, namespace, name)
        service = self._store.get(SERVICE, namespace, name)
        self._make(self._mirrored, (namespace, name), mirror(endpoints, service) if endpoints else ())

    def _select(self, namespace: str, name: str) -> None:
        """Make the slices of a Service what its Pods say now."""
        service = self._store.get(SERVICE, namespace, name)
        pods = self._store.objects(POD, namespace)
        self._make(self._selected, (namespace, name), slices_of(service, pods) if service else ())

    def _make(self, made: dict[Key, set[str]], key: Key, slices: tuple[dict[str, object], ...]) -> None:
        """Make ``slices`` of what ``key`` names, and take away those that were ``made`` of it before."""
        namespace, _ = key
        wanted = {_name(raw): raw for raw in slices}
        for slice_name in made.pop(key, set()) - set(wanted):
            if self._store.get(ENDPOINT_SLICE, namespace, slice_name) is not None:
                self._registry.delete(ENDPOINT_SLICE, namespace, slice_name)
        if not wanted or self._is_terminating(namespace):
            return
        made[key] = set(wanted)
        for slice_name, raw in wanted.items():
            # What was injected may be nothing that a slice can hold; there is nobody to tell.
            with contextlib.suppress(StatusError):
                if self._store.get(ENDPOINT_SLICE, namespace, slice_name) is None:
                    self._registry.create(ENDPOINT_SLICE, namespace, raw)
                else:
                    self._registry.replace(ENDPOINT_SLICE, namespace, slice_name, raw)

    def _clear_namespace(self, namespace: str) -> None:
        """Delete all that is in a namespace that is being terminated."""
        if not self._is_terminating(namespace):
            return
        for kind in SERVED:
            if kind.namespaced:
                for raw in tuple(self._store.objects(kind, namespace)):
                    # One may have taken another along.
                    if self._store.get(kind, namespace, _name(raw)) is not None:
                        self._registry.delete(kind, namespace, _name(raw))
        self._finish_namespace(namespace)

    def _finish_namespace(self, namespace: str) -> None:
        """Let a terminating namespace go once it is empty."""
        if self._is_terminating(namespace) and not any(
            any(True for _ in self._store.objects(kind, namespace)) for kind in SERVED if kind.namespaced
        ):
            self._registry.expunge(NAMESPACE, "", namespace)

    def _is_terminating(self, namespace: str) -> bool:
        found = self._store.get(NAMESPACE, "", namespace)
        return found is not None and bool(metadata_of(found).get("deletionTimestamp"))


def _name(raw: RawObject) -> str:
    return str(metadata_of(raw).get("name"))
