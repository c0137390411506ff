"""The difference that ``kubectl apply`` sends for a Service: a reference for the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["kubectl_diff"]

MERGED = {"ports": "port", "finalizers": ""}


def kubectl_diff(live: Mapping[str, object], wanted: Mapping[str, object]) -> dict[str, object]:
    """A strategic merge patch from ``live`` to ``wanted``, worded as kubectl words it."""
    patch: dict[str, object] = {name: None for name in live if name not in wanted}
    for name, value in wanted.items():
        old = live.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            inner = kubectl_diff(old, value)
            if inner:
                patch[name] = inner
        elif name in MERGED and isinstance(old, list) and old and isinstance(value, list):
            patch.update(_list_diff(name, old, value))
        elif old != value:
            patch[name] = value
    return patch


def _list_diff(name: str, old: Sequence[object], new: Sequence[object]) -> dict[str, object]:
    key = MERGED[name]
    if old == new:
        return {}
    if not key:
        patch: dict[str, object] = {f"$setElementOrder/{name}": list(new)}
        gone, added = [item for item in old if item not in new], [item for item in new if item not in old]
        if gone:
            patch[f"$deleteFromPrimitiveList/{name}"] = gone
        return {**patch, name: added} if added else patch
    before = {_object(item)[key]: _object(item) for item in old}
    after = {_object(item)[key]: _object(item) for item in new}
    items: list[object] = []
    for value, item in after.items():
        if value not in before:
            items.append(item)
        elif before[value] != item:
            items.append({**kubectl_diff(before[value], item), key: value})
    items += [{"$patch": "delete", key: value} for value in before if value not in after]
    order = [{key: value} for value in after]
    return {f"$setElementOrder/{name}": order, **({name: items} if items else {})}


def _object(item: object) -> Mapping[str, object]:
    assert isinstance(item, dict)
    return item
