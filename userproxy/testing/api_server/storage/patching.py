"""Patches by their media type, as functions from the stored object to the next version."""

from __future__ import annotations

from collections.abc import Callable

from userproxy.manifest.kinds import Kind
from userproxy.manifest.patches import (
    PatchError,
    PatchMismatch,
    json_patch,
    merge_patch,
    strategic_merge_patch,
)
from userproxy.testing.api_server.statuses import StatusError, bad_request
from userproxy.testing.api_server.storage.history import RawObject

__all__ = ["PATCH_TYPES", "patch_with"]

_JSON = "application/json-patch+json"
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"

PATCH_TYPES = (_JSON, _MERGE, _STRATEGIC)
"""Patch formats that are served; server-side apply is not among them."""


def patch_with(media_type: str, patch: object, kind: Kind) -> Callable[[RawObject], RawObject]:
    """The function that applies ``patch``; ``media_type`` is one of ``PATCH_TYPES``.

    It raises StatusError: 400 for a malformed patch and for a result that is no object, 422 for a patch that
    does not fit the object.
    """

    def apply(stored: RawObject) -> RawObject:
        try:
            patched = _patched(stored, media_type, patch, kind)
        except PatchMismatch as error:
            raise StatusError(422, "Invalid", f"the patch does not fit the object: {error}") from error
        except PatchError as error:
            raise bad_request(f"the patch is malformed: {error}") from error
        if not isinstance(patched, dict):
            raise bad_request("the patch leaves no object behind")
        return patched

    return apply


def _patched(stored: RawObject, media_type: str, patch: object, kind: Kind) -> object:
    if media_type == _JSON:
        return json_patch(stored, patch)
    if media_type == _MERGE:
        return merge_patch(stored, patch)
    return strategic_merge_patch(stored, patch, kind)
