"""One changed slice, folded and taken, beside few and beside many other Services."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, islice

import orjson

from benchmarks.errors import BenchmarkError
from benchmarks.pure.case import Case
from benchmarks.pure.objects import ENDPOINTS, service_bytes, slice_bytes
from userproxy.model.decode import decode
from userproxy.model.events import Synced, Upsert
from userproxy.routing.loopback import LoopbackAddresses
from userproxy.routing.state import State

__all__ = ["SERVICES", "deriving", "state_of", "upsert"]

SERVICES = (100, 10_000)
TOUCHED = 100
"""Services whose slices change, in turn: in both states as many, so that caches help both alike."""


def deriving() -> list[Case]:
    """The sizes are numbers of Services."""
    return [Case("derivation", "one slice changed", size, _changing(size)) for size in SERVICES]


def state_of(services: int) -> State:
    """A synced state with so many Services, each with a slice of its own, all derived.

    Raises BenchmarkError when something is wrong with them, since problems cost too.
    """
    state = State(node_name="", addresses=LoopbackAddresses())
    for number in range(services):
        state.fold(upsert(service_bytes(f"web-{number}", number)))
        state.fold(upsert(slice_bytes(f"web-{number}", first=number * ENDPOINTS)))
    state.fold(Synced())
    while state.take().more:
        pass
    if state.problems:
        raise BenchmarkError(f"the objects have problems: {state.problems[0]}")
    return state


def upsert(text: bytes) -> Upsert:
    """Raises BenchmarkError for an object that is refused."""
    event = decode(orjson.loads(text))
    if not isinstance(event, Upsert):
        raise BenchmarkError(f"an object is not read as good: {event}")
    return event


def _changing(services: int) -> Callable[[int], None]:
    state = state_of(services)
    step = services // TOUCHED
    events = [
        upsert(slice_bytes(f"web-{number}", first=number * ENDPOINTS + shift))
        for shift in (1, 0)
        for number in range(0, services, step)
    ]
    endless = cycle(events)

    def repeat(count: int) -> None:
        for event in islice(endless, count):
            state.fold(event)
            if len(state.take().changed) != 1:
                raise BenchmarkError("a changed slice did not change its one route")

    return repeat
