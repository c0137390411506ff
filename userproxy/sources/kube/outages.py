"""What is wrong between us and the API server, told once: as problems of the source and as log events.

In: the failure or success of each watch. Out: one `SourceProblems` whenever the set of what is wrong
changes, ``watch_lost`` and ``watch_restored``. What concerns the whole server (it cannot be reached, the
credentials are refused) is one outage, however many watches meet it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from userproxy.errors import ApiError, CredentialsError, UserproxyError
from userproxy.log import log_event
from userproxy.model.events import SourceProblems
from userproxy.model.problems import Problem
from userproxy.sources.kube.failures import EndedEarly, NotKubernetes, Unreachable, WrongStream
from userproxy.sources.kube.problems import api_server, not_served, server_lost
from userproxy.sources.kube.resources import Collection
from userproxy.sources.kube.timing import Timing

__all__ = ["Outages"]

_logger = logging.getLogger(__name__)

_EVERY_WATCH = "all"


@dataclass(frozen=True, slots=True)
class _Cause:
    """What makes two failures the same outage."""

    watch: str
    """Collection that it concerns; `_EVERY_WATCH` for the server as a whole."""
    error: type[UserproxyError]
    status: int = 0


@dataclass(slots=True)
class _Outage:
    problem: Problem
    error: str
    since_s: float
    said_s: float
    heard_s: dict[str, float | None] = field(default_factory=dict)
    """The collections that it concerns, with when the server last sent something for each; None: never."""

    def age_s(self, now_s: float) -> float | None:
        """How old the state is of the collection that has been silent longest; None: there is none yet."""
        return max(
            (now_s - heard_s for heard_s in self.heard_s.values() if heard_s is not None), default=None
        )


class Outages:
    """Which watches are lost, and why. ``say`` is called with the full set of problems at each change."""

    def __init__(self, server: str, timing: Timing, say: Callable[[SourceProblems], None]) -> None:
        self.source = api_server(server)
        self._timing = timing
        self._say = say
        self._outages: dict[_Cause, _Outage] = {}
        self._notes: dict[str, Problem] = {}
        self._said: tuple[Problem, ...] = ()

    def failed(
        self, collection: Collection, error: UserproxyError, *, last_contact_s: float | None = None
    ) -> None:
        """A request for ``collection`` failed and will be tried again.

        ``last_contact_s``: when the server last sent something for it, on the clock of ``timing``.
        """
        watch = collection.name
        cause = _cause(watch, error)
        self._leave(watch, but=cause)
        now_s = self._timing.now()
        outage = self._outages.get(cause)
        if outage is None:
            outage = _Outage(self._problem(collection, cause, error), str(error), now_s, now_s)
            self._outages[cause] = outage
            outage.heard_s[watch] = last_contact_s
            self._log_lost(cause, outage)
        elif cause.error is Unreachable and now_s - outage.said_s >= self._timing.say_again_s:
            outage.said_s = now_s
            self._log_lost(cause, outage)
        outage.heard_s[watch] = last_contact_s
        self._tell()

    def answered(self, collection: Collection, *, proven: bool) -> None:
        """A watch of ``collection`` was accepted; ``proven``: and it has brought something since.

        A watch that was accepted before, and then brought nonsense or ended, must prove itself.
        """
        self._recover(collection, but=() if proven else (WrongStream, EndedEarly))

    def lasted(self, collection: Collection) -> None:
        """A watch of ``collection`` did not end at once, though it has brought nothing yet."""
        self._recover(collection, but=(WrongStream,))

    def _recover(self, collection: Collection, *, but: tuple[type[UserproxyError], ...]) -> None:
        """``collection`` is out of every outage, save those of a kind in ``but``."""
        if not self._outages:
            return  # as for each of a million events
        for cause, outage in list(self._outages.items()):
            if collection.name not in outage.heard_s or issubclass(cause.error, but):
                continue
            del outage.heard_s[collection.name]
            if not outage.heard_s:
                del self._outages[cause]
                self._log_restored(cause, outage)
        self._tell()

    def note(self, topic: str, problem: Problem | None) -> None:
        """A ``problem`` about ``topic`` that is no failed request; None: there is none any more."""
        if problem is None:
            self._notes.pop(topic, None)
        else:
            self._notes[topic] = problem
        self._tell()

    def _leave(self, watch: str, *, but: _Cause) -> None:
        """``watch`` fails for another reason now: that is no recovery, so nothing is logged."""
        for cause, outage in list(self._outages.items()):
            if cause != but:
                outage.heard_s.pop(watch, None)
                if not outage.heard_s:
                    del self._outages[cause]

    def _tell(self) -> None:
        found = (*(outage.problem for outage in self._outages.values()), *self._notes.values())
        if found != self._said:
            self._said = found
            self._say(SourceProblems(self.source, found))

    def _problem(self, collection: Collection, cause: _Cause, error: UserproxyError) -> Problem:
        if cause.watch == _EVERY_WATCH:
            return server_lost(self.source, error)
        return not_served(self.source, collection, error)

    def _log_lost(self, cause: _Cause, outage: _Outage) -> None:
        age_s = outage.age_s(outage.said_s)
        log_event(
            _logger,
            logging.WARNING,
            "watch_lost",
            watch=cause.watch,
            error=outage.error,
            duration_ms=round((outage.said_s - outage.since_s) * 1000),
            age_s=None if age_s is None else round(age_s),
        )

    def _log_restored(self, cause: _Cause, outage: _Outage) -> None:
        duration_ms = round((self._timing.now() - outage.since_s) * 1000)
        log_event(_logger, logging.INFO, "watch_restored", watch=cause.watch, duration_ms=duration_ms)


def _cause(watch: str, error: UserproxyError) -> _Cause:
    if isinstance(error, ApiError):
        return _Cause(_EVERY_WATCH if error.status == 401 else watch, ApiError, error.status)
    concerns_all = isinstance(error, Unreachable | NotKubernetes | CredentialsError)
    return _Cause(_EVERY_WATCH if concerns_all else watch, type(error))
