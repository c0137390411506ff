"""Lists of objects: ``kind: List`` and the typed lists that an API server answers (rule D3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from userproxy.manifest.kinds import KINDS
from userproxy.model.fields import is_list

__all__ = ["unpack"]

_LIST_KINDS = frozenset({"List", *(kind.list_kind for kind in KINDS)})
_END = object()


def unpack(raw: object) -> Iterator[object]:
    """Yield the objects of ``raw``: its items when it is a list, at any depth, else itself. Never raises.

    What is no object is yielded as it is, so that whoever decodes it can report it: nulls and numbers
    among the items, and a list whose ``items`` is no list. Items of a typed list (``ServiceList``) may
    leave out ``kind`` and ``apiVersion``; they are filled in on a copy.
    """
    # A stack of its own instead of recursion: depth is the input's choice. YAML aliases can put a
    # list into itself; such an item is yielded as it is.
    opened: list[tuple[object, Iterator[object]]] = [(None, iter((raw,)))]
    while opened:
        item = next(opened[-1][1], _END)
        if item is _END:
            opened.pop()
            continue
        items = _items(item)
        if items is None or any(items is outer for outer, _ in opened):
            yield item
        else:
            implied = _implied(item)
            opened.append((items, (_filled(each, implied) for each in items)))


def _items(raw: object) -> Sequence[object] | None:
    """The items of a list object, or None when ``raw`` is none (or one that cannot be read)."""
    if not isinstance(raw, Mapping):
        return None
    kind = raw.get("kind")
    if not isinstance(kind, str) or not kind.endswith("List"):
        return None
    # A custom resource may be called AllowList: only ``items`` makes a list of an unknown kind.
    if kind not in _LIST_KINDS and "items" not in raw:
        return None
    items = raw.get("items")
    if items is None:
        return []
    return items if is_list(items) else None


def _implied(raw: object) -> dict[str, str]:
    """What the items of a typed list need not say; empty for ``kind: List``."""
    if not isinstance(raw, Mapping):
        return {}
    kind = str(raw.get("kind")).removesuffix("List")
    api_version = raw.get("apiVersion")
    implied = {"apiVersion": api_version} if kind and isinstance(api_version, str) else {}
    return {**implied, "kind": kind} if kind else {}


def _filled(item: object, implied: Mapping[str, str]) -> object:
    """``item``, with those of the ``implied`` fields that it leaves out."""
    if not isinstance(item, Mapping):
        return item
    missing = {field: value for field, value in implied.items() if item.get(field) in (None, "")}
    return (
        {**missing, **{key: value for key, value in item.items() if key not in missing}} if missing else item
    )
