"""All UDP flows of a data plane: room for new ones, and an end for those that idle (rules C3, C4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable

from userproxy.dataplane.closing import Who
from userproxy.dataplane.deadlines import Deadline, Deadlines
from userproxy.dataplane.descriptors import Descriptors
from userproxy.dataplane.udp_flows import FlowEntry, FlowTable

__all__ = ["FlowRegistry"]

ENDS_PER_TURN = 128
"""Flows ended in one step, 2 ms; then others have their turn."""
TURN_S = 0.005
"""Until the next step; limits of no length at all would run on within the same turn of the loop."""


class FlowRegistry:
    """Each flow holds one descriptor of the budget. Says which flow must go; `FlowEntry.end` does it."""

    __slots__ = ("_deadlines", "_descriptors", "_now", "_passed", "_paused", "_table", "_timer", "touch")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deadlines: Deadlines,
        descriptors: Descriptors,
        max_flows: int,
    ) -> None:
        self._now = loop.time
        self._deadlines = deadlines
        self._descriptors = descriptors
        self._table: FlowTable[FlowEntry] = FlowTable(max_flows)
        self._passed: list[FlowEntry] = []
        """Flows that datagrams passed by since `settle`, the last one last."""
        self.touch: Callable[[FlowEntry], None] = self._passed.append
        """A datagram passed; follow with `settle` before the loop goes on."""
        self._timer: Deadline | None = None
        self._paused = False

    def __len__(self) -> int:
        """Flows that are open now."""
        return len(self._table)

    def reserve(self, group: Hashable, max_in_group: int) -> bool:
        """Make room for one more flow, and count its descriptor; the oldest idle flow goes for it (LT).

        False: there is none that could go. Follow with `add` or `give_back`.
        """
        self.settle()
        while (flow := self._table.in_the_way(group, max_in_group)) is not None:
            flow.end(Who.LIMIT)
        while not self._descriptors.take(1):
            flow = self._table.oldest()
            if flow is None:
                return False
            flow.end(Who.LIMIT)
        return True

    def give_back(self) -> None:
        """The reserved place is not needed."""
        self._descriptors.give(1)

    def add(self, flow: FlowEntry, group: Hashable, timeout_s: float) -> None:
        """``flow`` takes the reserved place, and is ended when it has idled for ``timeout_s``."""
        self.settle()
        self._table.add(flow, group, timeout_s, self._now())
        self._arm(flow.last_s + timeout_s)

    def settle(self) -> None:
        """The flows of a batch begin to idle now: one look at the clock for all of them."""
        if self._passed:
            self._table.touch_all(self._passed, self._now())
            self._passed.clear()

    def set_timeout(self, flow: FlowEntry, timeout_s: float, *, idle_s: float = 0.0) -> None:
        """As `touch`, with another idle limit from now on.

        ``idle_s``: it has idled already; such flows come before others, and the one that has most first.
        """
        self.settle()
        self._table.set_timeout(flow, timeout_s, self._now() - idle_s)
        self._arm(flow.last_s + timeout_s)

    def remove(self, flow: FlowEntry) -> None:
        """``flow`` has ended, and its socket is given back."""
        self.settle()
        self._table.remove(flow)
        self._descriptors.give(1)

    def pause(self) -> None:
        """No flow expires until `resume`."""
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._expire()

    def _arm(self, when: float) -> None:
        """See that the timer fires at ``when`` at the latest."""
        timer = self._timer
        if timer is None or timer.callback is None or timer.when > when:
            if timer is not None:
                timer.cancel()
            self._timer = self._deadlines.after(max(TURN_S, when - self._now()), self._expire)

    def _expire(self) -> None:
        self._timer = None
        if self._paused:
            return
        self.settle()
        now = self._now() + 0.001  # the loop may fire a timer a clock tick early
        for _ in range(ENDS_PER_TURN):
            flow = self._table.expired(now)
            if flow is None:
                break
            flow.end(Who.IDLE)
        when = self._table.next_expiry_s()
        if when is not None:
            self._arm(when)
