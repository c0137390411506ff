"""Options of a list or a watch: what the query says, checked once (API concepts, "Resource versions")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from userproxy.manifest.kinds import Kind
from userproxy.manifest.selectors import FieldSelector, LabelSelector
from userproxy.testing.api_server.statuses import StatusError, bad_request, invalid_options
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.store import metadata_of

__all__ = ["ListOptions", "truth"]


@dataclass(frozen=True, slots=True)
class ListOptions:
    """A valid combination of options. Raises StatusError (400 or 422) on construction otherwise."""

    labels: LabelSelector = field(default_factory=LabelSelector)
    fields: FieldSelector = field(default_factory=FieldSelector)
    watch: bool = False
    limit: int = 0
    """Most items on a page; 0: all of them."""
    continue_token: str = ""
    resource_version: int | None = None
    """None: "" was asked for, the most recent; 0: any version will do."""
    resource_version_match: str = ""
    """"", "Exact" or "NotOlderThan"."""
    timeout_s: float | None = None
    bookmarks: bool = False
    initial_events: bool | None = None

    def __post_init__(self) -> None:
        error = _continue_error(self) or _match_error(self) or _initial_events_error(self)
        if error is not None:
            raise error

    @classmethod
    def parse(cls, query: Mapping[str, str], kind: Kind) -> ListOptions:
        """Read a query. Raises StatusError: 400 for what cannot be read, 422 for what clashes."""
        initial = query.get("sendInitialEvents", "")
        return cls(
            labels=_labels(query.get("labelSelector", "")),
            fields=_fields(query.get("fieldSelector", ""), kind),
            watch=truth(query, "watch"),
            limit=_number(query, "limit") or 0,
            continue_token=query.get("continue", ""),
            resource_version=_number(query, "resourceVersion"),
            resource_version_match=query.get("resourceVersionMatch", ""),
            timeout_s=_number(query, "timeoutSeconds") or None,
            bookmarks=truth(query, "allowWatchBookmarks"),
            initial_events=truth(query, "sendInitialEvents") if initial else None,
        )

    @property
    def selects(self) -> bool:
        """True when some objects may be left out."""
        return bool(self.labels or self.fields)

    def matches(self, raw: RawObject) -> bool:
        """True when both selectors choose the object."""
        return self.labels.matches(metadata_of(raw).get("labels")) and self.fields.matches(raw)


def truth(query: Mapping[str, str], name: str) -> bool:
    """A boolean of a query, as the API reads it: present and neither "0" nor "false"."""
    return name in query and query[name].lower() not in ("0", "false")


def _labels(text: str) -> LabelSelector:
    try:
        return LabelSelector.parse(text)
    except ValueError as error:
        raise bad_request(f"unable to parse requirement: {error}") from error


def _fields(text: str, kind: Kind) -> FieldSelector:
    try:
        selector = FieldSelector.parse(text)
    except ValueError as error:
        raise bad_request(f"invalid field selector: {error}") from error
    unsupported = selector.unsupported(kind)
    if unsupported:
        raise bad_request(f"field label not supported: {unsupported[0]}")
    return selector


def _number(query: Mapping[str, str], name: str) -> int | None:
    """A number that is not negative; None when absent or empty."""
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"{name}: Invalid value: {text!r}: must be a number that is not negative")
    return int(text)


def _continue_error(options: ListOptions) -> StatusError | None:
    if not options.continue_token:
        return None
    if options.watch:
        return invalid_options("continue", "not allowed for watch")
    if options.resource_version_match:
        return invalid_options("resourceVersionMatch", "not allowed with continue")
    if options.resource_version:
        return bad_request("specifying resource version is not allowed when using continue")
    return None


def _match_error(options: ListOptions) -> StatusError | None:
    match, version = options.resource_version_match, options.resource_version
    if not match:
        return None
    if match not in ("Exact", "NotOlderThan"):
        return invalid_options("resourceVersionMatch", f'must be Exact or NotOlderThan, not "{match}"')
    if options.watch:
        if options.initial_events is None:
            text = "not allowed for watch unless sendInitialEvents is given"
            return invalid_options("resourceVersionMatch", text)
        return None
    if version is None:
        return invalid_options("resourceVersionMatch", "not allowed without resourceVersion")
    if match == "Exact" and version == 0:
        return invalid_options("resourceVersionMatch", '"Exact" is not allowed for version "0"')
    return None


def _initial_events_error(options: ListOptions) -> StatusError | None:
    if options.initial_events is None:
        return None
    if not options.watch:
        return invalid_options("sendInitialEvents", "only allowed for watch")
    if options.resource_version_match != "NotOlderThan":
        text = "sendInitialEvents requires resourceVersionMatch NotOlderThan"
        return invalid_options("resourceVersionMatch", text)
    return None
