"""The kinds that are served: those that userproxy reads, and Pods, which it reaches."""

from __future__ import annotations

from userproxy.manifest.kinds import KINDS, POD, Kind

__all__ = ["SERVED", "served_kind", "served_resource"]

SERVED = (*KINDS, POD)

_BY_KIND = {(kind.api_version, kind.kind): kind for kind in SERVED}
_BY_RESOURCE = {(kind.group, kind.version, kind.plural): kind for kind in SERVED}


def served_kind(api_version: object, kind: object) -> Kind | None:
    """The kind of an object with these two fields; None when it is not served, or they are no text."""
    if isinstance(api_version, str) and isinstance(kind, str):
        return _BY_KIND.get((api_version, kind))
    return None


def served_resource(group: str, version: str, plural: str) -> Kind | None:
    """The kind behind ``/api/VERSION/PLURAL`` or ``/apis/GROUP/VERSION/PLURAL``; None when not served."""
    return _BY_RESOURCE.get((group, version, plural))
