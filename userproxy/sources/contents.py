"""Documents of one source become its objects: unpacked, completed, selected, decoded.

In: documents that anybody may have written. Out: `Contents`: the objects, each with where it stands, and
what is wrong with those that cannot even be told by name. Pure; nothing here raises for bad input.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from userproxy.errors import ConfigError
from userproxy.manifest.defaults import complete
from userproxy.manifest.kinds import ENDPOINTS, SERVICE, kind_of, known
from userproxy.manifest.lists import unpack
from userproxy.manifest.mirroring import mirror_problems
from userproxy.manifest.selectors import LabelSelector
from userproxy.model.decode import decode, object_ref
from userproxy.model.events import Rejected, Upsert
from userproxy.model.fields import is_list, is_object
from userproxy.model.findings import Findings, shorten
from userproxy.model.names import ObjectRef
from userproxy.model.problems import Problem, Severity
from userproxy.sources.document import Document, DuplicateKey

__all__ = ["Contents", "Item", "Selection", "read_contents"]

_IDENTITY = frozenset({"", "kind", "metadata", "metadata.name", "metadata.namespace"})
"""Fields without which nobody can say which object a refused one is."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects are served: namespaces limit all that have one, labels limit Services."""

    namespaces: frozenset[str] = frozenset()
    """Empty: all."""
    labels: LabelSelector = field(default_factory=LabelSelector)

    @classmethod
    def parse(cls, namespaces: Collection[str], selector: str) -> Selection:
        """Raises ConfigError for a selector that an API server would refuse."""
        try:
            return cls(frozenset(namespaces), LabelSelector.parse(selector))
        except ValueError as error:
            raise ConfigError(str(error)) from error

    def takes(self, ref: ObjectRef, raw: object) -> bool:
        if self.namespaces and ref.namespace and ref.namespace not in self.namespaces:
            return False
        if ref.kind != SERVICE.kind or not self.labels or not is_object(raw):
            return True
        metadata = raw.get("metadata")
        labels = metadata.get("labels") if is_object(metadata) else None
        # Labels that cannot be read decide nothing: the decoder reports them.
        return (labels is not None and not is_object(labels)) or self.labels.matches(labels)


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a source."""

    ref: ObjectRef
    origin: str
    """``web.yaml, document 2``; "" for a call."""
    outcome: Upsert | Rejected | None
    """None for Endpoints: they are served as the slices that mirror them (rule D6)."""
    raw: Mapping[str, object] = field(default_factory=dict)
    """Completed; kept only of Services and Endpoints, which mirroring needs."""
    remarks: tuple[Problem, ...] = ()
    """What is wrong with its text rather than with the object."""


@dataclass(frozen=True, slots=True)
class Contents:
    """All that one source holds at one time."""

    items: tuple[Item, ...] = ()
    """In the order of the text. An object may be there twice."""
    problems: tuple[Problem, ...] = ()
    """Of objects that cannot be told by name."""
    whole: bool = True
    """False when there are such objects: any that is missing now may be one of them (rule D7)."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Objects of kinds that are not read, by kind (rule D3)."""


def read_contents(documents: Iterable[Document], name: str, selection: Selection) -> Contents:
    """What ``documents`` hold. ``name`` is the source's, for `Item.origin`; "" when it has none."""
    reader = _Reader(selection)
    for document in documents:
        origin = f"{name}, document {document.number}" if name else ""
        reader.document(document, origin)
    return Contents(tuple(reader.items), tuple(reader.problems), not reader.problems, reader.skipped)


class _Reader:
    """Sorts what the documents hold into items, problems and what is skipped."""

    def __init__(self, selection: Selection) -> None:
        self.items: list[Item] = []
        self.problems: list[Problem] = []
        self.skipped: Counter[str] = Counter()
        self._selection = selection

    def document(self, document: Document, origin: str) -> None:
        if document.value is None:
            return
        duplicate_keys = document.duplicate_keys
        for number, raw in enumerate(unpack(document.value), start=1):
            is_item = raw is not document.value
            item_origin = f"{origin}, item {number}" if is_item and origin else origin
            kind = raw.get("kind") if is_object(raw) else None
            if isinstance(kind, str) and kind and not known(kind):
                self._unread(kind, raw, item_origin)
                continue
            completed = complete(raw) if is_object(raw) else raw
            ref = object_ref(completed)
            if self._selection.takes(ref, completed):
                self._object(completed, ref, item_origin, tuple(_remarks(ref, duplicate_keys, origin)))
                # Which object of a list has them is not known; they stand with the first.
                duplicate_keys = ()

    def _unread(self, kind: str, raw: object, origin: str) -> None:
        """Count an object that is not read, unless it is a list of those that are: `unpack` refused it."""
        if kind != "List" and not known(kind.removesuffix("List")):
            self.skipped[kind] += 1
            return
        items = raw.get("items") if is_object(raw) else None
        findings = Findings(lambda: object_ref(raw), origin)
        findings.refuse("items", items, "must be a list; none of its objects is read")
        self.problems.extend(findings.reject().problems)

    def _object(self, raw: object, ref: ObjectRef, origin: str, remarks: tuple[Problem, ...]) -> None:
        if ref.kind == ENDPOINTS.kind and is_object(raw):
            self._endpoints(raw, ref, origin, remarks)
            return
        outcome = decode(raw, origin=origin)
        if isinstance(outcome, Rejected) and not _IDENTITY.isdisjoint(p.field for p in outcome.problems):
            self.problems.extend((*outcome.problems, *remarks))
        elif outcome is not None:
            kept = raw if ref.kind == SERVICE.kind and is_object(raw) else {}
            self.items.append(Item(ref, origin, outcome, kept, remarks))

    def _endpoints(
        self, raw: Mapping[str, object], ref: ObjectRef, origin: str, remarks: tuple[Problem, ...]
    ) -> None:
        """Legacy Endpoints are refused for the reasons that any object is (rules D3, D7)."""
        findings = Findings(lambda: ref, origin)
        subsets, metadata = raw.get("subsets"), raw.get("metadata")
        name = metadata.get("name") if is_object(metadata) else None
        if kind_of(raw.get("apiVersion"), raw.get("kind")) is None:
            message = f"is not served; the apiVersion of Endpoints is {ENDPOINTS.api_version}"
            findings.refuse("apiVersion", raw.get("apiVersion"), message, rule="D3")
        if not isinstance(name, str) or not name:
            findings.refuse("metadata.name", "" if name is None else name, "must be a name")
        if subsets is not None and not is_list(subsets):
            findings.refuse("subsets", subsets, "must be a list; the object is refused")
        if findings.refused:
            self.problems.extend((*findings.reject().problems, *remarks))
            return
        self.items.append(Item(ref, origin, None, raw, (*remarks, *mirror_problems(raw, origin=origin))))


def _remarks(ref: ObjectRef, duplicate_keys: tuple[DuplicateKey, ...], origin: str) -> Iterator[Problem]:
    """Duplicate keys, as warnings: an API server's lenient decoding takes the last value too."""
    message = "stands twice in one mapping; the last value counts"
    for found in duplicate_keys:
        line = f"line {found.line}, column {found.column}" if found.line else ""
        place = ", ".join(part for part in (origin, line) if part)
        yield Problem(ref, shorten(found.key), "", "", message, Severity.WARNING, place)
