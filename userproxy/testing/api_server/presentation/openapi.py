"""OpenAPI v3: as much as kubectl needs to validate, to explain, and to choose how it patches.

kubectl reads three things: the schema of a kind (found by its group, version and kind), whether the
patch of that kind knows ``dryRun`` and ``fieldValidation``, and which patch formats it takes.
"""

from __future__ import annotations

from userproxy.manifest.kinds import Kind
from userproxy.testing.api_server.schema.kinds import SHAPES
from userproxy.testing.api_server.schema.served import SERVED
from userproxy.testing.api_server.schema.types import FieldType, ListOf, MapOf, Scalar, Struct
from userproxy.testing.api_server.storage.patching import PATCH_TYPES

__all__ = ["EMPTY_V2", "EMPTY_V2_PROTOBUF", "document", "index"]

EMPTY_V2 = {"swagger": "2.0", "info": {"title": "userproxy test API server", "version": "v1"}, "paths": {}}
"""OpenAPI v2 that knows no kind: kubectl asks for it when it meets ``kind: List``, and when it is older than
1.29. What it does not find there it leaves to the server to validate."""
EMPTY_V2_PROTOBUF = b"\x0a\x032.0\x12\x06\x0a\x00\x12\x02v1"
"""The same as the protobuf message that kubectl wants: ``swagger`` and ``info.version``."""

_GVK = "x-kubernetes-group-version-kind"


def index() -> dict[str, object]:
    """``/openapi/v3``: where the document of each group and version is."""
    roots = dict.fromkeys(_root(kind) for kind in SERVED)
    return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in roots}}


def document(root: str) -> dict[str, object] | None:
    """The document of ``api/v1`` or ``apis/GROUP/VERSION``; None when it is not served."""
    kinds = [kind for kind in SERVED if _root(kind) == root]
    if not kinds:
        return None
    paths: dict[str, object] = {}
    for kind in kinds:
        paths |= _paths(kind)
    return {
        "openapi": "3.0.0",
        "info": {"title": "userproxy test API server", "version": "v1"},
        "paths": paths,
        "components": {"schemas": {_component(kind): _kind_schema(kind) for kind in kinds}},
    }


def _root(kind: Kind) -> str:
    return f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"


def _component(kind: Kind) -> str:
    package = kind.group.partition(".")[0] or "core"
    return f"io.k8s.api.{package}.{kind.version}.{kind.kind}"


def _gvk(kind: Kind) -> dict[str, str]:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _kind_schema(kind: Kind) -> dict[str, object]:
    return {**_schema(SHAPES[kind]), _GVK: [_gvk(kind)]}


def _schema(type_: FieldType) -> dict[str, object]:
    match type_:
        case Struct():
            properties = {name: _schema(field) for name, field in type_.fields.items()}
            required = {"required": list(type_.required)} if type_.required else {}
            return {"type": "object", "properties": properties, **required}
        case MapOf():
            return {"type": "object", "additionalProperties": _schema(type_.value)}
        case ListOf():
            return {"type": "array", "items": _schema(type_.item), **_merging(type_)}
        case Scalar():
            return _scalar(type_)


def _merging(type_: ListOf) -> dict[str, object]:
    if type_.merge_key:
        return {
            "x-kubernetes-patch-merge-key": type_.merge_key,
            "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [type_.merge_key],
        }
    if type_.merges:
        return {"x-kubernetes-patch-strategy": "merge", "x-kubernetes-list-type": "set"}
    return {"x-kubernetes-list-type": "atomic"}


def _scalar(type_: Scalar) -> dict[str, object]:
    if type_.type == "any":
        return {"x-kubernetes-preserve-unknown-fields": True}
    if type_.type == "int-or-string":
        return {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}
    return {"type": type_.type, **({"format": type_.format} if type_.format else {})}


def _paths(kind: Kind) -> dict[str, object]:
    within = "/namespaces/{namespace}" if kind.namespaced else ""
    collection = f"/{_root(kind)}{within}/{kind.plural}"
    body = {"required": True, "content": {"application/json": {"schema": _reference(kind)}}}
    patch = {"required": True, "content": {each: {"schema": {"type": "object"}} for each in PATCH_TYPES}}
    return {
        collection: {
            "get": _operation(kind, "list"),
            "post": {**_operation(kind, "post"), "requestBody": body},
        },
        f"{collection}/{{name}}": {
            "get": _operation(kind, "get"),
            "put": {**_operation(kind, "put"), "requestBody": body},
            "patch": {**_operation(kind, "patch"), "requestBody": patch},
            "delete": _operation(kind, "delete"),
        },
    }


def _operation(kind: Kind, action: str) -> dict[str, object]:
    writes = {"post", "put", "patch"}
    names = ["dryRun", "fieldManager", "fieldValidation"] if action in writes else []
    return {
        "x-kubernetes-action": action,
        _GVK: _gvk(kind),
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names],
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": _reference(kind)}}}
        },
    }


def _reference(kind: Kind) -> dict[str, object]:
    return {"$ref": f"#/components/schemas/{_component(kind)}"}
