"""The three kinds of patches that an API server takes, and why one is not applied."""

from __future__ import annotations

from userproxy.manifest.json_patches import json_patch
from userproxy.manifest.merge_patches import merge_patch
from userproxy.manifest.patch_errors import PatchError, PatchMismatch
from userproxy.manifest.strategic_patches import strategic_merge_patch

__all__ = ["PatchError", "PatchMismatch", "json_patch", "merge_patch", "strategic_merge_patch"]
