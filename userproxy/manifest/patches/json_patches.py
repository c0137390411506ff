"""JSON Patch (RFC 6902) with JSON Pointer (RFC 6901)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from userproxy.manifest.patches.errors import PatchError, PatchMismatch
from userproxy.model.fields import is_list, is_object
from userproxy.model.findings import shorten

__all__ = ["MAX_OPERATIONS", "json_patch"]

MAX_OPERATIONS = 10_000
"""Operations of one patch, as in kube-apiserver."""
_MAX_COPIED = 1_000_000
"""Values that the copy operations of one patch may copy: each can double the document."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_BAD_ESCAPE = re.compile(r"~(?![01])")


def json_patch(document: object, patch: object) -> object:
    """``document`` after all operations of ``patch``, in order; neither is changed.

    Raises PatchError for a malformed patch, and PatchMismatch for one that does not fit the document.
    """
    if not is_list(patch):
        raise PatchError(f"a JSON patch must be a list of operations, not {shorten(patch)}")
    if len(patch) > MAX_OPERATIONS:
        raise PatchError(f"a JSON patch may have {MAX_OPERATIONS} operations, not {len(patch)}")
    operations = [_operation(index, raw) for index, raw in enumerate(patch)]
    copied = 0
    for index, operation in enumerate(operations):
        try:
            document, size = operation.apply(document, _MAX_COPIED - copied)
        except PatchMismatch as mismatch:
            raise PatchMismatch(f"operation {index}, {operation}: {mismatch}") from None
        except RecursionError:
            raise PatchError(f"operation {index}, {operation}: the values are nested too deeply") from None
        copied += size
    return document


@dataclass(frozen=True, slots=True)
class _Pointer:
    """A JSON Pointer, split and unescaped; without tokens it is the whole document."""

    text: str
    tokens: tuple[str, ...]

    def __str__(self) -> str:
        return self.text or '""'

    def get(self, document: object) -> object:
        value = document
        for token in self.tokens:
            value = self.child(value, token)
        return value

    def child(self, parent: object, token: str) -> object:
        """The value at ``token``. Raises PatchMismatch when there is none."""
        if is_object(parent) and token in parent:
            return parent[token]
        if is_list(parent) and _INDEX.fullmatch(token) and int(token) < len(parent):
            return parent[int(token)]
        raise PatchMismatch(f"there is nothing at {self} ({token!r} is missing)")

    def edit(self, document: object, change: Callable[[object, str], object]) -> object:
        """A copy of ``document`` in which ``change(parent, token)`` stands for the parent of the value."""
        *outer, last = self.tokens
        parents = [document]
        for token in outer:
            parents.append(self.child(parents[-1], token))
        edited = change(parents.pop(), last)
        for parent, token in zip(reversed(parents), reversed(outer), strict=True):
            edited = _with_child(parent, token, edited)
        return edited

    def contains(self, other: _Pointer) -> bool:
        """True when ``other`` points to something inside of what this points to."""
        return len(other.tokens) > len(self.tokens) and other.tokens[: len(self.tokens)] == self.tokens


@dataclass(frozen=True, slots=True)
class _Operation:
    op: str
    path: _Pointer
    source: _Pointer
    """``from``; the path itself where the operation has none."""
    value: object

    def __str__(self) -> str:
        return f"{self.op} {self.path}"

    def apply(self, document: object, budget: int) -> tuple[object, int]:
        """The document afterwards, and how many values were copied, at most ``budget``."""
        if self.op == "test":
            if not _equal(self.path.get(document), self.value):
                raise PatchMismatch("the value is another one")
        elif self.op == "add":
            return self._add(document, self.value), 0
        elif self.op == "remove":
            return self._remove(document, self.path), 0
        elif self.op == "replace":
            self.path.get(document)
            if not self.path.tokens:
                return self.value, 0
            return self.path.edit(document, self._replace), 0
        elif self.op == "move":
            moved = self.source.get(document)
            if self.source != self.path:
                return self._add(self._remove(document, self.source), moved), 0
        else:
            value = self.source.get(document)
            size = _size(value, budget)
            if size > budget:
                raise PatchMismatch(f"the patch copies more than {_MAX_COPIED} values")
            return self._add(document, value), size
        return document, 0

    def _add(self, document: object, value: object) -> object:
        if not self.path.tokens:
            return value

        def change(parent: object, token: str) -> object:
            if is_object(parent):
                return {**parent, token: value}
            if is_list(parent):
                index = len(parent) if token == "-" else int(token) if _INDEX.fullmatch(token) else -1
                if 0 <= index <= len(parent):
                    return [*parent[:index], value, *parent[index:]]
                raise PatchMismatch(f"{token!r} is no index from 0 to {len(parent)}")
            raise PatchMismatch("its parent is neither an object nor a list")

        return self.path.edit(document, change)

    def _replace(self, parent: object, token: str) -> object:
        return _with_child(parent, token, self.value)

    @staticmethod
    def _remove(document: object, path: _Pointer) -> object:
        if not path.tokens:
            raise PatchMismatch("the whole document cannot be removed")

        def change(parent: object, token: str) -> object:
            path.child(parent, token)
            if is_object(parent):
                return {key: value for key, value in parent.items() if key != token}
            return [*parent[: int(token)], *parent[int(token) + 1 :]] if is_list(parent) else parent

        return path.edit(document, change)


_NEEDS_VALUE = frozenset({"add", "replace", "test"})
_NEEDS_FROM = frozenset({"move", "copy"})
_OPERATIONS = frozenset({"remove", *_NEEDS_VALUE, *_NEEDS_FROM})


def _operation(index: int, raw: object) -> _Operation:
    """Read one operation. Raises PatchError; members that it does not know are ignored (RFC 6902, 4)."""
    if not is_object(raw):
        raise PatchError(f"operation {index}: must be an object, not {shorten(raw)}")
    op = raw.get("op")
    if not isinstance(op, str) or op not in _OPERATIONS:
        raise PatchError(f"operation {index}: op must be one of {', '.join(sorted(_OPERATIONS))}")
    path = _pointer(index, raw, "path")
    if op in _NEEDS_VALUE and "value" not in raw:
        raise PatchError(f"operation {index}, {op} {path}: value is missing")
    source = _pointer(index, raw, "from") if op in _NEEDS_FROM else path
    if op == "move" and source.contains(path):
        raise PatchError(f"operation {index}, {op} {path}: {source} cannot be moved into itself")
    return _Operation(op, path, source, raw.get("value"))


def _pointer(index: int, raw: Mapping[str, object], member: str) -> _Pointer:
    text = raw.get(member)
    if not isinstance(text, str) or (text and not text.startswith("/")) or _BAD_ESCAPE.search(text):
        raise PatchError(
            f"operation {index}: {member} must be a JSON pointer such as /spec/ports/0, not {shorten(text)}"
        )
    # ~1 first: ~01 is a ~ before a 1 (RFC 6901, 4).
    return _Pointer(text, tuple(t.replace("~1", "/").replace("~0", "~") for t in text.split("/")[1:]))


def _with_child(parent: object, token: str, value: object) -> object:
    """A copy of ``parent``, which has something at ``token``, with ``value`` there."""
    if is_object(parent):
        return {**parent, token: value}
    if is_list(parent):
        return [*parent[: int(token)], value, *parent[int(token) + 1 :]]
    return parent


def _equal(left: object, right: object) -> bool:
    """Equal as JSON (RFC 6902, 4.6): numbers by value, and true is not 1."""
    if is_object(left) and is_object(right):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if is_list(left) and is_list(right):
        return len(left) == len(right) and all(map(_equal, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _size(value: object, most: int) -> int:
    """How many values ``value`` is made of; counting stops beyond ``most``."""
    size = 0
    waiting = [value]
    while waiting and size <= most:
        size += 1
        found = waiting.pop()
        if is_object(found):
            waiting.extend(found.values())
        elif is_list(found):
            waiting.extend(found)
    return size
