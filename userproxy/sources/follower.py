"""Files on a disk become events: one step looks at everything, and tells what counts since the last.

In: a way to look, and a clock. Out: `Step`s. Owns what has counted and the objects that came of it. It
blocks (disk, parsing): run it in a thread, one step at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from userproxy.errors import DocumentError
from userproxy.model.events import Event
from userproxy.model.names import ObjectRef
from userproxy.model.problems import Problem, Severity
from userproxy.sources.contents import Selection, read_contents
from userproxy.sources.documents import read_documents
from userproxy.sources.given import STANDARD_INPUT
from userproxy.sources.objects import ObjectSet
from userproxy.sources.sights import Content, Missing, Sight, Survey, Unreadable
from userproxy.sources.stability import RESTLESS_S, STABLE_S, Stability

__all__ = ["Follower", "Step"]

_GOES_ON = "what served before goes on"


@dataclass(frozen=True, slots=True)
class Step:
    """What one look at everything led to."""

    events: tuple[Event, ...]
    settled: bool
    """All that was seen counts, but for what keeps changing."""
    due_s: float | None
    """Seconds until the next look can make something count; None: nothing waits for one."""
    look_s: float
    """How long it took to look, without what followed from it."""
    folders: frozenset[tuple[str, int, int]]
    """`Survey.folders`."""


class Follower:
    """Turns what is seen of files into events, as soon as it counts, once.

    A file that cannot be read or parsed keeps all the objects that it had; so does one that never rests.
    """

    def __init__(
        self,
        look: Callable[[Mapping[ObjectRef, Sight]], Survey],
        selection: Selection,
        *,
        stated: Collection[ObjectRef] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``look`` is `Disk.survey`; ``stated`` are the files whose absence is worth a word."""
        self._look = look
        self._selection = selection
        self._stated = frozenset(stated)
        self._clock = clock
        self._stability: Stability[Sight] = Stability()
        self._objects = ObjectSet()
        self._troubles: dict[ObjectRef, Problem] = {}
        self._restless: frozenset[ObjectRef] = frozenset()

    @property
    def readable(self) -> bool:
        """Whether everything could be read and parsed, as far as it counts."""
        errors = any(problem.severity is Severity.ERROR for problem in self._troubles.values())
        return not errors and not self._restless

    @property
    def skipped(self) -> Mapping[str, int]:
        """Objects of kinds that are not read, by kind (rule D3)."""
        return self._objects.skipped

    def step(self, *, afresh: bool = False) -> Step:
        """Look at everything; with ``afresh`` nothing is taken as known by its time stamps."""
        began_s = self._clock()
        survey = self._look({} if afresh else self._stability.resting)
        ended_s = self._clock()
        events: list[Event] = []
        for ref in sorted(self._stability.known | survey.sights.keys()):
            sight = survey.sights.get(ref, Missing())
            # What is compared later needs no bytes, and files may be large.
            remembered = replace(sight, data=b"") if isinstance(sight, Content) else sight
            if self._stability.see(ref, remembered, began_s=began_s, ended_s=ended_s):
                events += self.take(ref, sight)
            if isinstance(sight, Missing) and ref not in survey.sights:
                self._forget_if_gone(ref)
        events += self._tell_restless(ended_s)
        return Step(
            tuple(events),
            self._stability.settled(ended_s),
            self._stability.due_s(self._clock()),
            ended_s - began_s,
            survey.folders,
        )

    def take(self, ref: ObjectRef, sight: Sight) -> list[Event]:
        """The events of what now counts of ``ref``."""
        if isinstance(sight, Content):
            return self._read(ref, sight)
        if isinstance(sight, Missing):
            removed = self._objects.remove(ref)
            if ref not in self._stated:
                self._troubles.pop(ref, None)
                return removed
            message = "is gone, and its objects with it; it is waited for"
            return [*removed, *self._complain(ref, Problem(ref, "", "", "", message, Severity.WARNING))]
        if isinstance(sight, Unreadable):
            return self._complain(ref, Problem(ref, "", "", "", f"{sight.reason}; {_GOES_ON}"))
        severity = Severity.ERROR if sight.unreadable else Severity.WARNING
        trouble = Problem(ref, "", "", "", sight.trouble, severity) if sight.trouble else None
        return self._complain(ref, trouble)

    def _read(self, ref: ObjectRef, content: Content) -> list[Event]:
        try:
            documents = read_documents(content.data)
        except DocumentError as error:
            place = f"line {error.line}, column {error.column}" if error.line else ""
            return self._complain(ref, Problem(ref, place, "", "", f"{error.message}; {_GOES_ON}"))
        name = "standard input" if ref.name == STANDARD_INPUT else ref.name
        events = self._objects.replace(ref, read_contents(documents, name, self._selection))
        return [*events, *self._complain(ref, None)]

    def _complain(self, ref: ObjectRef, trouble: Problem | None) -> list[Event]:
        if trouble is None:
            self._troubles.pop(ref, None)
        else:
            self._troubles[ref] = trouble
        return self._tell(ref)

    def _tell(self, ref: ObjectRef) -> list[Event]:
        trouble = self._troubles.get(ref)
        complaints = () if trouble is None else (trouble,)
        if ref in self._restless:
            stable_ms, restless_s = round(STABLE_S * 1000), round(RESTLESS_S)
            message = f"was not the same twice, {stable_ms} ms apart, for {restless_s} s; {_GOES_ON}"
            complaints = (*complaints, Problem(ref, "", "", "", message, Severity.WARNING))
        return self._objects.complain(ref, complaints)

    def _tell_restless(self, now_s: float) -> list[Event]:
        before, self._restless = self._restless, self._stability.restless(now_s)
        return [event for ref in sorted(before ^ self._restless) for event in self._tell(ref)]

    def _forget_if_gone(self, ref: ObjectRef) -> None:
        """A file that left its folder may have a name that never comes again."""
        if isinstance(self._stability.counts(ref), Missing) and ref not in self._stated:
            self._stability.forget(ref)
