"""What the API server itself writes into metadata: uid, times, generation, and what an update keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from userproxy.manifest.kinds import ENDPOINT_SLICE, Kind
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.store import metadata_of, with_metadata

__all__ = ["born", "counted", "dying", "inherited", "same_content", "timestamp"]

_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_GIVEN = (*_KEPT, "selfLink", "managedFields", "resourceVersion")


def born(kind: Kind, raw: RawObject, now: datetime, random: Random) -> dict[str, object]:
    """``raw`` as a new object: what only the API server may say is its own."""
    given: dict[str, object] = dict.fromkeys(_GIVEN)
    given["uid"] = str(UUID(int=random.getrandbits(128), version=4))
    given["creationTimestamp"] = timestamp(now)
    if _counts(kind):
        given["generation"] = 1
    return with_metadata(raw, **given)


def inherited(raw: RawObject, old: RawObject) -> dict[str, object]:
    """``raw`` with what the next version of ``old`` keeps of it."""
    before = metadata_of(old)
    given: dict[str, object] = dict.fromkeys(_GIVEN) | {name: before.get(name) for name in _KEPT}
    return with_metadata(raw, **given)


def counted(kind: Kind, new: RawObject, old: RawObject) -> dict[str, object]:
    """``new`` with the next generation, if its content differs from that of ``old``."""
    generation = metadata_of(old).get("generation")
    if _counts(kind) and isinstance(generation, int) and _counted(new) != _counted(old):
        return with_metadata(new, generation=generation + 1)
    return dict(new)


def dying(raw: RawObject, now: datetime) -> dict[str, object]:
    """``raw``, waiting for its finalizers."""
    return with_metadata(raw, deletionTimestamp=timestamp(now), deletionGracePeriodSeconds=0)


def same_content(one: RawObject, other: RawObject) -> bool:
    """True when nothing but the version tells them apart."""
    return with_metadata(one, resourceVersion=None) == with_metadata(other, resourceVersion=None)


def timestamp(now: datetime) -> str:
    """As times stand in objects."""
    return now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _counts(kind: Kind) -> bool:
    """Of the kinds that are served only slices have a generation."""
    return kind == ENDPOINT_SLICE


def _counted(raw: RawObject) -> Mapping[str, object]:
    """What a generation counts the changes of."""
    return {**raw, "metadata": metadata_of(raw).get("labels")}
