"""Typed access to one raw JSON object: wrong types become problems that name the path, never exceptions.

Absent and null are the same everywhere, as in the Kubernetes API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeGuard, TypeVar

from userproxy.model.findings import Findings

__all__ = ["Fields", "is_list", "is_object"]

Choice = TypeVar("Choice", bound=StrEnum)


class Fields:
    """The fields of the raw object at ``path``; what is wrong with them goes to ``findings``."""

    __slots__ = ("_path", "_raw", "findings")

    def __init__(self, raw: Mapping[str, object], path: str, findings: Findings) -> None:
        self._raw = raw
        self._path = path
        self.findings = findings

    def path(self, key: str) -> str:
        """The path of ``key`` from the top of the object, as kubectl writes it."""
        return f"{self._path}.{key}" if self._path else key

    def raw(self, key: str) -> object:
        return self._raw.get(key)

    def text(self, key: str, *, rule: str = "D7") -> str | None:
        """The string at ``key``; None when there is none."""
        value = self._raw.get(key)
        if value is None or isinstance(value, str):
            return value
        self.findings.error(self.path(key), value, "must be a string; it is left out", rule=rule)
        return None

    def flag(self, key: str, *, default: bool, rule: str) -> bool:
        """The boolean at ``key``, else ``default``."""
        value = self._raw.get(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        instead = "true" if default else "false"
        self.findings.warn(self.path(key), value, f"must be true or false; {instead} is used", rule=rule)
        return default

    def choice(self, key: str, default: Choice, *, rule: str) -> Choice:
        """The member of ``default``'s enumeration that ``key`` names, else ``default``; "" is absent."""
        value = self._raw.get(key)
        if value is None or value == "" or value == default:
            return default
        choices = type(default)
        if isinstance(value, str):
            try:
                return choices(value)
            except ValueError:
                pass
        message = f"must be {' or '.join(choices)}; {default} is used"
        self.findings.warn(self.path(key), value, message, rule=rule)
        return default

    def entries(self, key: str) -> Sequence[object]:
        """The list at ``key``, empty when there is none. One that is no list refuses the object (rule D7)."""
        value = self._raw.get(key)
        if value is None:
            return ()
        if is_list(value):
            return value
        self.findings.refuse(self.path(key), value, "must be a list; the object is refused")
        return ()

    def section(self, key: str, *, refuse: bool = False) -> Fields:
        """The object at ``key``, empty when there is none.

        One that is no object is a problem, and with ``refuse`` the whole object is refused.
        """
        value = self._raw.get(key)
        raw: Mapping[str, object] = {}
        if is_object(value):
            raw = value
        elif value is not None and refuse:
            self.findings.refuse(self.path(key), value, "must be an object; the whole object is refused")
        elif value is not None:
            self.findings.error(self.path(key), value, "must be an object; it is left out")
        return Fields(raw, self.path(key), self.findings)


def is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Tuples too: an object that a Python call gave may hold them."""
    return isinstance(value, list | tuple)
