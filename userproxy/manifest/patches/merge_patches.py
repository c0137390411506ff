"""JSON Merge Patch (RFC 7386)."""

from __future__ import annotations

from userproxy.manifest.patches.errors import PatchError
from userproxy.model.fields import is_object

__all__ = ["merge_patch"]


def merge_patch(target: object, patch: object) -> object:
    """``target`` with the fields of ``patch`` in it; null removes a field. Neither is changed.

    Raises PatchError when it is nested too deeply.
    """
    try:
        return _merged(target, patch)
    except RecursionError:
        raise PatchError("the merge patch is nested too deeply") from None


def _merged(target: object, patch: object) -> object:
    if not is_object(patch):
        return patch
    merged = dict(target) if is_object(target) else {}
    for field, value in patch.items():
        if value is None:
            merged.pop(field, None)
        else:
            merged[field] = _merged(merged.get(field), value)
    return merged
