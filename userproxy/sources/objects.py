"""The objects of all sources together: whose version of each serves, and what changed.

In: the `Contents` of one source (a file, a call), as they come, change and go. Out: events for the
difference alone. Owns the last contents of each source; knows no disk and no clock. Not for several
threads at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from userproxy.manifest.kinds import ENDPOINTS, SERVICE
from userproxy.manifest.mirroring import mirror
from userproxy.model.decode import decode, object_ref
from userproxy.model.events import Delete, Event, Rejected, SourceProblems, Upsert
from userproxy.model.findings import MAX_PROBLEMS
from userproxy.model.names import NamespacedName, ObjectRef
from userproxy.model.problems import Problem, Severity
from userproxy.sources.contents import Contents, Item

__all__ = ["ObjectSet"]

_Claim = tuple[bool, ObjectRef]
"""Who has a version of an object: a source that states it, or (True) Endpoints that are mirrored.

Claims in order: what is stated comes before what is mirrored, then the first source counts.
"""


@dataclass(slots=True)
class _Source:
    contents: Contents
    complaints: tuple[Problem, ...] = ()


class ObjectSet:
    """Of one object in two sources, the version of the first in sorted order serves; within one source
    the first in the text. The others are reported, and take over when it goes.

    Each call returns the events of what it changed: objects first, in order, then objects that are gone,
    then what is wrong with sources. A call that changes nothing returns none.
    """

    def __init__(self) -> None:
        self._sources: dict[ObjectRef, _Source] = {}
        self._claims: dict[ObjectRef, dict[_Claim, Item]] = {}
        self._mirrored: dict[NamespacedName, tuple[ObjectRef, ...]] = {}
        """Slices that are made of the Endpoints of that name."""
        self._said: dict[ObjectRef, Upsert | Rejected] = {}
        self._told: dict[ObjectRef, tuple[Problem, ...]] = {}

    @property
    def skipped(self) -> Mapping[str, int]:
        """Objects of kinds that are not read, by kind (rule D3)."""
        total: Counter[str] = Counter()
        for source in self._sources.values():
            total.update(source.contents.skipped)
        return total

    def current(self) -> list[Event]:
        """The events that lead from nothing to what is said now."""
        objects = [self._said[ref] for ref in sorted(self._said)]
        return [*objects, *(SourceProblems(ref, self._told[ref]) for ref in sorted(self._told))]

    def holds(self, source: ObjectRef) -> bool:
        return source in self._sources

    def replace(self, source: ObjectRef, contents: Contents) -> list[Event]:
        """Take ``contents`` for all that ``source`` holds now.

        While they have an object that cannot be told by name, the objects that are missing from them stay:
        each may be the one (rule D7).
        """
        state = self._sources.setdefault(source, _Source(Contents()))
        before = _first_items(state.contents)
        if not contents.whole:
            named = {item.ref for item in contents.items}
            kept = tuple(item for ref, item in before.items() if ref not in named)
            contents = Contents((*contents.items, *kept), contents.problems, False, contents.skipped)
        after = _first_items(contents)
        state.contents = contents
        changed = {ref for ref in before.keys() | after.keys() if before.get(ref) != after.get(ref)}
        for ref in changed:
            self._claim(ref, (False, source), after.get(ref))
        return self._changes(changed, {source})

    def remove(self, source: ObjectRef) -> list[Event]:
        """Forget ``source`` and all that it held."""
        if source not in self._sources:
            return []
        self._sources[source].complaints = ()
        events = self.replace(source, Contents())
        del self._sources[source]
        return events

    def complain(self, source: ObjectRef, complaints: tuple[Problem, ...]) -> list[Event]:
        """Replace what is wrong with ``source`` as a whole; its objects stay as they are."""
        if complaints or source in self._sources:
            self._sources.setdefault(source, _Source(Contents())).complaints = complaints
        return list(self._tell({source}))

    def _changes(self, changed: set[ObjectRef], sources: set[ObjectRef]) -> list[Event]:
        names = {
            NamespacedName(ref.namespace, ref.name)
            for ref in changed
            if ref.kind in (SERVICE.kind, ENDPOINTS.kind)
        }
        for name in names:
            changed |= self._mirror(name)
        # Whoever has another version of a changed object may serve it now, or no longer.
        sources |= {
            source for ref in changed for mirrored, source in self._claims.get(ref, ()) if not mirrored
        }
        said = [event for ref in sorted(changed) if (event := self._say(ref)) is not None]
        gone = [event for event in said if isinstance(event, Delete)]
        return [*(event for event in said if not isinstance(event, Delete)), *gone, *self._tell(sources)]

    def _claim(self, ref: ObjectRef, claim: _Claim, item: Item | None) -> None:
        claims = self._claims.setdefault(ref, {})
        if item is not None:
            claims[claim] = item
        else:
            claims.pop(claim, None)
        if not claims:
            del self._claims[ref]

    def _serving(self, ref: ObjectRef) -> Item | None:
        claims = self._claims.get(ref)
        return claims[min(claims)] if claims else None

    def _mirror(self, name: NamespacedName) -> set[ObjectRef]:
        """Make the slices of the Endpoints called ``name`` anew; returns all that may have changed."""
        ref = ObjectRef(ENDPOINTS.kind, name.namespace, name.name)
        endpoints = self._serving(ref)
        service = self._serving(ObjectRef(SERVICE.kind, name.namespace, name.name))
        slices = mirror(endpoints.raw, service.raw if service else None) if endpoints else ()
        items: dict[ObjectRef, Item] = {}
        for raw in slices:
            origin = endpoints.origin if endpoints else ""
            items[object_ref(raw)] = Item(object_ref(raw), origin, decode(raw, origin=origin))
        touched = items.keys() | set(self._mirrored.get(name, ()))
        for slice_ref in touched:
            self._claim(slice_ref, (True, ref), items.get(slice_ref))
        if items:
            self._mirrored[name] = tuple(items)
        else:
            self._mirrored.pop(name, None)
        return touched

    def _say(self, ref: ObjectRef) -> Upsert | Rejected | Delete | None:
        """The event for what ``ref`` is now; None when that has been said."""
        item = self._serving(ref)
        if item is None or item.outcome is None:
            return Delete(ref) if self._said.pop(ref, None) is not None else None
        if self._said.get(ref) == item.outcome:
            return None
        self._said[ref] = item.outcome
        return item.outcome

    def _tell(self, sources: Iterable[ObjectRef]) -> Iterator[SourceProblems]:
        for ref in sorted(sources):
            problems = self._problems(ref)
            if problems == self._told.get(ref, ()):
                continue
            if problems:
                self._told[ref] = problems
            else:
                del self._told[ref]
            yield SourceProblems(ref, problems)

    def _problems(self, ref: ObjectRef) -> tuple[Problem, ...]:
        source = self._sources.get(ref)
        if source is None:
            return ()
        items = source.contents.items
        remarks = (remark for item in items for remark in item.remarks)
        problems = (*source.complaints, *source.contents.problems, *remarks, *self._left_aside(items))
        if len(problems) <= MAX_PROBLEMS:
            return problems
        message = f"has {len(problems) - MAX_PROBLEMS} more problems, which are not shown"
        return (*problems[:MAX_PROBLEMS], Problem(ref, "", "", "", message))

    def _left_aside(self, items: tuple[Item, ...]) -> Iterator[Problem]:
        """The versions among ``items`` that do not serve, because another one does."""
        for item in items:
            serving = self._serving(item.ref)
            if serving is not None and serving.origin != item.origin:
                yield Problem(
                    item.ref,
                    "",
                    "",
                    "",
                    f"is also in {serving.origin}, which serves; this version waits until that one goes",
                    Severity.ERROR,
                    item.origin,
                )


def _first_items(contents: Contents) -> dict[ObjectRef, Item]:
    items: dict[ObjectRef, Item] = {}
    for item in contents.items:
        items.setdefault(item.ref, item)
    return items
