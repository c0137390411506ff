"""One document of a manifest as its parser gives it, and the limits that every parser keeps."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_DUPLICATE_KEYS", "Document", "DuplicateKey"]

MAX_BYTES = 16 * 1024 * 1024
"""Size of one file, or of one text. An API server takes 3 MiB an object; a file may hold several."""
MAX_DEPTH = 100
"""Nesting of one document. Objects that are read here are about ten levels deep."""
MAX_DUPLICATE_KEYS = 20
"""Duplicate keys that are told of one text; the rest are as wrong and add nothing."""


@dataclass(frozen=True, slots=True)
class DuplicateKey:
    """A key that its mapping already had: the last value counts. ``line`` 0: place not known (JSON)."""

    key: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """What one document says: dict, list, str, int, float, bool or None, as from JSON.

    Keys are text, floats are finite. Parts may be shared between places (YAML aliases): read-only.
    """

    number: int
    """Its place in the text, from 1; empty documents count."""
    value: object
    duplicate_keys: tuple[DuplicateKey, ...] = ()
