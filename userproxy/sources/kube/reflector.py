"""Following one collection for ever: a ladder of generators, each with one duty.

`Reflector.batches` asks again after every failure, `_list_then_watch` lists and then follows, `_list` and
`_watch` are one request each, `watch_events.parse_event` is one line. What is asked next is decided by
`positions`, what it means to the outside is told by `outages`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing

from userproxy.errors import ApiError, CredentialsError, WatchError
from userproxy.model.events import Event
from userproxy.model.names import ObjectRef
from userproxy.sources.kube.backoff import Backoff
from userproxy.sources.kube.client import ApiClient
from userproxy.sources.kube.failures import ClusterChanged, EndedEarly, Undecodable
from userproxy.sources.kube.framing import LineFramer
from userproxy.sources.kube.known import Known
from userproxy.sources.kube.listing import decoded, pages
from userproxy.sources.kube.lists import Page
from userproxy.sources.kube.outages import Outages
from userproxy.sources.kube.positions import Pause, Position, Request, after, failure_of, listed
from userproxy.sources.kube.resources import Collection
from userproxy.sources.kube.steps import steps
from userproxy.sources.kube.timing import Timing
from userproxy.sources.kube.watch_events import Changed, Deleted, Skipped, WatchEvent, parse_event

__all__ = ["Batch", "Reflector"]

_logger = logging.getLogger(__name__)

Batch = tuple[Event, ...]


class Reflector:
    """Follows ``collection`` at one API server. Holds its place, so that `batches` can be begun again."""

    def __init__(self, client: ApiClient, collection: Collection, outages: Outages, timing: Timing) -> None:
        self.collection = collection
        self.known = Known()
        self.listed = asyncio.Event()
        """A whole list has been told (rule R2)."""
        self.answered = asyncio.Event()
        """The first request has succeeded or failed."""
        self.last_contact_s: float | None = None
        """When the server last sent something, on the clock of ``timing``."""
        self._client = client
        self._outages = outages
        self._timing = timing
        self._backoff = Backoff()
        self._position = Position()
        self._version = ""
        self._cluster: object = None
        """Whose version that is."""

    @property
    def version(self) -> str:
        """resourceVersion up to which all has been told; "" before the first list."""
        return self._version

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Tell what exists and what changes, for ever; after a failure ask again as `positions` says."""
        while True:
            try:
                async with aclosing(self._list_then_watch()) as batches:
                    async for batch in batches:
                        yield batch
            except (WatchError, CredentialsError) as error:
                pause_s = self._failed(error)
            if pause_s:
                await self._timing.sleep(pause_s)

    async def _list_then_watch(self) -> AsyncGenerator[Batch, None]:
        """List, unless there is a version to go on from; then watch, again after each clean end (rule R4)."""
        if self._position.request is Request.LIST:
            async with aclosing(self._list()) as batches:
                async for batch in batches:
                    yield batch
        while True:
            async with aclosing(self._watch()) as batches:
                async for batch in batches:
                    yield batch

    async def _list(self) -> AsyncGenerator[Batch, None]:
        """Tell a whole list, as a difference to what is known; the last batch may be empty.

        A list with an item that has no name does not say what has vanished: that item may be any object.
        """
        seen: set[ObjectRef] = set()
        unnamed: list[Page] = []
        version = ""
        count = 0
        self._cluster = self._client.connection.cluster
        async with aclosing(pages(self._client, self.collection, self._position)) as answers:
            async for page in answers:
                self._heard()
                version = version or page.version
                count += 1
                for batch in self._steps(self._news(page, seen, unnamed)):
                    yield batch
                    await asyncio.sleep(0)
        self._check_cluster("list")
        for batch in self._steps(self.known.keep_only(seen) if not unnamed else ()):
            yield batch
            await asyncio.sleep(0)
        self._position = listed(self._position, version, pages=count)
        self._version = version
        self.listed.set()
        self.answered.set()
        yield ()

    def _news(self, page: Page, seen: set[ObjectRef], unnamed: list[Page]) -> Iterator[Event | None]:
        for found in decoded(page, self.collection):
            if found is None:
                unnamed.append(page)
            else:
                seen.add(found[0])
                yield self.known.changed(*found)

    async def _watch(self) -> AsyncGenerator[Batch, None]:
        """Tell what one watch brings, until it ends in order.

        Raises EndedEarly when it brought nothing in no time, WatchError when it ended within a line,
        ClusterChanged when the version to watch from is another cluster's.
        """
        position = self._position
        timeout_s = self._timing.watch_seconds()
        async with self._client.watch(self.collection, position.version, timeout_s) as chunks:
            self._check_cluster("watch")
            started_s = self._heard()
            self._outages.answered(self.collection, proven=False)
            lasting = asyncio.get_running_loop().call_later(
                self._timing.short_watch_s, self._outages.lasted, self.collection
            )
            try:
                async with aclosing(self._follow(chunks)) as batches:
                    async for batch in batches:
                        yield batch
            finally:
                lasting.cancel()
                lasted = self._timing.now() - started_s >= self._timing.short_watch_s
                if lasted:
                    self._position = self._position.lasted()
        if not lasted and self._position.version == position.version:
            raise EndedEarly(f"watch {self.collection.name}: it ended at once and brought nothing")
        self._outages.answered(self.collection, proven=True)

    async def _follow(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[Batch, None]:
        """Tell what each chunk brings."""
        framer = LineFramer()
        async for chunk in chunks:
            self._heard()
            for batch in self._steps(self._events(framer.feed(chunk))):
                yield batch
                # aiohttp does not yield to the loop while it has data.
                await asyncio.sleep(0)
        try:
            last = list(self._steps(self._events(filter(None, [framer.rest()]))))
        except Undecodable as error:
            raise WatchError(f"watch {self.collection.name}: it ended in the middle of a line") from error
        for batch in last:
            yield batch

    def _events(self, lines: Iterable[bytes]) -> Iterator[Event | None]:
        for line in lines:
            event = parse_event(line, self.collection)
            news = self._event(event)
            if event.version:
                self._position = self._position.moved(event.version)
                self._version = event.version
                self._outages.answered(self.collection, proven=True)
            yield news

    def _event(self, event: WatchEvent) -> Event | None:
        match event:
            case Changed(ref, _, raw):
                return self.known.changed(ref, self.collection.resource.decode(raw))
            case Deleted(ref):
                return self.known.deleted(ref)
            case Skipped(_, why):
                _logger.warning("watch %s: skipped: %s", self.collection.name, why)
        return None

    def _failed(self, error: WatchError | CredentialsError) -> float:
        """Note the failure; the seconds to wait before the next request."""
        self.answered.set()
        self._position, pause = after(self._position, failure_of(error))
        if pause is Pause.AT_ONCE:
            _logger.info("%s; listing again", error)
            return 0.0
        if isinstance(error, Undecodable):
            _logger.warning("%s; listing again", error)
        else:
            self._outages.failed(self.collection, error, last_contact_s=self.last_contact_s)
        at_least_s = 0.0
        if isinstance(error, ApiError):
            if error.status == 401:
                self._client.connection.refused()
            if error.status in (429, 503) and error.retry_after_s is not None:
                at_least_s = min(error.retry_after_s, self._timing.longest_retry_after_s)
        return self._backoff.wait_s(self._timing.now(), self._timing.random(), at_least_s=at_least_s)

    def _check_cluster(self, verb: str) -> None:
        """Raises ClusterChanged when credentials were read again meanwhile, and lead elsewhere now."""
        if self._client.connection.cluster != self._cluster:
            message = f"{verb} {self.collection.name}: the credentials lead to another cluster now"
            raise ClusterChanged(message)

    def _heard(self) -> float:
        self.last_contact_s = self._timing.now()
        return self.last_contact_s

    def _steps(self, work: Iterable[Event | None]) -> Iterator[Batch]:
        return steps(work, step_s=self._timing.step_s, now=self._timing.now)
