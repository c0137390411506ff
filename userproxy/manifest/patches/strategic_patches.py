"""Strategic merge patches: a merge patch that knows which lists are merged, and by what.

Kubernetes: "Update API Objects in Place Using kubectl patch", and the design note
"strategic-merge-patch". Lists without an entry in `MERGED_LISTS` are replaced whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

from userproxy.manifest.kinds import ENDPOINT_SLICE, ENDPOINTS, NAMESPACE, NODE, POD, SERVICE, Kind
from userproxy.manifest.patches.errors import PatchError
from userproxy.manifest.patches.merged_lists import ListPatch, MergedList
from userproxy.model.fields import is_list, is_object
from userproxy.model.findings import shorten

__all__ = ["MERGED_LISTS", "strategic_merge_patch"]

_METADATA = {
    "metadata.finalizers": MergedList(),
    "metadata.ownerReferences": MergedList("uid"),
}

MERGED_LISTS: Mapping[Kind, Mapping[str, MergedList]] = MappingProxyType(
    {
        SERVICE: {
            **_METADATA,
            "spec.ports": MergedList("port", tiebreaker="protocol"),
            "status.conditions": MergedList("type"),
        },
        NODE: {
            **_METADATA,
            "spec.podCIDRs": MergedList(),
            "status.addresses": MergedList("type"),
            "status.conditions": MergedList("type"),
        },
        NAMESPACE: {**_METADATA, "status.conditions": MergedList("type")},
        POD: {
            **_METADATA,
            "spec.containers": MergedList("name"),
            "spec.containers[].ports": MergedList("containerPort", tiebreaker="protocol"),
            "status.conditions": MergedList("type"),
            "status.podIPs": MergedList("ip"),
        },
        ENDPOINTS: _METADATA,
        ENDPOINT_SLICE: _METADATA,
    }
)
"""The lists that are merged, by their path: ``patchMergeKey`` of the API's types."""

_DIRECTIVE = "$patch"
_RETAIN_KEYS = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def strategic_merge_patch(raw: Mapping[str, object], patch: object, kind: Kind) -> dict[str, object]:
    """``raw``, an object of ``kind``, with ``patch`` merged into it; neither is changed.

    Null removes a field. Directives: ``$patch`` (delete, replace, merge) in objects and in items of merged
    lists, ``$setElementOrder/LIST``, ``$deleteFromPrimitiveList/LIST`` and ``$retainKeys``.
    Raises PatchError for a malformed patch, and PatchMismatch for one that does not fit the object.
    """
    if not is_object(patch):
        raise PatchError(f"a strategic merge patch must be an object, not {shorten(patch)}")
    try:
        return _merge_objects(raw, patch, "", MERGED_LISTS[kind])
    except RecursionError:
        raise PatchError("the strategic merge patch is nested too deeply") from None


def _merge_objects(
    target: Mapping[str, object], patch: Mapping[str, object], path: str, lists: Mapping[str, MergedList]
) -> dict[str, object]:
    directive = patch.get(_DIRECTIVE, "merge")
    if directive not in ("delete", "replace", "merge"):
        raise PatchError(f"{path or 'the object'}: $patch must be delete, replace or merge")
    if directive == "delete":
        return {}
    merged = {} if directive == "replace" else _retained(target, patch, path)
    for field in _fields(patch):
        field_path = f"{path}.{field}" if path else field
        value = patch.get(field)
        if field in patch and value is None:
            merged.pop(field, None)
        elif field_path in lists and (value is None or is_list(value)):
            current = merged.get(field)
            items = _list_patch(patch, field, field_path).apply(
                current if is_list(current) else (),
                lists[field_path],
                partial(_merge_objects, path=f"{field_path}[]", lists=lists),
            )
            if field in merged or field in patch:
                merged[field] = items
        elif field not in patch:
            raise PatchError(f"{field_path}: is no list that is merged, so directives have no meaning")
        elif is_object(value):
            current = merged.get(field)
            merged[field] = _merge_objects(current if is_object(current) else {}, value, field_path, lists)
        else:
            merged[field] = value
    return merged


def _fields(patch: Mapping[str, object]) -> list[str]:
    """The fields that a patch speaks of, by themselves or by a directive, each once and in order."""
    fields: dict[str, None] = {}
    for name in patch:
        if name in (_DIRECTIVE, _RETAIN_KEYS):
            continue
        prefix = next((prefix for prefix in (_ORDER, _DELETE) if name.startswith(prefix)), "")
        fields[name.removeprefix(prefix)] = None
    return list(fields)


def _list_patch(patch: Mapping[str, object], field: str, path: str) -> ListPatch:
    """All that the patch says of a merged list."""
    found: dict[str, Sequence[object]] = {}
    for name in (field, _ORDER + field, _DELETE + field):
        value = patch.get(name)
        if is_list(value):
            found[name] = value
        elif value is not None:
            raise PatchError(f"{path}: {name} must be a list, not {shorten(value)}")
    return ListPatch(path, found.get(field, ()), found.get(_ORDER + field), found.get(_DELETE + field, ()))


def _retained(target: Mapping[str, object], patch: Mapping[str, object], path: str) -> dict[str, object]:
    """``target``, with only the fields that ``$retainKeys`` lists when it is there."""
    if _RETAIN_KEYS not in patch:
        return dict(target)
    keys = patch[_RETAIN_KEYS]
    if not is_list(keys):
        raise PatchError(f"{path or 'the object'}: $retainKeys must be a list, not {shorten(keys)}")
    for field in _fields(patch):
        if patch.get(field) is not None and field not in keys:
            raise PatchError(
                f"{path or 'the object'}: $retainKeys does not list {field}, which the patch sets"
            )
    return {field: value for field, value in target.items() if field in keys}
