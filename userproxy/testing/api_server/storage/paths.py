"""What stands at a path of a raw object, which may have been stored without any check. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from userproxy.model.fields import is_list, is_object

__all__ = ["at", "objects_at"]


def at(raw: object, *path: str) -> object:
    """The value at a path; None when some step is missing or no object."""
    for step in path:
        raw = raw.get(step) if is_object(raw) else None
    return raw


def objects_at(raw: object, *path: str) -> list[Mapping[str, object]]:
    """The objects in the list at a path; none when it is no list."""
    value = at(raw, *path)
    return [each for each in value if is_object(each)] if is_list(value) else []
