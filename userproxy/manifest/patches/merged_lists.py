"""Merging one list of a strategic merge patch: by a key of its objects, or as a set of scalars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from userproxy.manifest.patches.errors import PatchError, PatchMismatch
from userproxy.model.fields import is_list, is_object
from userproxy.model.findings import shorten

__all__ = ["ListPatch", "MergedList"]

Object = Mapping[str, object]
MergeObjects = Callable[[Object, Object], dict[str, object]]


@dataclass(frozen=True, slots=True)
class MergedList:
    """How the items of a list are told apart."""

    key: str = ""
    """Field of its objects; "": the list is a set of scalars."""
    tiebreaker: str = ""
    """Field that tells apart objects of the same key.

    Kubernetes has none: of two protocols on one port it patches the first and deletes both, so that
    ``kubectl apply`` loses ports (issue 39188). Here the order list, which kubectl always sends, says how
    many there are to be.
    """


@dataclass(frozen=True, slots=True)
class ListPatch:
    """All that a patch says of the list at ``path``; None: not mentioned."""

    path: str
    items: Sequence[object] = ()
    order: Sequence[object] | None = None
    """``$setElementOrder``: keys (or scalars) in the order that is wanted."""
    deletions: Sequence[object] = ()
    """``$deleteFromPrimitiveList``: scalars to take out."""

    def apply(self, current: Sequence[object], how: MergedList, merge: MergeObjects) -> list[object]:
        """``current`` with the patch in it. ``merge`` merges an object of the patch into one of the list.

        Raises PatchError for a malformed patch, and PatchMismatch for one that does not fit the list.
        """
        if not how.key:
            return self._apply_to_scalars(current)
        for item in (*current, *self.items, *(self.order or ())):
            self._check_object(item, how.key)
        items = [item for item in self.items if is_object(item)]
        present = [item for item in current if is_object(item)]
        order = [item[how.key] for item in self.order or () if is_object(item)]
        plain = [item for item in items if item.get("$patch", "merge") == "merge"]
        if self.order is not None:
            self._check_order([item[how.key] for item in plain], order)
        if any(item.get("$patch") == "replace" for item in items):
            present = []
        else:
            present = self._without_deleted(present, items, how, order)
        wanted = order if self.order is not None else [item[how.key] for item in plain]
        merged = _merge_items(present, plain, how, wanted, merge)
        keys = [item[how.key] for item in merged]
        # With an order list, as many new items count as live, at the end, as were deleted: so
        # kube-apiserver arranges them.
        live = keys[: len(present) if self.order is None else len(current)]
        return [merged[index] for index in _arranged(keys, wanted, live)]

    def _apply_to_scalars(self, current: Sequence[object]) -> list[object]:
        for item in (*self.items, *(self.order or ()), *self.deletions):
            if is_object(item) or is_list(item) or item is None:
                raise PatchError(f"{self.path}: must hold scalars, not {shorten(item)}")
        if self.order is not None:
            self._check_order(self.items, self.order)
        merged: list[object] = []
        for item in (*current, *self.items):
            if item not in merged and item not in self.deletions:
                merged.append(item)
        wanted = self.order if self.order is not None else self.items
        return [merged[index] for index in _arranged(merged, wanted, current)]

    def _check_object(self, item: object, key: str) -> None:
        if not is_object(item):
            raise PatchError(f"{self.path}: must hold objects, not {shorten(item)}")
        directive = item.get("$patch", "merge")
        if directive not in ("delete", "replace", "merge"):
            raise PatchError(f"{self.path}: $patch must be delete, replace or merge")
        if directive != "replace" and item.get(key) is None:
            raise PatchMismatch(f"{self.path}: an item has no {key}, by which they are merged")

    def _check_order(self, keys: Sequence[object], order: Sequence[object]) -> None:
        rest = iter(order)
        if not all(any(key == listed for listed in rest) for key in keys):
            raise PatchError(
                f"{self.path}: $setElementOrder does not list the items of the patch in their order"
            )

    def _without_deleted(
        self, present: list[Object], items: Sequence[Object], how: MergedList, order: Sequence[object]
    ) -> list[Object]:
        for item in items:
            if item.get("$patch") == "delete":
                matching = [found for found in present if _matches(found, item, how)]
                # Of several, as many as the order list names stay; kubectl deletes the last ones.
                kept = order.count(item[how.key]) if how.tiebreaker and len(matching) > 1 else 0
                gone = set(map(id, matching[kept:]))
                present = [found for found in present if id(found) not in gone]
        return present


def _matches(found: Object, item: Object, how: MergedList) -> bool:
    """Same key, and same tiebreaker where the item names one."""
    tied = how.tiebreaker not in item
    return found[how.key] == item[how.key] and (tied or found.get(how.tiebreaker) == item[how.tiebreaker])


def _merge_items(
    present: Sequence[Object],
    items: Sequence[Object],
    how: MergedList,
    wanted: Sequence[object],
    merge: MergeObjects,
) -> list[dict[str, object]]:
    merged = [dict(item) for item in present]
    touched: set[int] = set()
    for item in items:
        same_key = [i for i, found in enumerate(merged) if found[how.key] == item[how.key]]
        exact = [i for i in same_key if _matches(merged[i], item, how)]
        if wanted.count(item[how.key]) > len(same_key):
            same_key = []
        # Each item of the patch has one of its own, as long as there are enough.
        candidates = exact or same_key
        index = next((i for i in candidates if i not in touched), candidates[0] if candidates else None)
        if index is None:
            index = len(merged)
            merged.append({})
        merged[index] = merge(merged[index], item)
        touched.add(index)
    return merged


def _arranged(keys: Sequence[object], wanted: Sequence[object], live: Sequence[object]) -> list[int]:
    """The order of items with these ``keys``: as ``wanted``, and the others where they were among them."""
    mine = sorted((i for i, key in enumerate(keys) if key in wanted), key=lambda i: wanted.index(keys[i]))
    others = [i for i, key in enumerate(keys) if key not in wanted]
    arranged: list[int] = []
    while mine and others:
        first, other = keys[mine[0]], keys[others[0]]
        before = first in live and live.index(other) < live.index(first)
        arranged.append(others.pop(0) if before else mine.pop(0))
    return [*arranged, *mine, *others]
