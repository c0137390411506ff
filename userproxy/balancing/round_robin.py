"""Round robin: each endpoint in its turn (rule B1)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection

from userproxy.balancing.randomness import Random
from userproxy.model.routes import Endpoint

__all__ = ["RoundRobin"]


class RoundRobin:
    """Goes round the endpoints in their order, from a random start.

    The cursor is the last endpoint that was picked, not a number, so it survives a swap: the new picker
    goes on behind that endpoint in sorted order, also when it is gone. A rollout that swaps on every
    connection therefore stays even, where a cursor that is reset would favour the first ones.
    """

    __slots__ = ("_last", "_next", "endpoints")

    def __init__(
        self, endpoints: tuple[Endpoint, ...], random: Random, previous: RoundRobin | None = None
    ) -> None:
        self.endpoints = endpoints
        self._last: Endpoint | None = previous._last if previous is not None else None
        if self._last is not None:
            self._next = bisect_right(endpoints, self._last)
        else:
            self._next = random.randrange(len(endpoints)) if endpoints else 0

    def pick(self, client: str, tried: Collection[Endpoint]) -> Endpoint | None:
        """The next endpoint in turn that is not in ``tried``. An endpoint passed over loses that turn:
        it has just failed, so a backlog of turns would send it a burst."""
        endpoints = self.endpoints
        count = len(endpoints)
        for index in range(self._next, self._next + count):
            endpoint = endpoints[index % count]
            if endpoint not in tried:
                self._next = index % count + 1
                self._last = endpoint
                return endpoint
        return None
