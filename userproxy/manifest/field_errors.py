"""What an API server finds wrong with a field when an object is written, as a value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from userproxy.model.fields import is_list, is_object
from userproxy.model.findings import shorten

__all__ = ["FieldError", "FieldErrors", "Reason"]


class Reason(StrEnum):
    """Why, spelled as in ``details.causes[].reason`` of a Status."""

    REQUIRED = "FieldValueRequired"
    INVALID = "FieldValueInvalid"
    DUPLICATE = "FieldValueDuplicate"
    NOT_SUPPORTED = "FieldValueNotSupported"
    FORBIDDEN = "FieldValueForbidden"
    TOO_LONG = "FieldValueTooLong"
    TOO_MANY = "FieldValueTooMany"
    WRONG_TYPE = "FieldValueTypeInvalid"
    EXHAUSTED = "InternalError"
    """Nothing is wrong with the field: its pool is empty. An API server answers 500."""


_SAID = {
    Reason.REQUIRED: "Required value",
    Reason.INVALID: "Invalid value",
    Reason.DUPLICATE: "Duplicate value",
    Reason.NOT_SUPPORTED: "Unsupported value",
    Reason.FORBIDDEN: "Forbidden",
    Reason.TOO_LONG: "Too long",
    Reason.TOO_MANY: "Too many",
    Reason.WRONG_TYPE: "Invalid value",
    Reason.EXHAUSTED: "Internal error",
}
_WITHOUT_VALUE = frozenset({Reason.REQUIRED, Reason.FORBIDDEN, Reason.TOO_LONG, Reason.EXHAUSTED})


@dataclass(frozen=True, slots=True)
class FieldError:
    """``field`` may not be ``value``. ``str()`` reads as the API server words it."""

    field: str
    """Path inside the object: ``spec.ports[0].port``."""
    value: object
    message: str
    """What is wrong, without field or value; may be "" where the reason says it all."""
    reason: Reason = Reason.INVALID

    @property
    def detail(self) -> str:
        """All but the field: ``details.causes[].message`` of a Status."""
        parts = [_SAID[self.reason]]
        if self.reason not in _WITHOUT_VALUE:
            parts.append(_shown(self.value))
        if self.message:
            parts.append(self.message)
        return ": ".join(parts)

    def __str__(self) -> str:
        return f"{self.field}: {self.detail}"


def _shown(value: object) -> str:
    if is_list(value) and len(value) <= 3 and all(isinstance(item, str) for item in value):
        return json.dumps([shorten(item) for item in value], ensure_ascii=False)
    return json.dumps(shorten(value), ensure_ascii=False) if isinstance(value, str) else shorten(value)


class FieldErrors:
    """Collects what is wrong with one object."""

    def __init__(self) -> None:
        self._found: list[FieldError] = []

    def add(self, field: str, value: object, message: str = "", reason: Reason = Reason.INVALID) -> None:
        self._found.append(FieldError(field, value, message, reason))

    def require(self, field: str, message: str = "") -> None:
        """``field`` is missing."""
        self.add(field, "", message, Reason.REQUIRED)

    def forbid(self, field: str, message: str) -> None:
        """``field`` may not be there."""
        self.add(field, "", message, Reason.FORBIDDEN)

    def check_choice(self, field: str, value: object, choices: Sequence[str]) -> None:
        """``value`` must be one of ``choices``; absent is missing."""
        if value is None or value == "":
            self.require(field)
        elif value not in choices:
            supported = ", ".join(f'"{choice}"' for choice in choices)
            self.add(field, value, f"supported values: {supported}", Reason.NOT_SUPPORTED)

    def items(self, path: str, value: object) -> Sequence[object]:
        """The list ``value``, empty when it is absent or none."""
        if value is not None and not is_list(value):
            self.add(path, value, "must be a list", Reason.WRONG_TYPE)
        return value if is_list(value) else ()

    def objects(self, path: str, value: object) -> Iterator[tuple[str, Mapping[str, object]]]:
        """The objects of the list ``value``, each with its path."""
        for index, item in enumerate(self.items(path, value)):
            if is_object(item):
                yield f"{path}[{index}]", item
            else:
                self.add(f"{path}[{index}]", item, "must be an object", Reason.WRONG_TYPE)

    @property
    def found(self) -> tuple[FieldError, ...]:
        return tuple(self._found)
