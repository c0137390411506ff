"""Why a patch is not applied."""

from __future__ import annotations

from userproxy.errors import UserproxyError

__all__ = ["PatchError", "PatchMismatch"]


class PatchError(UserproxyError):
    """The patch is malformed, whatever it is applied to. An API server answers 400."""


class PatchMismatch(PatchError):
    """The patch is well formed and does not fit this object: a path that is missing, a test that fails.

    An API server answers 422.
    """
