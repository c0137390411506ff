"""The three kinds of patches that an API server takes.

In: a raw object and a patch, as parsed from JSON. Out: the patched raw object, or a `PatchError` that says
why not. Nothing is kept and no input is changed.
"""

from __future__ import annotations

from userproxy.manifest.patches.errors import PatchError, PatchMismatch
from userproxy.manifest.patches.json_patches import json_patch
from userproxy.manifest.patches.merge_patches import merge_patch
from userproxy.manifest.patches.strategic_patches import strategic_merge_patch

__all__ = ["PatchError", "PatchMismatch", "json_patch", "merge_patch", "strategic_merge_patch"]
