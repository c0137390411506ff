"""Least connections by the power of two choices (annotation ``userproxy.dev/balancer``)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from userproxy.balancing.randomness import Random
from userproxy.model.routes import Endpoint

__all__ = ["LeastConnections"]


class LeastConnections:
    """The better of two random endpoints, by open connections.

    Two choices come close to the true minimum at constant cost, and do not send everybody to the one
    endpoint that has just started (M. Mitzenmacher, "The Power of Two Choices in Randomized Load
    Balancing", 2001). An endpoint's count lives with the service port, so it survives a swap.
    """

    __slots__ = ("_open_connections", "_random", "endpoints")

    def __init__(
        self,
        endpoints: tuple[Endpoint, ...],
        random: Random,
        open_connections: Callable[[Endpoint], int],
    ) -> None:
        self.endpoints = endpoints
        self._random = random
        self._open_connections = open_connections

    def pick(self, client: str, tried: Collection[Endpoint]) -> Endpoint | None:
        """The one of two random endpoints outside ``tried`` that has fewer open connections."""
        left = [one for one in self.endpoints if one not in tried] if tried else self.endpoints
        count = len(left)
        if count < 2:
            return left[0] if left else None
        # One number for two different ones, every ordered pair as likely as any other: chance is what costs.
        first, second = divmod(self._random.randrange(count * (count - 1)), count - 1)
        if second >= first:
            second += 1
        one, other = left[first], left[second]
        return one if self._open_connections(one) <= self._open_connections(other) else other
