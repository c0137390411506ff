"""One line of a watch: bytes in, what it says out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from userproxy.model.fields import is_object
from userproxy.model.metadata import object_ref
from userproxy.model.names import ObjectRef
from userproxy.sources.kube.answers import Asked, status_error, trimmed
from userproxy.sources.kube.failures import Undecodable, WrongStream
from userproxy.sources.kube.resources import Collection

__all__ = ["Bookmark", "Changed", "Deleted", "Skipped", "WatchEvent", "has_name", "parse_event"]


@dataclass(frozen=True, slots=True)
class Changed:
    """ADDED or MODIFIED: this is the object now, undecoded."""

    ref: ObjectRef
    version: str
    """"" when the object does not say its own, as for every event."""
    raw: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Deleted:
    """DELETED: the object is gone, or matches the selectors no more."""

    ref: ObjectRef
    version: str


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Nothing happened up to this version."""

    version: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """An event that means nothing to us; ``version`` is "" where it must not move ours."""

    version: str
    why: str


WatchEvent = Changed | Deleted | Bookmark | Skipped


def parse_event(line: bytes, collection: Collection) -> WatchEvent:
    """What ``line`` says (rule R8).

    Raises Undecodable when it is not JSON, holds no object, or one without metadata.name; ResourceExpired
    or ApiError for an ERROR event; WrongStream for a Table, or when the answer is no stream of events.
    """
    kind = collection.resource.kind
    asked = Asked("watch", collection)
    try:
        event: object = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Undecodable(f"{asked}: an event of {_guess(line, kind)} is not JSON: {error}") from None
    if not is_object(event):
        raise Undecodable(f"{asked}: a line that is no event: {_start(line)}")
    raw = event.get("object")
    type_ = event.get("type")
    if type_ is None and isinstance(event.get("kind"), str):
        came = trimmed(f"{event['kind']} of {event.get('apiVersion')}")
        raise WrongStream(f"{asked}: the answer is {came}, not a stream of events")
    if not isinstance(type_, str) or not is_object(raw):
        raise Undecodable(f"{asked}: an event of {_guess(line, kind)} without a type or an object")
    if type_ == "ERROR":
        raise status_error(raw, asked, http_status=0)
    version = _version(raw)
    if type_ not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
        return Skipped(version, f"unknown event type {trimmed(type_)} for {object_ref(raw)}")
    if raw.get("kind") == "Table":
        raise WrongStream(f"{asked}: the events hold a Table, not a {kind}")
    if raw.get("kind") not in (kind, None):
        return Skipped("", f"{object_ref(raw)} is no {kind}")
    return _known_event(type_, raw, version, asked)


def has_name(raw: object) -> bool:
    """Whether ``raw`` is an object that says its name; without one it cannot be told from others."""
    metadata = raw.get("metadata") if is_object(raw) else None
    name = metadata.get("name") if is_object(metadata) else None
    return isinstance(name, str) and name != ""


def _known_event(type_: str, raw: Mapping[str, object], version: str, asked: Asked) -> WatchEvent:
    if type_ == "BOOKMARK":
        return Bookmark(version)
    kind = asked.collection.resource.kind
    if not has_name(raw):
        raise Undecodable(f"{asked}: an event of a {kind} without metadata.name")
    ref = object_ref(raw, kind)
    return Deleted(ref, version) if type_ == "DELETED" else Changed(ref, version, raw)


def _version(raw: Mapping[str, object]) -> str:
    metadata = raw.get("metadata")
    version = metadata.get("resourceVersion") if is_object(metadata) else None
    return version if isinstance(version, str) else ""


_NAME = re.compile(rb'"name"\s*:\s*"([^"\\]{1,253})"')


def _guess(line: bytes, kind: str) -> str:
    """The object that a broken line was about, as far as can be seen: its name is the first one written."""
    name = _NAME.search(line)
    return f"{kind} {trimmed(name[1].decode('utf-8', 'replace'))}" if name else f"an unnamed {kind}"


def _start(line: bytes) -> str:
    return trimmed(line[:100].decode("utf-8", "replace"))
