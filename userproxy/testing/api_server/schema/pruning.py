"""A written object held against its shape: unknown fields go, nulls go, wrong types are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from userproxy.testing.api_server.schema.types import FieldType, ListOf, MapOf, Scalar, Struct

__all__ = ["Pruned", "WrongType", "prune"]

_INT_LIMITS = {"int32": 2**31, "int64": 2**63}


class WrongType(ValueError):
    """A field holds a value of another type than its own; the message names the field."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What is left of an object, and the paths of what its kind does not have."""

    object: dict[str, object]
    unknown: tuple[str, ...] = ()


def prune(raw: Mapping[str, object], shape: Struct) -> Pruned:
    """``raw`` as the API server would read it. Raises WrongType; never changes ``raw``."""
    unknown: list[str] = []
    return Pruned(_struct(raw, shape, "", unknown), tuple(unknown))


def _struct(value: Mapping[str, object], shape: Struct, path: str, unknown: list[str]) -> dict[str, object]:
    kept: dict[str, object] = dict.fromkeys(shape.shown_when_absent)
    for name, child in value.items():
        where = f"{path}.{name}" if path else str(name)
        if name not in shape.fields:
            unknown.append(where)
        elif child is not None:
            kept[name] = _value(child, shape.fields[name], where, unknown)
    return kept


def _value(value: object, type_: FieldType, path: str, unknown: list[str]) -> object:
    match type_:
        case Struct():
            return _struct(_object(value, path), type_, path, unknown)
        case MapOf():
            entries = _object(value, path).items()
            return {key: _value(entry, type_.value, f"{path}.{key}", unknown) for key, entry in entries}
        case ListOf():
            if not isinstance(value, list):
                raise _wrong(path, "a list", value)
            return [
                _value(item, type_.item, f"{path}[{position}]", unknown)
                for position, item in enumerate(value)
            ]
        case Scalar():
            return _scalar(value, type_, path)


def _object(value: object, path: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _wrong(path, "an object", value)
    return value


def _scalar(value: object, type_: Scalar, path: str) -> object:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    fits = {
        "any": True,
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": is_integer,
        "int-or-string": is_integer or isinstance(value, str),
    }
    if not fits[type_.type]:
        raise _wrong(path, {"integer": "a number"}.get(type_.type, f"a {type_.type}"), value)
    limit = _INT_LIMITS.get(type_.format)
    if limit is not None and isinstance(value, int) and not -limit <= value < limit:
        raise WrongType(f"{path}: number {value} does not fit {type_.format}")
    return value


def _wrong(path: str, expected: str, value: object) -> WrongType:
    found = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number with a fraction",
        type(None): "null",
    }
    return WrongType(f"{path}: expected {expected}, found {found.get(type(value), type(value).__name__)}")
