"""Scripted trouble: what shall happen to the next requests instead of an answer, or before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from userproxy.testing.api_server.http.recording import RecordedRequest
from userproxy.testing.api_server.statuses import StatusError

__all__ = ["Action", "Answer", "Drop", "Hang", "Refuse", "Script", "ShowTable", "Slow"]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an error."""

    error: StatusError


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answer; the connection is dropped when the script is cleared or the server stops."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without an answer."""


@dataclass(frozen=True, slots=True)
class Slow:
    """Answer as always, but late."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with these bytes, whatever was asked."""

    body: bytes
    content_type: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class ShowTable:
    """Answer with a Table although none was asked for."""


Action = Refuse | Hang | Drop | Slow | Answer | ShowTable


@dataclass(slots=True)
class _Rule:
    action: Action
    left: int
    verb: str
    resource: str


class Script:
    """Rules, each for a number of requests; the oldest rule that fits a request decides it."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def add(self, action: Action, *, count: int, verb: str = "", resource: str = "") -> None:
        """``action`` for the next ``count`` requests of this verb and resource; "" is any."""
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        self._rules.append(_Rule(action, count, verb, resource))

    def take(self, request: RecordedRequest) -> Action | None:
        """What shall happen to ``request``; the rule is used up by one."""
        rule = next(self._fitting(request), None)
        if rule is None:
            return None
        rule.left -= 1
        if not rule.left:
            self._rules.remove(rule)
        return rule.action

    def clear(self) -> None:
        self._rules.clear()

    def _fitting(self, request: RecordedRequest) -> Iterator[_Rule]:
        return (rule for rule in self._rules if request.is_for(rule.verb, rule.resource))
