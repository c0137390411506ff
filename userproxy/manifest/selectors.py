"""Label and field selectors, as the API's ``labelSelector`` and ``fieldSelector`` spell them.

A selector is parsed once and matches many objects; ``str()`` gives canonical text for a query string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from userproxy.manifest.kinds import Kind
from userproxy.manifest.names import LABEL_VALUE, QUALIFIED_NAME, is_label_value, is_qualified_name

__all__ = ["FieldSelector", "LabelSelector"]

_IN, _NOT_IN, _EXISTS, _MISSING = "in", "notin", "exists", "!"

_TOKEN = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+|$)")
_FIELD_REQUIREMENT = re.compile(r"([^\s\\,=!]+)(!=|==?)((?:\\[\\,=]|[^\\,=])*)")
_FIELD_TERM = re.compile(r"(?:\\.|[^\\,])+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _LabelRequirement:
    """One condition. Absent labels satisfy ``notin`` and ``!``, as in Kubernetes."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, object]) -> bool:
        if self.key not in labels:
            return self.operator in (_NOT_IN, _MISSING)
        if self.operator in (_EXISTS, _MISSING):
            return self.operator == _EXISTS
        return (labels[self.key] in self.values) == (self.operator == _IN)

    def __str__(self) -> str:
        if self.operator == _EXISTS:
            return self.key
        if self.operator == _MISSING:
            return f"!{self.key}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator == _IN else '!='}{self.values[0]}"
        return f"{self.key} {self.operator} ({','.join(self.values)})"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All of its requirements must hold; without any it matches everything."""

    requirements: tuple[_LabelRequirement, ...] = ()

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """Read ``a=b,c!=d,e in (f,g),h notin (i),j,!k``.

        Raises ValueError, with what was expected where, for text that the API server refuses.
        """
        requirements = _LabelParser(text).requirements() if text.strip() else ()
        return cls(tuple(sorted(requirements, key=lambda requirement: requirement.key)))

    def matches(self, labels: object) -> bool:
        """True when ``labels`` satisfy it; what is no mapping counts as no labels."""
        mapping = labels if isinstance(labels, Mapping) else {}
        return all(requirement.matches(mapping) for requirement in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


class _LabelParser:
    """Recursive descent over the tokens of one label selector."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [match.group(1) for match in _TOKEN.finditer(text)]
        self._position = 0

    def requirements(self) -> tuple[_LabelRequirement, ...]:
        found = [self._requirement()]
        while self._peek() == ",":
            self._next()
            found.append(self._requirement())
        if self._peek():
            raise self._expected("',' or the end")
        return tuple(found)

    def _requirement(self) -> _LabelRequirement:
        if self._peek() == "!":
            self._next()
            return _LabelRequirement(self._key(), _MISSING)
        key = self._key()
        operator = self._peek()
        if operator in ("", ","):
            return _LabelRequirement(key, _EXISTS)
        if operator in ("=", "==", "!="):
            self._next()
            value = self._value()
            return _LabelRequirement(key, _NOT_IN if operator == "!=" else _IN, (value,))
        if operator in (_IN, _NOT_IN):
            self._next()
            return _LabelRequirement(key, operator, self._values())
        raise self._expected("one of =, ==, !=, in, notin, ',' or the end")

    def _values(self) -> tuple[str, ...]:
        """``(a,b)``; empty entries are the empty value, an empty pair of brackets is refused."""
        if self._peek() != "(":
            raise self._expected("'('")
        self._next()
        if self._peek() == ")":
            raise self._expected("a value")
        values = [self._value()]
        while self._peek() == ",":
            self._next()
            values.append(self._value())
        if self._peek() != ")":
            raise self._expected("',' or ')'")
        self._next()
        return tuple(sorted(set(values)))

    def _key(self) -> str:
        key = self._word("a label key")
        if not is_qualified_name(key):
            raise ValueError(f"label selector {self._text!r}: key {key!r} {QUALIFIED_NAME}")
        return key

    def _value(self) -> str:
        """A value, or "" where there is none."""
        if self._peek() in ("", ",", ")"):
            return ""
        value = self._word("a label value")
        if not is_label_value(value):
            raise ValueError(f"label selector {self._text!r}: value {value!r} {LABEL_VALUE}")
        return value

    def _word(self, what: str) -> str:
        word = self._peek()
        if not word or word in {"=", "==", "!=", "!", "(", ")", ",", "<", ">"}:
            raise self._expected(what)
        self._next()
        return word

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _next(self) -> None:
        self._position += 1

    def _expected(self, what: str) -> ValueError:
        found = repr(self._peek()) if self._peek() else "the end"
        return ValueError(f"label selector {self._text!r}: found {found}, expected {what}")


@dataclass(frozen=True, slots=True)
class _FieldRequirement:
    """One condition on the text of one field."""

    path: str
    value: str
    equal: bool

    def matches(self, raw: object) -> bool:
        return (_field_text(raw, self.path) == self.value) == self.equal

    def __str__(self) -> str:
        value = re.sub(r"([\\,=])", r"\\\1", self.value)
        return f"{self.path}{'=' if self.equal else '!='}{value}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All of its requirements must hold; without any it matches everything."""

    requirements: tuple[_FieldRequirement, ...] = ()

    @classmethod
    def parse(cls, text: str) -> FieldSelector:
        r"""Read ``metadata.name=web,spec.clusterIP!=None``; ``\,``, ``\=`` and ``\\`` are escapes.

        Raises ValueError for a term without an operator or a field name, and for a bad escape.
        """
        terms, position = [], 0
        while position < len(text):
            term = _FIELD_TERM.match(text, position)
            if term:
                terms.append(_field_requirement(term.group(), text))
                position = term.end()
            elif text[position] == ",":
                position += 1
            else:
                raise ValueError(f"field selector {text!r}: a backslash at the end escapes nothing")
        return cls(tuple(terms))

    def unsupported(self, kind: Kind) -> tuple[str, ...]:
        """The fields that objects of ``kind`` cannot be selected by: an API server refuses them."""
        return tuple(term.path for term in self.requirements if term.path not in kind.selectable_fields)

    def matches(self, raw: object) -> bool:
        """True when the fields of the object ``raw`` satisfy it.

        An absent field reads as "", and so does what is no text or boolean.
        """
        return all(requirement.matches(raw) for requirement in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


def _field_requirement(term: str, text: str) -> _FieldRequirement:
    parsed = _FIELD_REQUIREMENT.fullmatch(term)
    if parsed is None:
        raise ValueError(
            f"field selector {text!r}: {term!r} is not field=value or field!=value"
            r" (a ',', '=' or '\' inside a value is escaped by a '\')"
        )
    path, operator, value = parsed.groups()
    return _FieldRequirement(path, re.sub(r"\\(.)", r"\1", value), operator != "!=")


def _field_text(raw: object, path: str) -> str:
    value = raw
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""
