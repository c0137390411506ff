"""Objects given by calls: for tests, and for programs that know their Services themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping

from userproxy.errors import InvalidObject
from userproxy.manifest.kinds import KINDS
from userproxy.model.events import Event, Mark, Rejected, Synced
from userproxy.model.names import ObjectRef
from userproxy.sources.base import EventQueue
from userproxy.sources.contents import Contents, Selection, read_contents
from userproxy.sources.document import Document
from userproxy.sources.documents import read_documents
from userproxy.sources.objects import ObjectSet

__all__ = ["MemorySource"]

_CLUSTER_WIDE = frozenset(kind.kind for kind in KINDS if not kind.namespaced)


class MemorySource:
    """Holds what `apply` and `delete` say. It is in sync from the start.

    Call it before or while a `Proxy` runs on it, always from one thread: that of the proxy's loop, once
    it runs. `Proxy.settled` then waits for every call that has returned. Objects need not be complete:
    they get the defaults that an API server gives (section D).
    """

    def __init__(self, *, namespaces: Collection[str] = (), selector: str = "") -> None:
        """``namespaces`` and ``selector`` leave out what `apply` is given beyond them, as for files.

        Raises ConfigError for a selector that an API server would refuse.
        """
        self._selection = Selection.parse(namespaces, selector)
        self._objects = ObjectSet()
        self._skipped: Counter[str] = Counter()
        self._queue: EventQueue | None = None
        """Of the consumer that runs now."""
        self._marks: list[object] = []
        """Asked for before there was a consumer."""

    def apply(self, *objects: Mapping[str, object] | str) -> None:
        """Create or replace objects: mappings as from JSON, or YAML or JSON text of any number.

        ``kind: List`` is unpacked. What is bad in one entry of an object (an address, a port of a slice)
        is left out and reported as for any source.

        Raises InvalidObject when an object is refused whole (rule D7), or text cannot be read; it has
        every problem of every refused object, and nothing of this call is applied.
        """
        contents = read_contents(_documents(objects), "", self._selection)
        refused = [item.outcome for item in contents.items if isinstance(item.outcome, Rejected)]
        problems = [*contents.problems, *(problem for outcome in refused for problem in outcome.problems)]
        if problems:
            raise InvalidObject("\n".join(map(str, problems)))
        self._skipped.update(contents.skipped)
        for item in contents.items:
            self._put(self._objects.replace(_source_of(item.ref), Contents((item,))))

    def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """Remove one object; ``namespace`` means nothing for a Node. Raises KeyError when it is not there."""
        ref = ObjectRef(kind, "" if kind in _CLUSTER_WIDE else namespace, name)
        if not self._objects.holds(_source_of(ref)):
            raise KeyError(f"{ref} is not in this source")
        self._put(self._objects.remove(_source_of(ref)))

    @property
    def remote(self) -> bool:
        return False

    @property
    def cluster_ip_required(self) -> bool:
        return False

    @property
    def skipped(self) -> Mapping[str, int]:
        """How often `apply` was given an object of a kind that is not read, by kind (rule D3)."""
        return self._skipped

    async def events(self) -> AsyncGenerator[Event]:
        """What is held now, `Synced`, then every change. May be started again once it has been closed.

        Raises RuntimeError when it already has a consumer.
        """
        if self._queue is not None:
            raise RuntimeError("this MemorySource already has a consumer")
        self._queue = EventQueue()
        try:
            self._queue.put(*self._objects.current(), Synced(), *map(Mark, self._marks))
            self._marks.clear()
            async for event in self._queue:
                yield event
        finally:
            self._queue = None

    def mark(self, token: object) -> None:
        """``Mark(token)`` comes out behind the events of every call that has returned."""
        if self._queue is None:
            self._marks.append(token)
        else:
            self._queue.mark(token)

    def reload(self) -> None:
        """Changes nothing: there is nothing behind the calls that could be read again."""

    def _put(self, events: list[Event]) -> None:
        # Without a consumer nothing is kept: the next one starts from what is held then.
        if self._queue is not None:
            self._queue.extend(events)


def _documents(objects: tuple[Mapping[str, object] | str, ...]) -> list[Document]:
    documents: list[Document] = []
    for given in objects:
        if isinstance(given, str):
            documents.extend(read_documents(given))
        else:
            documents.append(Document(1, given))
    return documents


def _source_of(ref: ObjectRef) -> ObjectRef:
    """Each object is a source of its own: a later call replaces it alone."""
    return ObjectRef("memory", "", str(ref))
