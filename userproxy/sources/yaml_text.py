"""YAML text becomes documents of the values that JSON knows, as Kubernetes' own tools read it.

PyYAML gives the events (by libyaml; by its own Python scanner, some twenty times slower, where it was
built without); the values are built here, because its constructors follow aliases without bound, recurse
as deep as the text is nested, and keep of two equal keys one in silence. Read as kubectl does (go-yaml):
``yes`` is true, ``0755`` is octal, ``1e3`` is a number, and dates, ``1:30``, ``.nan`` and ``.inf`` are text.
"""

from __future__ import annotations

import math
import re
from typing import Final, Protocol

import yaml

from userproxy.errors import DocumentError
from userproxy.sources.document import MAX_DEPTH, MAX_DUPLICATE_KEYS, Document, DuplicateKey

__all__ = ["MAX_ALIASED_NODES", "parse_yaml"]

MAX_ALIASED_NODES = 500_000
"""Values that the aliases of one text may repeat in all: a bomb has 10^9, a real file some hundred."""

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"!", *(_TAG + name for name in ("str", "timestamp", "binary"))})
_SCALAR_TAGS: dict[str, type] = {
    _TAG + "int": int,
    _TAG + "float": float,
    _TAG + "bool": bool,
    _TAG + "null": type(None),
}
_WORDS: dict[str, bool | None] = {
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **{spelled: True for word in ("true", "yes", "on") for spelled in (word, word.title(), word.upper())},
    **{spelled: False for word in ("false", "no", "off") for spelled in (word, word.title(), word.upper())},
}
_INTEGER = re.compile(r"[-+]?(?:(0b[01_]+)|(0x[0-9a-fA-F_]+)|0o?([0-7_]+)|([1-9][0-9_]*|0))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def parse_yaml(text: str) -> tuple[Document, ...]:
    """The documents of ``text``, in order, empty ones as None.

    Raises DocumentError, with line and column, for what is not YAML, for tags and keys that Kubernetes
    objects cannot have, and over `MAX_DEPTH` and `MAX_ALIASED_NODES`.
    """
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.feed(event)
    except yaml.MarkedYAMLError as error:
        raise _error(_wording(error), error.problem_mark) from error
    except yaml.reader.ReaderError as error:
        before = text[: text.find(chr(error.character))] if isinstance(error.character, int) else ""
        raise DocumentError(
            error.reason, line=before.count("\n") + 1, column=len(before) - before.rfind("\n")
        ) from error
    return tuple(builder.documents)


class _Mark(Protocol):
    """A place in the text, counted from 0: libyaml's and PyYAML's own differ in type."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


class _Open:
    """A mapping or sequence whose end has not come yet."""

    __slots__ = ("anchor", "container", "key", "merge_mark", "merged", "nodes_before")

    def __init__(self, container: dict[str, object] | list[object], anchor: str | None, nodes: int) -> None:
        self.container = container
        self.anchor = anchor
        self.nodes_before = nodes
        self.key: str | None = None
        """The key whose value comes next; None: a key comes next, or it is a sequence."""
        self.merged: list[object] = []
        """Values of ``<<``, which fill in what the mapping itself leaves out."""
        self.merge_mark: _Mark | None = None
        """Where the last ``<<`` stands; None: there is none."""


class _Builder:
    """Builds documents from events with a stack of its own, counting what aliases repeat."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self._root: object = None
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[object, int]] = {}
        """Anchor -> its value and the number of nodes in it; 0 while it is open."""
        self._nodes = 0
        """Nodes so far, those that aliases repeat included."""
        self._aliased_nodes = 0
        self._duplicate_keys: list[DuplicateKey] = []
        self._told = 0

    def feed(self, event: yaml.Event) -> None:
        """Take the next event. Raises DocumentError with the event's place."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            self._start({}, event, "map")
        elif isinstance(event, yaml.SequenceStartEvent):
            self._start([], event, "seq")
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._anchors.clear()
        elif isinstance(event, yaml.DocumentEndEvent):
            number = len(self.documents) + 1
            self.documents.append(Document(number, self._root, tuple(self._duplicate_keys)))
            self._root = None
            self._duplicate_keys.clear()

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._awaits_key():
            self._key(event)
            return
        self._nodes += 1
        value = _scalar_value(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        self._place(value)

    def _key(self, event: yaml.ScalarEvent) -> None:
        """Keys are text as written, as in JSON: ``80: x`` and ``"80": x`` say the same."""
        mapping = self._open[-1]
        if event.value == "<<" and event.implicit[0]:
            mapping.merge_mark = event.start_mark
        elif event.value in mapping.container and self._told < MAX_DUPLICATE_KEYS:
            place = _error("", event.start_mark)
            self._duplicate_keys.append(DuplicateKey(event.value, place.line, place.column))
            self._told += 1
        mapping.key = event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = (event.value, 1)

    def _start(
        self, container: dict[str, object] | list[object], event: yaml.CollectionStartEvent, tag: str
    ) -> None:
        if self._awaits_key():
            raise _error("a mapping or a list cannot be a key", event.start_mark)
        if event.tag not in (None, "!", _TAG + tag):
            raise _error(f"tag {event.tag} is not known", event.start_mark)
        if len(self._open) >= MAX_DEPTH:
            raise _error(f"is nested deeper than {MAX_DEPTH} levels", event.start_mark)
        self._open.append(_Open(container, event.anchor, self._nodes))
        self._nodes += 1
        if event.anchor is not None:
            self._anchors[event.anchor] = (container, 0)

    def _end(self) -> None:
        closed = self._open.pop()
        if isinstance(closed.container, dict):
            _merge(closed.container, closed.merged, closed.merge_mark)
        if closed.anchor is not None:
            self._anchors[closed.anchor] = (closed.container, self._nodes - closed.nodes_before)
        self._place(closed.container)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise _error(f"alias *{event.anchor} has no anchor before it", event.start_mark)
        value, nodes = self._anchors[event.anchor]
        if nodes == 0:
            raise _error(f"alias *{event.anchor} is inside its own anchor", event.start_mark)
        if self._awaits_key():
            raise _error("an alias cannot be a key", event.start_mark)
        self._nodes += nodes
        self._aliased_nodes += nodes
        if self._aliased_nodes > MAX_ALIASED_NODES:
            raise _error(f"aliases repeat more than {MAX_ALIASED_NODES} values", event.start_mark)
        self._place(value)

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].container, dict) and self._open[-1].key is None

    def _place(self, value: object) -> None:
        """Put a finished value where it belongs."""
        if not self._open:
            self._root = value
            return
        parent = self._open[-1]
        if isinstance(parent.container, list):
            parent.container.append(value)
        elif parent.key == "<<" and parent.merge_mark is not None:
            parent.merged.append(value)
        elif parent.key is not None:
            parent.container[parent.key] = value
        parent.key = None


def _merge(mapping: dict[str, object], merged: list[object], mark: _Mark | None) -> None:
    """Fill ``mapping`` up from the values of its ``<<``: what is stated wins, then what is named first."""
    for value in merged:
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                raise _error("what << names must be a mapping, or a list of them", mark)
            for key, inherited in source.items():
                mapping.setdefault(key, inherited)


def _scalar_value(event: yaml.ScalarEvent) -> object:
    if event.tag is None:
        return _plain_value(event.value) if event.implicit[0] else event.value
    if event.tag in _TEXT_TAGS:
        return event.value
    value = _plain_value(event.value)
    wanted = _SCALAR_TAGS.get(event.tag)
    if wanted is None:
        raise _error(f"tag {event.tag} is not known", event.start_mark)
    if type(value) is not wanted:
        raise _error(f"is not what its tag {event.tag} says", event.start_mark)
    return value


def _plain_value(text: str) -> object:
    """The value of an unquoted scalar; what JSON cannot hold stays text, for the decoder to name."""
    if not text:
        return None
    if text[0].isdigit() or text[0] in "+-.":
        return _number(text)
    return _WORDS.get(text, text)


def _number(text: str) -> int | float | str:
    try:
        if integer := _INTEGER.fullmatch(text):
            base = (2, 16, 8, 10)[integer.lastindex - 1] if integer.lastindex else 10
            return int(text.replace("_", ""), base)
        if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
            return number
    except ValueError:  # "0x_", or thousands of digits, which Python refuses
        pass
    return text


def _wording(error: yaml.MarkedYAMLError) -> str:
    """libyaml's finding, with where it began to look."""
    if error.context is None or error.context_mark is None:
        return str(error.problem)
    began = error.context_mark.line
    same_line = error.problem_mark is not None and error.problem_mark.line == began
    return f"{error.problem} ({error.context}{'' if same_line else f', from line {began + 1}'})"


def _error(message: str, mark: _Mark | None) -> DocumentError:
    if mark is None:
        return DocumentError(message)
    return DocumentError(message, line=mark.line + 1, column=mark.column + 1)
