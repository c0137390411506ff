"""What decoding finds wrong with one object, bounded in number and in size."""

from __future__ import annotations

from collections.abc import Callable

from userproxy.model.events import KubeObject, Rejected, Upsert
from userproxy.model.names import ObjectRef
from userproxy.model.problems import Problem, Severity

__all__ = ["MAX_PROBLEMS", "Findings", "shorten"]

MAX_PROBLEMS = 100
"""Problems that are kept of one object; a slice may hold thousands of bad endpoints."""
_SHOWN = 80
"""Characters of a value that a problem shows."""


class Findings:
    """Collects the problems of one object, and whether it is refused whole (rule D7)."""

    __slots__ = ("_left_out", "_origin", "_problems", "_ref", "refused")

    def __init__(self, ref: Callable[[], ObjectRef], origin: str) -> None:
        """``ref`` is asked when there is something to tell, which is seldom."""
        self.refused = False
        self._ref = ref
        self._origin = origin
        self._problems: list[Problem] = []
        self._left_out = 0

    @property
    def full(self) -> bool:
        """Whether further problems are only counted."""
        return len(self._problems) >= MAX_PROBLEMS

    def error(self, field: str, value: object, message: str, *, rule: str = "D7") -> None:
        """Something of the object is not served. ``value`` may be anything; "" when it is missing."""
        self._add(field, value, message, rule, Severity.ERROR)

    def warn(self, field: str, value: object, message: str, *, rule: str = "D7") -> None:
        """The object is served, though not as it asks."""
        self._add(field, value, message, rule, Severity.WARNING)

    def refuse(self, field: str, value: object, message: str, *, rule: str = "D7") -> None:
        """The object is refused whole (rule D7)."""
        self.refused = True
        self._add(field, value, message, rule, Severity.ERROR)

    def reject(self) -> Rejected:
        return Rejected(self._ref(), self._bounded())

    def outcome(self, decoded: KubeObject) -> Upsert | Rejected:
        """``decoded`` with its problems, unless the object was refused."""
        return self.reject() if self.refused else Upsert(decoded, self._bounded())

    def _add(self, field: str, value: object, message: str, rule: str, severity: Severity) -> None:
        if self.full:
            self._left_out += 1
            return
        self._problems.append(
            Problem(self._ref(), field, shorten(value), rule, message, severity, self._origin)
        )

    def _bounded(self) -> tuple[Problem, ...]:
        if not self._left_out:
            return tuple(self._problems)
        message = f"has {self._left_out} more problems, which are not shown"
        severity = Severity.ERROR if self.refused else Severity.WARNING
        return (*self._problems, Problem(self._ref(), "", "", "", message, severity, self._origin))


def shorten(value: object) -> str:
    """One printable line of at most 80 characters that shows ``value``, whatever it is.

    Lists and objects are named by their size: they may be deep, huge, or hold what is nobody's business.
    """
    text = _text_of(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _text_of(value: object) -> str:
    if isinstance(value, str):
        start = value[: _SHOWN + 1]
        return start if start.isprintable() else start.encode("unicode_escape").decode("ascii")
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        # Python refuses to write out an integer of thousands of digits.
        return str(value) if value.bit_length() <= 256 else f"integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"list of {len(value)}"
    if isinstance(value, dict):
        return f"object of {len(value)}"
    return type(value).__name__
