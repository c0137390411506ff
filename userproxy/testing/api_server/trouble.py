"""Scripted trouble: what a test can make the API server do to its clients."""

from __future__ import annotations

import orjson

from userproxy.testing.api_server.http.front import Front
from userproxy.testing.api_server.http.script import Answer, Drop, Hang, Refuse, ShowTable, Slow
from userproxy.testing.api_server.http.watch_stream import WatchHub
from userproxy.testing.api_server.statuses import StatusError, expired

__all__ = ["Trouble"]

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class Trouble:
    """Methods that script trouble. None of them waits: they concern what is open now, or what comes next.

    Those with ``count`` concern the next so many requests of this ``verb`` (get, list, watch, create,
    update, patch, delete, deletecollection) and ``resource`` (services, ...); "" is any. Trouble that was
    scripted first comes first. Those without ``count`` concern the watches that are open now.
    """

    def __init__(self, front: Front, hub: WatchHub) -> None:
        self._front = front
        self._hub = hub

    # The next requests.

    def expire(self, count: int = 1, *, verb: str = "", resource: str = "") -> None:
        """Answer 410 Expired by HTTP, as to a list with an old continue token."""
        self._refuse(expired("too old resource version"), count, verb, resource)

    def expire_in_stream(self, count: int = 1, *, resource: str = "") -> None:
        """Answer the next watches with 200 and an ERROR event of 410, as to an old version."""
        error = expired("too old resource version").body()
        line = orjson.dumps({"type": "ERROR", "object": error}) + b"\n"
        self.answer(line, content_type="application/json", count=count, verb="watch", resource=resource)

    def fail(
        self,
        count: int = 1,
        *,
        status: int = 500,
        reason: str = "",
        message: str = "scripted failure",
        cause: str = "",
        retry_after_s: int | None = None,
        verb: str = "",
        resource: str = "",
    ) -> None:
        """Answer with a Status; ``cause`` goes to ``details.causes``, ``retry_after_s`` to Retry-After."""
        details: dict[str, object] = {}
        if cause:
            details["causes"] = [{"reason": cause, "message": message}]
        if retry_after_s is not None:
            details["retryAfterSeconds"] = retry_after_s
        error = StatusError(status, reason or _REASONS.get(status, "Unknown"), message, details)
        self._refuse(error, count, verb, resource)

    def answer(
        self,
        body: bytes,
        *,
        content_type: str = "text/html",
        status: int = 200,
        count: int = 1,
        verb: str = "",
        resource: str = "",
    ) -> None:
        """Answer with ``body``, whatever was asked: a proxy's page, half a document, another kind."""
        action = Answer(body, content_type, status)
        self._front.script.add(action, count=count, verb=verb, resource=resource)

    def answer_table(self, count: int = 1, *, verb: str = "", resource: str = "") -> None:
        """Answer with a Table that nobody asked for."""
        self._front.script.add(ShowTable(), count=count, verb=verb, resource=resource)

    def hang(self, count: int = 1, *, verb: str = "", resource: str = "") -> None:
        """Take the request and never answer; `release` drops what hangs, and so does the end."""
        self._front.script.add(Hang(), count=count, verb=verb, resource=resource)

    def release(self) -> None:
        """Drop the connections of the requests that hang now."""
        self._front.release()

    def drop(self, count: int = 1, *, verb: str = "", resource: str = "") -> None:
        """Close the connection without an answer. Some clients ask again at once, as aiohttp does."""
        self._front.script.add(Drop(), count=count, verb=verb, resource=resource)

    def slow(self, delay_s: float, count: int = 1, *, verb: str = "", resource: str = "") -> None:
        """Answer as always, after ``delay_s`` seconds."""
        self._front.script.add(Slow(delay_s), count=count, verb=verb, resource=resource)

    def clear_trouble(self) -> None:
        """Forget what is scripted for requests to come, and drop those that hang."""
        self._front.script.clear()
        self._front.release()

    # The watches that are open now.

    def half_line(self, resource: str = "") -> None:
        """Break each watch in the middle of its next line."""
        for stream in self._hub.open(resource):
            stream.cut_next()

    def go_silent(self, resource: str = "") -> None:
        """Never send another byte on these watches, and leave their connections open."""
        for stream in self._hub.open(resource):
            stream.go_silent()

    def expire_watches(self, resource: str = "") -> None:
        """End the watches with an ERROR event of 410."""
        for stream in self._hub.open(resource):
            stream.end(expired("The resourceVersion for the provided watch is too old."))

    def end_watches(self, resource: str = "") -> None:
        """End the watches in order, as at their time-out."""
        for stream in self._hub.open(resource):
            stream.end()

    def break_watches(self, resource: str = "") -> None:
        """Break the connections of the watches."""
        for stream in self._hub.open(resource):
            stream.break_off()

    def inject_line(self, line: bytes, resource: str = "") -> None:
        """Send these very bytes on the watches; add the line end yourself."""
        for stream in self._hub.open(resource):
            stream.inject(line)

    def send_bookmarks(self, resource: str = "") -> None:
        """Send a bookmark on the watches that take them."""
        for stream in self._hub.open(resource):
            stream.bookmark()

    # What is remembered.

    def compact(self) -> None:
        """Forget the history: versions before now, and continue tokens, are answered by 410."""
        self._hub.store.compact()

    def _refuse(self, error: StatusError, count: int, verb: str, resource: str) -> None:
        self._front.script.add(Refuse(error), count=count, verb=verb, resource=resource)
