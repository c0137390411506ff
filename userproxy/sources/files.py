"""Objects from manifests: files and folders, followed while they change, and standard input."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from userproxy.model.events import Event, Synced
from userproxy.model.names import ObjectRef
from userproxy.sources.contents import Selection
from userproxy.sources.disk import Disk
from userproxy.sources.follower import Follower
from userproxy.sources.following import Following, Requests
from userproxy.sources.given import Given, give
from userproxy.sources.sights import Sight
from userproxy.sources.streams import read_to_end
from userproxy.sources.threads import Stop

__all__ = ["FileSource", "Loaded", "load"]

_LOAD_LIMIT_S = 5.0
"""When `load` goes on with what counts, although something still changes."""


class FileSource:
    """Follows files and folders, and reads standard input (``-``) and FIFOs once, to their end.

    Of a folder, the files that end with .yaml, .yml or .json are read; hidden ones and folders in it are
    not. What is seen counts as `Stability` says, so a half-written file is not taken for the truth. What
    cannot be read or parsed is reported, and keeps its objects. `Synced` comes when every path has counted
    once, or something has been changing for two seconds, and all that is read once has ended.
    """

    def __init__(
        self,
        paths: str | Path | Iterable[str | Path],
        *,
        namespaces: Collection[str] = (),
        selector: str = "",
        follow: bool = True,
        poll_interval_s: float = 2.0,
    ) -> None:
        """``namespaces`` limit all objects that have one, ``selector`` (by labels) limits Services.

        Without ``follow``, files are read at the start, and again only for `reload` and `mark`.
        ``poll_interval_s``: how soon a change is seen of which the kernel gives no hint.

        Raises ConfigError for a path where nothing is, for no path at all, and for a bad selector. Each
        path is looked up here, once; whatever else touches the disk happens in threads.
        """
        self._givens = give(paths)
        self._selection = Selection.parse(namespaces, selector)
        self._follow = follow
        self._poll_interval_s = poll_interval_s if follow else None
        self._requests = Requests()
        self._delivered: dict[ObjectRef, Sight] = {}
        """What has been read to its end: another consumer gets it again."""
        self._consumed = False

    @property
    def remote(self) -> bool:
        return False

    @property
    def cluster_ip_required(self) -> bool:
        return False

    async def events(self) -> AsyncGenerator[Event]:
        """What counts, `Synced`, then every change. May be started again once it has been closed.

        Closing it waits for its threads: 50 ms, or as long as one look takes. Raises RuntimeError when it
        already has a consumer.
        """
        if self._consumed:
            raise RuntimeError("this FileSource already has a consumer")
        self._consumed = True
        streams = [given for given in self._givens if given.once]
        follower = _follower(self._givens, self._selection)
        following = Following(follower, streams, self._delivered, self._requests)
        try:
            while True:
                for event in await following.look(watching=self._follow):
                    yield event
                await following.rest(self._poll_interval_s)
        finally:
            try:
                await following.close()
            finally:
                self._consumed = False

    def mark(self, token: object) -> None:
        """``Mark(token)`` comes out behind all that was on the disk when this was called.

        A look at everything begins at once, and the mark waits until what that shows changed counts: 50 ms,
        500 ms for what is gone, 2 s at most where something keeps changing. It never comes before `Synced`.
        """
        self._requests.mark(token)

    def reload(self) -> None:
        """Look at everything at once, and read it again whatever its time stamps say.

        What changed counts when it is the same twice, as ever. What is read once is not read again.
        """
        self._requests.reload()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What files held when they were read once."""

    events: tuple[Event, ...]
    """What exists, what is wrong, then `Synced`."""
    readable: bool
    """Whether every file could be read and parsed."""
    skipped: Mapping[str, int]
    """Objects of kinds that are not read, by kind (rule D3)."""


def load(
    paths: str | Path | Iterable[str | Path], *, namespaces: Collection[str] = (), selector: str = ""
) -> Loaded:
    """Read ``paths`` once, by the rules by which `FileSource` follows them. Blocking: 50 ms at least.

    Raises ConfigError as `FileSource` does.
    """
    givens = give(paths)
    follower = _follower(givens, Selection.parse(namespaces, selector))
    events: list[Event] = []
    never = Stop()
    for given in givens:
        if given.once and (sight := read_to_end(given, never)) is not None:
            events += follower.take(given.ref, sight)
    never.close()
    limit_s = time.monotonic() + _LOAD_LIMIT_S
    while True:
        step = follower.step()
        events += step.events
        if step.settled or time.monotonic() >= limit_s:
            return Loaded((*events, Synced()), follower.readable, follower.skipped)
        time.sleep(step.due_s or 0.0)


def _follower(givens: tuple[Given, ...], selection: Selection) -> Follower:
    followed = [given for given in givens if not given.once]
    return Follower(Disk(followed).survey, selection, stated=[given.ref for given in followed])
