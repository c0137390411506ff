"""What the parent asks its workers, and waits for: answers come in parts, and not at all from the dead."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from userproxy.workers.route_codec import Wire

__all__ = ["Questions"]


class Asked(Protocol):
    """One worker, as `link.Link` reaches it."""

    index: int

    def say(self, *message: object) -> None: ...


@dataclass(slots=True)
class _Question:
    missing: set[int]
    done: asyncio.Future[None]
    rows: list[Wire] = field(default_factory=list)

    def heard(self, worker: int) -> None:
        self.missing.discard(worker)
        if not self.missing and not self.done.done():
            self.done.set_result(None)


class Questions:
    """Each question has a number."""

    def __init__(self) -> None:
        self._asked: dict[int, _Question] = {}
        self._numbers = 0

    async def ask(self, workers: Iterable[Asked], kind: str, *body: object) -> list[Wire]:
        """What all ``workers`` say to it that live on meanwhile, in one list."""
        chosen = list(workers)
        self._numbers += 1
        number = self._numbers
        question = _Question({one.index for one in chosen}, asyncio.get_running_loop().create_future())
        if not chosen:
            return []
        self._asked[number] = question
        try:
            for one in chosen:
                one.say(kind, number, *body)
            await question.done
        finally:
            del self._asked[number]
        return question.rows

    def answered(self, worker: int, number: int, rows: list[Wire], last: bool) -> None:
        """A part of what ``worker`` says; perhaps nobody waits for it any more."""
        question = self._asked.get(number)
        if question is not None:
            question.rows.extend(rows)
            if last:
                question.heard(worker)

    def lost(self, worker: int) -> None:
        for question in self._asked.values():
            question.heard(worker)
