"""The contract of every balancer, and how one is made for an endpoint set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from typing import Protocol

from userproxy.balancing.consistent_hash import ConsistentHash
from userproxy.balancing.hash_ring import ENDPOINTS_PER_STEP, HashRing
from userproxy.balancing.least_connections import LeastConnections
from userproxy.balancing.randomness import Random
from userproxy.balancing.round_robin import RoundRobin
from userproxy.model.routes import Endpoint
from userproxy.model.service import Balancer

__all__ = ["Picker", "is_expensive", "make_picker", "picker_steps"]


class Picker(Protocol):
    """Chooses endpoints out of one fixed set. tests/balancing/conformance.py holds what is promised."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The set that it was made for."""
        ...

    def pick(self, client: str, tried: Collection[Endpoint]) -> Endpoint | None:
        """An endpoint for ``client`` (its address without port) that is not in ``tried``.

        None: none is left; a dialler then starts a new round with nothing tried (rule B4).
        """
        ...


def picker_steps(
    balancer: Balancer,
    endpoints: tuple[Endpoint, ...],
    *,
    previous: Picker | None,
    open_connections: Callable[[Endpoint], int],
    random: Random,
) -> Generator[None, None, Picker]:
    """Make a picker in steps of a few milliseconds; the generator's return value is the picker.

    A caller on a loop lets the loop turn at each pause. That serves traffic better than a thread: the
    building is pure Python, and a thread that computes takes the GIL for 5 ms at every system call of
    the relay. A caller that is told of a newer set meanwhile just drops the generator.

    ``endpoints`` are sorted (rule E11). ``previous`` is the picker in force for the same set of the same
    service port: its cursor and its ring are taken over where the balancer is the same.
    """
    if balancer is Balancer.CONSISTENT_HASH:
        return (
            yield from ConsistentHash.steps(
                endpoints, previous if isinstance(previous, ConsistentHash) else None
            )
        )
    if balancer is Balancer.LEAST_CONNECTIONS:
        return LeastConnections(endpoints, random, open_connections)
    return RoundRobin(endpoints, random, previous if isinstance(previous, RoundRobin) else None)


def make_picker(
    balancer: Balancer,
    endpoints: tuple[Endpoint, ...],
    *,
    previous: Picker | None,
    open_connections: Callable[[Endpoint], int],
    random: Random,
) -> Picker:
    """`picker_steps` in one go: a few milliseconds where `is_expensive` says False."""
    steps = picker_steps(
        balancer, endpoints, previous=previous, open_connections=open_connections, random=random
    )
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            picker: Picker = finished.value
            return picker


def is_expensive(balancer: Balancer, endpoints: tuple[Endpoint, ...], previous: Picker | None = None) -> bool:
    """True when making the picker may take more than one step: use `picker_steps`, and let the loop turn."""
    if balancer is not Balancer.CONSISTENT_HASH:
        return False
    ring = previous.ring if isinstance(previous, ConsistentHash) else HashRing()
    return ring.work({endpoint.name for endpoint in endpoints}) > ENDPOINTS_PER_STEP
