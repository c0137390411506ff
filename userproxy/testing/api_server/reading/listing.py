"""Lists, page by page, each page as of one version (API concepts, "Retrieving large results sets")."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import orjson

from userproxy.manifest.kinds import Kind
from userproxy.testing.api_server.reading.options import ListOptions
from userproxy.testing.api_server.statuses import StatusError, bad_request, expired, too_large_version
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.store import Store, key_of

__all__ = ["Page", "read_page"]

_NEWEST = -1


@dataclass(frozen=True, slots=True)
class Page:
    """Some objects, sorted, as of ``version``; ``continue_token`` is "" on the last page."""

    objects: tuple[RawObject, ...]
    version: int
    continue_token: str = ""
    remaining: int | None = None
    """How many objects come after this page; None on the last page and where selectors choose."""

    def metadata(self) -> dict[str, object]:
        """``metadata`` of the list."""
        metadata: dict[str, object] = {"resourceVersion": str(self.version)}
        if self.continue_token:
            metadata["continue"] = self.continue_token
        if self.remaining is not None:
            metadata["remainingItemCount"] = self.remaining
        return metadata


@dataclass(frozen=True, slots=True)
class _Position:
    """Where the next page starts: behind this key, as of this version."""

    version: int
    namespace: str = ""
    name: str = ""

    def token(self) -> str:
        fields = {"v": "meta.k8s.io/v1", "rv": self.version, "start": f"{self.namespace}/{self.name}"}
        return base64.urlsafe_b64encode(orjson.dumps(fields)).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str) -> _Position:
        try:
            fields = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            namespace, _, name = str(fields["start"]).partition("/")
            return cls(int(fields["rv"]), namespace, name)
        except (binascii.Error, ValueError, TypeError, KeyError) as error:
            raise bad_request(f"continue key is not valid: {token!r}") from error


def read_page(store: Store, kind: Kind, namespace: str, options: ListOptions) -> Page:
    """The page that ``options`` ask for; ``namespace`` "" reads all.

    Raises StatusError: 410 for a version or token that is too old (the answer to an old token offers one
    that goes on at the newest version), 504 for a version of the future, 400 for a bad token.
    """
    start = _start(store, options)
    found = [
        raw
        for raw in store.objects(kind, namespace, at=start.version)
        if key_of(raw) > (start.namespace, start.name) and options.matches(raw)
    ]
    page = tuple(found[: options.limit] if options.limit else found)
    left = len(found) - len(page)
    if not left:
        return Page(page, start.version)
    rest = _Position(start.version, *key_of(page[-1])).token()
    return Page(page, start.version, rest, None if options.selects else left)


def _start(store: Store, options: ListOptions) -> _Position:
    if options.continue_token:
        position = _Position.parse(options.continue_token)
        if position.version == _NEWEST:
            return _Position(store.version, position.namespace, position.name)
        if position.version < store.compacted:
            raise _expired_token(position)
        return position
    asked = options.resource_version or 0
    if asked > store.version:
        raise too_large_version(asked, store.version)
    # A limit at a known version without a match means that very version, as it always has.
    match = options.resource_version_match or ("Exact" if options.limit else "NotOlderThan")
    if not asked or match == "NotOlderThan":
        return _Position(store.version)
    if asked < store.compacted:
        raise expired(f"The resourceVersion for the provided list is too old: {asked} ({store.compacted})")
    return _Position(asked)


def _expired_token(position: _Position) -> StatusError:
    error = expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a"
        " new list without the continue parameter, or use the continue token in this response to retrieve"
        " the remainder of the results. Continuing with the provided token results in an inconsistent list."
    )
    error.metadata["continue"] = _Position(_NEWEST, position.namespace, position.name).token()
    return error
