"""A written object on its way in: read by its shape, completed, named (the checks before any rule)."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from userproxy.manifest.field_errors import FieldError, Reason
from userproxy.manifest.kinds import Kind
from userproxy.testing.api_server.schema.kinds import SHAPES
from userproxy.testing.api_server.schema.pruning import WrongType, prune
from userproxy.testing.api_server.statuses import bad_request, invalid
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.store import metadata_of, with_metadata

__all__ = ["Intake", "named", "placed", "take_in"]

_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5


@dataclass(frozen=True, slots=True)
class Intake:
    """An object as the API server reads it, and what it warns the client of."""

    object: dict[str, object]
    warnings: tuple[str, ...] = ()


def take_in(kind: Kind, raw: RawObject, field_validation: str) -> Intake:
    """``raw`` without what its kind does not have.

    ``field_validation`` is Strict, Warn or Ignore. Raises StatusError (400) for another kind or version
    than the path's, for a field of the wrong type, and with Strict for a field that is not known.
    """
    found = (raw.get("apiVersion") or kind.api_version, raw.get("kind") or kind.kind)
    if found != (kind.api_version, kind.kind):
        raise bad_request(
            f"the API version in the data ({found[0]}, Kind={found[1]}) does not match the expected API"
            f" version ({kind.api_version}, Kind={kind.kind})"
        )
    what = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}'
    try:
        pruned = prune(raw, SHAPES[kind])
    except WrongType as error:
        raise bad_request(f"{what}: {error}") from error
    unknown = tuple(f'unknown field "{path}"' for path in pruned.unknown)
    if unknown and field_validation == "Strict":
        raise bad_request(f"{what}: strict decoding error: {', '.join(unknown)}")
    # A shape without metadata is still an object with metadata.
    complete = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {}, **pruned.object}
    return Intake(complete, unknown if field_validation == "Warn" else ())


def placed(kind: Kind, raw: RawObject, namespace: str) -> dict[str, object]:
    """``raw`` in the namespace of the request. Raises StatusError (400) when it names another."""
    stated = metadata_of(raw).get("namespace")
    if kind.namespaced and stated and stated != namespace:
        raise bad_request(
            f"the namespace of the provided object does not match the namespace sent on the request"
            f" ({stated} and {namespace})"
        )
    return with_metadata(raw, namespace=namespace if kind.namespaced else None)


def named(kind: Kind, raw: RawObject, random: Random) -> dict[str, object]:
    """``raw`` with a name, made from ``generateName`` if it has none. Raises StatusError (422) without."""
    metadata = metadata_of(raw)
    if metadata.get("name"):
        return dict(raw)
    prefix = metadata.get("generateName")
    if not prefix:
        message = "name or generateName is required"
        raise invalid(kind, "", [FieldError("metadata.name", "", message, Reason.REQUIRED)])
    suffix = "".join(random.choices(_SUFFIX_ALPHABET, k=_SUFFIX_LENGTH))
    return with_metadata(raw, name=f"{prefix}{suffix}")
