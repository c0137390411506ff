"""The types of fields: scalars, lists, maps and structs, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "ANY",
    "BOOLEAN",
    "INT32",
    "INT64",
    "INT_OR_STRING",
    "STRING",
    "FieldType",
    "ListOf",
    "MapOf",
    "Scalar",
    "Struct",
    "struct",
]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value. ``type`` is a JSON type, or "any", or "int-or-string"."""

    type: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list. A strategic merge patch replaces it whole, unless ``merges``."""

    item: FieldType
    merge_key: str = ""
    """Field by which its objects are matched when merging."""
    merges: bool = False
    """Scalars are merged as a set; implied by ``merge_key``."""


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with free keys."""

    value: FieldType


@dataclass(frozen=True, slots=True)
class Struct:
    """An object with these fields and no others."""

    fields: Mapping[str, FieldType]
    required: tuple[str, ...] = ()
    shown_when_absent: tuple[str, ...] = field(default=())
    """Fields that are stored as null rather than left out, as the API writes them."""


FieldType = Scalar | ListOf | MapOf | Struct

STRING = Scalar("string")
BOOLEAN = Scalar("boolean")
INT32 = Scalar("integer", "int32")
INT64 = Scalar("integer", "int64")
INT_OR_STRING = Scalar("int-or-string")
ANY = Scalar("any")


def struct(**fields: FieldType) -> Struct:
    """A struct whose fields are all optional."""
    return Struct(fields)
