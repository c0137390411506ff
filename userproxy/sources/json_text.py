"""JSON text becomes documents. One text may hold several values in a row, as kubectl prints them.

The scanner is the standard library's, in its pure Python form on purpose: orjson and the C scanner hold
the interpreter for the whole text (16 MiB: 0.3 s), from a thread too, and the loop would stand still.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from json import scanner
from typing import NoReturn

from userproxy.errors import DocumentError
from userproxy.sources.document import MAX_DEPTH, MAX_DUPLICATE_KEYS, Document, DuplicateKey

__all__ = ["parse_json"]

_BLANKS = " \t\r\n"

# Undocumented: where a Python lacks it, the C one does the same, only without letting others run.
_SCANNER = "py_make_scanner" if hasattr(scanner, "py_make_scanner") else "make_scanner"
_make_scanner: Callable[[json.JSONDecoder], Callable[[str, int], tuple[object, int]]] = getattr(
    scanner, _SCANNER
)


def parse_json(text: str) -> tuple[Document, ...]:
    """The values of ``text``, in order. Duplicate keys are told without their place.

    Raises DocumentError for what is not JSON (NaN included), and for more than `MAX_DEPTH` levels.
    """
    parser = _Parser()
    documents: list[Document] = []
    position = _skip_blanks(text, 0)
    while position < len(text):
        try:
            value, position = parser.raw_decode(text, position)
            _check(value, text)
        except json.JSONDecodeError as error:
            raise DocumentError(f"{error.msg} (JSON)", line=error.lineno, column=error.colno) from error
        except RecursionError as error:
            raise _too_deep() from error
        documents.append(Document(len(documents) + 1, value, parser.take_duplicate_keys()))
        position = _skip_blanks(text, position)
    return tuple(documents)


class _Parser(json.JSONDecoder):
    """The standard decoder, with duplicate keys noted and without JavaScript's NaN and Infinity."""

    def __init__(self) -> None:
        super().__init__(
            object_pairs_hook=self._object,
            parse_constant=self._constant,
            parse_float=_float,
            parse_int=_int,
        )
        self.scan_once = _make_scanner(self)
        self._duplicate_keys: list[DuplicateKey] = []
        self._told = 0

    def take_duplicate_keys(self) -> tuple[DuplicateKey, ...]:
        """Those of the last value."""
        taken = tuple(self._duplicate_keys)
        self._duplicate_keys.clear()
        return taken

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen and self._told < MAX_DUPLICATE_KEYS:
                    self._duplicate_keys.append(DuplicateKey(key))
                    self._told += 1
                seen.add(key)
        return fields

    @staticmethod
    def _constant(name: str) -> NoReturn:
        raise DocumentError(f"{name} is not JSON")


def _int(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:  # thousands of digits, which Python refuses: the decoder names it as text
        return text


def _float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANKS:
        position += 1
    return position


def _check(value: object, text: str) -> None:
    """Refuse nesting that later code could stumble over, and text that no encoding can write out."""
    level = _parts([value])
    depth = 1
    while level:
        if depth > MAX_DEPTH:
            raise _too_deep()
        level = [part for parent in level for part in _parts(parent)]
        depth += 1
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise DocumentError("a \\u escape is half of a surrogate pair") from error


def _parts(value: object) -> list[object]:
    """The containers in a container; scalars have no depth."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [part for part in inside if isinstance(part, dict | list)]


def _too_deep() -> DocumentError:
    return DocumentError(f"is nested deeper than {MAX_DEPTH} levels")
