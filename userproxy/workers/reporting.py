"""What a worker tells of its service ports: changes at once, counters now and then, all of it for a mark."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice

from userproxy.dataplane.plane import DataPlane
from userproxy.model.names import Family, ServicePortName
from userproxy.model.routes import RouteKey
from userproxy.workers.channel import Message
from userproxy.workers.report_codec import port_to
from userproxy.workers.route_codec import key_to

__all__ = ["Reports"]

PORTS_PER_MESSAGE = 32
"""About a millisecond."""
LOOK_INTERVAL_S = 0.5
PORTS_PER_LOOK = 512
REPORTED_PER_LOOK = 32
"""Busy service ports take turns: reporting costs under 1 % of a core, however many there are."""


class Reports:
    """Owns one timer of the loop, until `close`."""

    def __init__(self, plane: DataPlane, filled: Callable[[], None]) -> None:
        """``filled``: there is something to send."""
        self._plane = plane
        self._filled = filled
        self._loop = asyncio.get_running_loop()
        self._dirty: dict[RouteKey, None] = {}
        self._told: dict[RouteKey, tuple[int, ...]] = {}
        """The activity of each service port when it was last told."""
        self._round: deque[RouteKey] = deque()
        self._incarnations: dict[RouteKey, int] = {}
        self._timer = self._loop.call_later(LOOK_INTERVAL_S, self._look)

    def close(self) -> None:
        self._timer.cancel()

    def serve(self, key: RouteKey, incarnation: int) -> None:
        """Which of the Services of that name ``key`` is: it may go and come back."""
        self._incarnations[key] = incarnation

    def take_changes(self) -> None:
        """What the data plane knows to have changed."""
        touched = self._plane.take_touched()
        if touched:
            self._dirty.update(dict.fromkeys(touched))
            self._filled()

    def take_states(self) -> None:
        """All service ports: what they are has changed for all of them at once, as after a takeover."""
        self._dirty.update(dict.fromkeys(self._plane.known()))
        self._filled()

    def touch(self, name: ServicePortName) -> None:
        """The counters of ``name`` are wanted now."""
        for family in Family:
            self._compare(RouteKey(name, family))

    async def take_all(self) -> None:
        """Whatever differs from what was told."""
        for number, key in enumerate(self._plane.keys(), start=1):
            self._compare(key)
            if number % PORTS_PER_LOOK == 0:
                await asyncio.sleep(0)
        self.take_changes()

    def next_message(self) -> Message | None:
        """A batch of service ports."""
        if not self._dirty:
            return None
        keys = list(islice(self._dirty, PORTS_PER_MESSAGE))
        rows: dict[RouteKey, list[object]] = {key: [] for key in keys}
        for port in self._plane.snapshot(keys):
            rows[port.key].append(port_to(port))
        for key in keys:
            del self._dirty[key]
            self._told[key] = self._plane.activity(key)
        message = [
            "ports",
            [[key_to(key), self._incarnations.get(key, 0), ports] for key, ports in rows.items()],
        ]
        for key, ports in rows.items():
            if not ports:  # gone for good
                self._told.pop(key, None)
                self._incarnations.pop(key, None)
        return message

    def _compare(self, key: RouteKey) -> bool:
        now = self._plane.activity(key)
        busy = now[0] > 0 or now != self._told.get(key)
        if busy:
            self._dirty[key] = None
            self._filled()
        return busy

    def _look(self) -> None:
        """A slice of all service ports, each in its turn."""
        if not self._round:
            self._round.extend(self._plane.keys())
        reported = 0
        for _ in range(min(PORTS_PER_LOOK, len(self._round))):
            reported += self._compare(self._round.popleft())
            if reported >= REPORTED_PER_LOOK:
                break
        self._timer = self._loop.call_later(LOOK_INTERVAL_S, self._look)
