"""The record of what was asked, for a test to look at and to wait on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from userproxy.testing.api_server.http.pulse import Pulse

__all__ = ["RecordedRequest", "RequestLog"]

_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request, as it came. ``repr`` shows no header, since they may hold a token."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    """Names are compared without regard to case."""
    verb: str = ""
    """get, list, watch, create, update, patch, delete, deletecollection; "" for documents."""
    resource: str = ""
    """``services`` and so on; "" for documents."""
    namespace: str = ""
    name: str = ""
    client_name: str = ""
    """Common name of the client's certificate; "" without one."""

    def is_for(self, verb: str = "", resource: str = "") -> bool:
        """True when it has this verb and this resource; "" is any."""
        return verb in ("", self.verb) and resource in ("", self.resource)


class RequestLog:
    """The newest 10,000 requests, oldest first."""

    def __init__(self) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=_KEPT)
        self._arrived = Pulse()

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(tuple(self._requests))

    def __len__(self) -> int:
        return len(self._requests)

    def of(self, verb: str = "", resource: str = "") -> tuple[RecordedRequest, ...]:
        """The requests of this verb and resource; "" is any."""
        return tuple(request for request in self._requests if request.is_for(verb, resource))

    def clear(self) -> None:
        self._requests.clear()

    def add(self, request: RecordedRequest) -> None:
        self._requests.append(request)
        self._arrived.beat()

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return once ``condition`` holds; it is looked at with each request that comes."""
        await self._arrived.wait_for(condition)
