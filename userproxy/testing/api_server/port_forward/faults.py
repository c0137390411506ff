"""Scripted trouble of port-forwards, and which connection meets it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from userproxy.testing.api_server.statuses import StatusError

__all__ = ["ForwardFault", "Refusal", "Rules", "Way"]


class Way(enum.StrEnum):
    """The ways in which a client can forward."""

    TUNNEL = "tunnel"
    """A WebSocket with SPDY/3.1 in it: kubectl from 1.31 on."""
    SPDY = "spdy"
    """An upgrade to SPDY/3.1 itself: kubectl before that, and where WebSockets do not get through."""
    CHANNELS = "channels"
    """A WebSocket with v4.channel.k8s.io: client libraries of other languages."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The next upgrades are refused."""

    error: StatusError
    way: Way | None


@dataclass(frozen=True, slots=True)
class ForwardFault:
    """What ends one connection, as its error stream tells it."""

    text: str
    after_bytes: int
    """Of the pod: 0 is before anything is connected."""
    as_json: bool
    """As newer kubelets write it: an object with ``closeConnection`` and ``message``."""
    close_connection: bool
    resets: bool
    """The error stream does not end after the text: it is reset."""


_T = TypeVar("_T")


@dataclass(slots=True)
class _Rule(Generic[_T]):
    value: _T
    left: int | None
    every: int
    seen: int = 0


class Rules(Generic[_T]):
    """What shall happen to the next ones; the oldest rule that fits decides."""

    def __init__(self) -> None:
        self._rules: list[_Rule[_T]] = []

    def add(self, value: _T, *, count: int | None, every: int = 1) -> None:
        """``value`` for each ``every``-th one, ``count`` times; None: until `clear`."""
        if every < 1 or (count is not None and count < 1):
            raise ValueError(f"count and every must be at least 1, not {count} and {every}")
        self._rules.append(_Rule(value, count, every))

    def take(self, fits: Callable[[_T], bool] = lambda _: True) -> _T | None:
        """What shall happen to this one; its rule is used up by one."""
        for rule in self._rules:
            if fits(rule.value):
                rule.seen += 1
                if rule.seen % rule.every == 0:
                    self._use(rule)
                    return rule.value
        return None

    def clear(self) -> None:
        self._rules.clear()

    def _use(self, rule: _Rule[_T]) -> None:
        if rule.left is not None:
            rule.left -= 1
            if not rule.left:
                self._rules.remove(rule)
