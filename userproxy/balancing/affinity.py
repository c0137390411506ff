"""ClientIP affinity: which endpoint a client had last (rules B2, B3)."""

from __future__ import annotations

from collections import OrderedDict

from userproxy.model.routes import Endpoint

__all__ = ["AffinityTable"]


class AffinityTable:
    """One service port's memory of its clients, by address without port; TCP and UDP alike.

    Bounded: over ``max_entries`` the client whose last connection is longest ago is forgotten. Every
    method takes constant time. Both limits are above 0; ``now`` is any clock that never goes back.
    """

    __slots__ = ("_entries", "max_entries", "timeout_s")

    def __init__(self, timeout_s: float, max_entries: int) -> None:
        self.timeout_s = timeout_s
        """May be set at any time, and counts for all entries at once."""
        self.max_entries = max_entries
        self._entries: OrderedDict[str, tuple[Endpoint, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, client: str, now: float) -> Endpoint | None:
        """The client's endpoint, unless ``timeout_s`` has passed since its last connection. Renews nothing.

        The caller judges whether that endpoint is still usable; if not, it picks another and says `put`.
        """
        entry = self._entries.get(client)
        if entry is None:
            return None
        endpoint, last_s = entry
        if now - last_s >= self.timeout_s:
            del self._entries[client]
            return None
        return endpoint

    def put(self, client: str, endpoint: Endpoint, now: float) -> None:
        """A new connection of ``client`` went to ``endpoint``: it stays there, its time starts again."""
        entries = self._entries
        entries[client] = (endpoint, now)
        entries.move_to_end(client)
        # Two at most: entries leave faster than they come, and no call pays for a whole crowd.
        for _ in range(2):
            oldest, (_, last_s) = next(iter(entries.items()))
            if len(entries) <= self.max_entries and now - last_s < self.timeout_s:
                break
            del entries[oldest]

    def since(self, when: float) -> list[tuple[str, Endpoint, float]]:
        """(client, endpoint, time of its last connection) of all not before ``when``; the oldest first."""
        found = []
        for client, (endpoint, last_s) in reversed(self._entries.items()):
            if last_s < when:
                break
            found.append((client, endpoint, last_s))
        return found[::-1]

    def forget(self, client: str) -> None:
        """The client's endpoint refused the dial: the next connection picks anew (rule B3)."""
        self._entries.pop(client, None)
