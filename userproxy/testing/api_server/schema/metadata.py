"""``metadata`` and ``conditions``: the parts that the kinds have in common."""

from __future__ import annotations

from userproxy.testing.api_server.schema.types import (
    ANY,
    BOOLEAN,
    INT64,
    STRING,
    FieldType,
    ListOf,
    MapOf,
    Struct,
    struct,
)

__all__ = ["CONDITIONS", "OBJECT_REFERENCE", "top_level"]

_OBJECT_META = struct(
    name=STRING,
    generateName=STRING,
    namespace=STRING,
    selfLink=STRING,
    uid=STRING,
    resourceVersion=STRING,
    generation=INT64,
    creationTimestamp=STRING,
    deletionTimestamp=STRING,
    deletionGracePeriodSeconds=INT64,
    labels=MapOf(STRING),
    annotations=MapOf(STRING),
    ownerReferences=ListOf(
        Struct(
            {
                "apiVersion": STRING,
                "kind": STRING,
                "name": STRING,
                "uid": STRING,
                "controller": BOOLEAN,
                "blockOwnerDeletion": BOOLEAN,
            },
            required=("apiVersion", "kind", "name", "uid"),
        ),
        merge_key="uid",
    ),
    finalizers=ListOf(STRING, merges=True),
    managedFields=ListOf(ANY),
)

OBJECT_REFERENCE = struct(
    kind=STRING,
    namespace=STRING,
    name=STRING,
    uid=STRING,
    apiVersion=STRING,
    resourceVersion=STRING,
    fieldPath=STRING,
)

CONDITIONS = ListOf(
    Struct(
        {
            "type": STRING,
            "status": STRING,
            "observedGeneration": INT64,
            "lastHeartbeatTime": STRING,
            "lastTransitionTime": STRING,
            "reason": STRING,
            "message": STRING,
        },
        required=("type", "status"),
    ),
    merge_key="type",
)


def top_level(
    *, required: tuple[str, ...] = (), shown_when_absent: tuple[str, ...] = (), **fields: FieldType
) -> Struct:
    """A kind: its own fields, and those that every kind has."""
    shared: dict[str, FieldType] = {"apiVersion": STRING, "kind": STRING, "metadata": _OBJECT_META}
    return Struct({**shared, **fields}, required, shown_when_absent)
