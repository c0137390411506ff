"""A new version of an object becomes complete, valid, and gets what is allocated for it."""

from __future__ import annotations

from collections.abc import Sequence

from userproxy.manifest.defaults import complete
from userproxy.manifest.field_errors import FieldError, Reason
from userproxy.manifest.kinds import POD, SERVICE, Kind
from userproxy.manifest.service_allocation import ServiceAllocator
from userproxy.manifest.service_updates import carry_over
from userproxy.manifest.validation import validate
from userproxy.model.names import NamespacedName
from userproxy.testing.api_server.statuses import internal, invalid
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.pods import validate_pod
from userproxy.testing.api_server.storage.store import metadata_of

__all__ = ["Settler"]


class Settler:
    """Completes, checks and allocates. It owns the addresses and ports that Services hold."""

    def __init__(self, allocator: ServiceAllocator) -> None:
        self._allocator = allocator

    def settle(
        self, kind: Kind, raw: RawObject, old: RawObject | None, *, dry_run: bool
    ) -> dict[str, object]:
        """``raw`` as it is to be stored, after ``old`` if there is one.

        Raises StatusError: 422 for values that break a rule, 500 when there is nothing left to allocate.
        """
        if kind == SERVICE and old is not None:
            raw = carry_over(raw, old)
        new = complete(raw, default_family=self._allocator.default_family)
        name = str(metadata_of(new).get("name"))
        _check(kind, name, validate_pod(new, old) if kind == POD else validate(new, old))
        if kind == SERVICE:
            allocated = self._allocator.allocate(new, old, dry_run=dry_run)
            _check(kind, name, allocated.errors)
            return allocated.service
        return new

    def release(self, kind: Kind, namespace: str, name: str) -> None:
        """The object is gone; what it held is free."""
        if kind == SERVICE:
            self._allocator.release(NamespacedName(namespace, name))


def _check(kind: Kind, name: str, errors: Sequence[FieldError]) -> None:
    exhausted = [error for error in errors if error.reason is Reason.EXHAUSTED]
    if exhausted:
        raise internal(str(exhausted[0]))
    if errors:
        raise invalid(kind, name, errors)
