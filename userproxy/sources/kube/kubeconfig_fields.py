"""Typed access to one mapping of a kubeconfig. Complaints name file, place and field, never the value."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import cast

from userproxy.errors import CredentialsError

__all__ = ["Fields", "is_header_text"]

_MAX_JSON_CHARACTERS = 64 << 10


class Fields:
    """The fields of one mapping. An absent field, null and "" are the same, as in kubectl.

    Every method raises CredentialsError when the field is there and of another type: kubectl refuses
    ``token: 123`` too, and guessing at a secret helps nobody.
    """

    __slots__ = ("_fields", "where")

    def __init__(self, raw: object, where: str) -> None:
        if raw is None:
            raw = {}
        if not isinstance(raw, Mapping):
            raise CredentialsError(f"{where}: must be a mapping of fields")
        self._fields = cast("Mapping[object, object]", raw)
        self.where = where

    def __repr__(self) -> str:
        return f"Fields({self.where!r})"

    def text(self, name: str) -> str:
        """A string; "" when absent."""
        value = self._fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(name, "must be a string; put it in quotes")
        return value

    def header_text(self, name: str) -> str:
        """A string that may stand in an HTTP header: no line break, no other control character."""
        value = self.text(name)
        if not is_header_text(value):
            raise self.wrong(name, "holds a line break or another control character")
        return value

    def flag(self, name: str) -> bool:
        """A boolean; False when absent."""
        value = self._fields.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty when absent."""
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(name, "must be a list of strings; put them in quotes")
        return cast("tuple[str, ...]", values)

    def at(self, where: str) -> Fields:
        """The same fields, called ``where`` in messages."""
        return Fields(self._fields, where)

    def child(self, name: str) -> Fields | None:
        """A mapping; None when absent."""
        value = self._fields.get(name)
        return None if value is None else Fields(value, f"{self.where}: {name}")

    def children(self, name: str) -> Iterator[Fields]:
        """Each mapping of a list; none when absent."""
        for number, value in enumerate(self._list(name)):
            yield Fields(value, f"{self.where}: {name}[{number}]")

    def names(self) -> Iterator[str]:
        """The names of all fields, of a mapping whose names are free (``as-user-extra``)."""
        for name in self._fields:
            if not isinstance(name, str):
                raise CredentialsError(f"{self.where}: a name must be a string; put it in quotes")
            yield name

    def pem(self, name: str) -> str:
        """PEM text in base64 (the ``-data`` fields); "" when absent."""
        encoded = self.text(name)
        try:
            return base64.b64decode("".join(encoded.split("\n")).replace("\r", ""), validate=True).decode()
        except (binascii.Error, ValueError):
            # Raised below and not from here: the error of the decoder holds what it was given.
            pass
        raise self.wrong(name, "is not PEM text in base64")

    def json(self, name: str) -> str:
        """Any value as JSON text; "" when absent. Aliases that multiply end at a limit."""
        value = self._fields.get(name)
        if value is None:
            return ""
        text = ""
        try:
            for part in json.JSONEncoder(default=str).iterencode(value):
                text += part
                if len(text) > _MAX_JSON_CHARACTERS:
                    break
            else:
                return text
        except (ValueError, RecursionError):
            pass  # raised below: a list that holds itself
        raise self.wrong(name, f"is no JSON of at most {_MAX_JSON_CHARACTERS} characters")

    def wrong(self, name: str, what: str) -> CredentialsError:
        """The error to raise about field ``name``."""
        return CredentialsError(f"{self.where}: {name}: {what}")

    def _list(self, name: str) -> tuple[object, ...]:
        value = self._fields.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.wrong(name, "must be a list")
        return tuple(value)


def is_header_text(text: str) -> bool:
    """Whether ``text`` may be an HTTP field value (RFC 9110, section 5.5: tab is the one control allowed)."""
    return not any((ord(c) < 0x20 and c != "\t") or ord(c) == 0x7F for c in text)
