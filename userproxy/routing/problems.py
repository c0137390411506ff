"""What is wrong now, and what of it has not been told yet."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from userproxy.model.names import ObjectRef
from userproxy.model.problems import Problem

__all__ = ["ProblemBoard", "Topic"]


class Topic(Enum):
    """Who found the problems of an object; each finder replaces its own alone."""

    SOURCE = "source"
    """What the source said with the object, or of itself."""
    ADDRESS = "address"
    """A Service without a local address (rules S2, L1)."""
    CONFLICT = "conflict"
    """An address or NodePort that another Service keeps (rule S10)."""

    # Enum hashes the name, by a function of its own; each member is there once.
    __hash__ = object.__hash__


_Key = tuple[ObjectRef, Topic]


class ProblemBoard:
    """Problems by object and topic; keeps nothing of an object once its last problem was told as cleared."""

    def __init__(self) -> None:
        self._current: dict[_Key, tuple[Problem, ...]] = {}
        self._told: dict[_Key, tuple[Problem, ...]] = {}
        self._touched: dict[_Key, None] = {}

    def replace(self, ref: ObjectRef, topic: Topic, problems: Iterable[Problem]) -> None:
        """``problems`` are all that is wrong with ``ref`` under ``topic`` now."""
        key = ref, topic
        new = tuple(dict.fromkeys(problems))
        old = self._current.get(key, ())
        if new == old:
            return
        if new:
            self._current[key] = new
        else:
            del self._current[key]
        self._touched[key] = None

    def take(self) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
        """(new, cleared) since the last call; what came and went in between is in neither."""
        new: list[Problem] = []
        cleared: list[Problem] = []
        for key in self._touched:
            current, told = self._current.get(key, ()), self._told.pop(key, ())
            new.extend(problem for problem in current if problem not in told)
            cleared.extend(problem for problem in told if problem not in current)
            if current:
                self._told[key] = current
        self._touched.clear()
        return tuple(new), tuple(cleared)

    def current(self) -> tuple[Problem, ...]:
        """All that is wrong now, ordered by object."""
        keys = sorted(self._current, key=lambda key: (key[0], key[1].value))
        return tuple([problem for key in keys for problem in self._current[key]])
