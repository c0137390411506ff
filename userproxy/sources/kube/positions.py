"""Which request comes next, and at which resourceVersion: the law of rules R3, R4 and R5, as a table.

All decisions about versions are made here. Pure: a `Position` and what happened in, the next `Position` and
whether to wait out. The reflector does as it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from userproxy.errors import ApiError, CredentialsError, ResourceExpired, UserproxyError
from userproxy.sources.kube.failures import (
    ClusterChanged,
    ContinueExpired,
    EndedEarly,
    Undecodable,
    Unreachable,
)

__all__ = ["NEWEST", "PAGE_SIZE", "Failure", "Pause", "Position", "Request", "after", "failure_of", "listed"]

PAGE_SIZE = 500
"""``limit`` of a list that comes in pages; client-go's figure."""

_FROM_CACHE = "0"
"""Any version that the server has at hand: cheap for it, and good enough for a first list."""
NEWEST = ""
"""The newest version, read through the server's cache: always valid, never expired."""


class Request(Enum):
    """What a reflector asks for next."""

    LIST = auto()
    WATCH = auto()


class Pause(Enum):
    """Whether the next request waits."""

    AT_ONCE = auto()
    BACK_OFF = auto()


class Failure(Enum):
    """How a request failed, as far as the next one depends on it."""

    EXPIRED = auto()
    """410, or 400/504 with cause ResourceVersionTooLarge; or the version is another cluster's."""
    CONTINUE_EXPIRED = auto()
    """410 on a continue token."""
    REFUSED = auto()
    """No connection, or no credentials to send: the server was not asked."""
    TOO_MANY_REQUESTS = auto()
    """429."""
    UNDECODABLE = auto()
    """A watch event that cannot be decoded: what it said can only be learned from a list."""
    ENDED_EARLY = auto()
    """A watch that ended in under a second without an event."""
    OTHER = auto()
    """Any other answer than the one that was asked for, a cut or a silence."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reflector stands: what it asks next, and at which resourceVersion."""

    request: Request = Request.LIST
    version: str = _FROM_CACHE
    """Opaque. "0" before the first list, "" after an expiry, else the last one seen."""
    paged: bool = False
    """The first list came in pages: this server has no cache, so later lists ask for pages too."""
    whole: bool = False
    """The next list asks for no pages, because the continue token of the last one expired."""
    hurried: bool = False
    """An expiry was answered at once, and no watch has lasted since: the next one backs off."""

    @property
    def limit(self) -> int | None:
        """``limit`` of the next list; None: all in one answer (rule R3).

        At a known version a server answers from its cache, which knows no pages; a limit there would
        send the request on to etcd.
        """
        if self.whole:
            return None
        return PAGE_SIZE if self.paged or self.version in (_FROM_CACHE, NEWEST) else None

    def moved(self, version: str) -> Position:
        """An event or a bookmark came, of ``version`` ("": it did not say)."""
        return replace(self, version=version) if version and version != self.version else self

    def lasted(self) -> Position:
        """A watch has lasted: the next expiry may be answered at once again."""
        return replace(self, hurried=False) if self.hurried else self


def listed(position: Position, version: str, *, pages: int) -> Position:
    """A whole list of ``version`` has been read: watch from there (rule R4)."""
    paged = position.paged or (position.version == _FROM_CACHE and pages > 1)
    return replace(position, request=Request.WATCH, version=version, paged=paged, whole=False)


_KEEP = None

# (request that failed, how) -> (next request, its version, pause)
_AFTER: dict[tuple[Request, Failure], tuple[Request, str | None, Pause]] = {
    (Request.LIST, Failure.EXPIRED): (Request.LIST, NEWEST, Pause.AT_ONCE),
    (Request.LIST, Failure.CONTINUE_EXPIRED): (Request.LIST, NEWEST, Pause.AT_ONCE),
    (Request.LIST, Failure.REFUSED): (Request.LIST, _KEEP, Pause.BACK_OFF),
    (Request.LIST, Failure.TOO_MANY_REQUESTS): (Request.LIST, _KEEP, Pause.BACK_OFF),
    (Request.LIST, Failure.OTHER): (Request.LIST, _KEEP, Pause.BACK_OFF),
    (Request.WATCH, Failure.EXPIRED): (Request.LIST, NEWEST, Pause.AT_ONCE),
    (Request.WATCH, Failure.REFUSED): (Request.WATCH, _KEEP, Pause.BACK_OFF),
    (Request.WATCH, Failure.TOO_MANY_REQUESTS): (Request.WATCH, _KEEP, Pause.BACK_OFF),
    (Request.WATCH, Failure.UNDECODABLE): (Request.LIST, _KEEP, Pause.BACK_OFF),
    (Request.WATCH, Failure.ENDED_EARLY): (Request.LIST, _KEEP, Pause.BACK_OFF),
    (Request.WATCH, Failure.OTHER): (Request.LIST, _KEEP, Pause.BACK_OFF),
}


def after(position: Position, failure: Failure) -> tuple[Position, Pause]:
    """What to ask after ``failure``, and whether to wait before (rules R3, R5)."""
    request, version, pause = _AFTER[position.request, failure]
    if pause is Pause.AT_ONCE and position.hurried:
        pause = Pause.BACK_OFF  # a server that expires everything must not be asked in a circle
    following = replace(
        position,
        request=request,
        version=position.version if version is _KEEP else version,
        # A list that outlived its token in pages would do so again.
        whole=failure is Failure.CONTINUE_EXPIRED,
        hurried=position.hurried or pause is Pause.AT_ONCE,
    )
    return following, pause


def failure_of(error: UserproxyError) -> Failure:
    """The row of the table that ``error`` belongs to."""
    match error:
        case ContinueExpired():
            return Failure.CONTINUE_EXPIRED
        case ResourceExpired() | ClusterChanged():
            return Failure.EXPIRED
        case Unreachable() | CredentialsError():
            return Failure.REFUSED
        case ApiError(status=429):
            return Failure.TOO_MANY_REQUESTS
        case Undecodable():
            return Failure.UNDECODABLE
        case EndedEarly():
            return Failure.ENDED_EARLY
        case _:
            return Failure.OTHER
