"""Which UDP flows there are, how long each may idle, and which one must go for another. Pure.

Two orders are kept, both by the last datagram: among the flows of a group (the flows of one listener), for
its limit, and among flows of one idle limit, whose heads are then the next to expire. Both are brought up to
date only when somebody asks, for datagrams come far more often: `touch` notes the flow and its turn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from operator import attrgetter
from typing import Generic, TypeVar

from userproxy.dataplane.closing import Who

__all__ = ["FlowEntry", "FlowTable"]


class FlowEntry(ABC):
    """What the table knows of a flow; the fields are the table's, and valid while the flow is in it."""

    __slots__ = ("group", "last_s", "timeout_s", "turn")

    group: Hashable
    last_s: float
    """When its last datagram came, either way."""
    timeout_s: float
    """How long it may idle."""
    turn: int
    """Of all datagrams that passed, which was its last."""

    @abstractmethod
    def end(self, who: Who) -> None:
        """End the flow, which takes it out of the table before this returns."""


F = TypeVar("F", bound=FlowEntry)

_LAST_S = attrgetter("last_s")
_TURN = attrgetter("turn")


class FlowTable(Generic[F]):
    """Flows by age. ``now`` is a clock in seconds that never goes back."""

    __slots__ = ("_by_timeout", "_count", "_groups", "_touched", "_turn", "max_flows")

    def __init__(self, max_flows: int) -> None:
        self.max_flows = max_flows
        self._count = 0
        self._groups: dict[Hashable, OrderedDict[F, None]] = {}
        self._by_timeout: dict[float, OrderedDict[F, None]] = {}
        self._touched: dict[F, None] = {}
        """Flows that may be out of order."""
        self._turn = 0

    def __len__(self) -> int:
        return self._count

    def in_the_way(self, group: Hashable, max_in_group: int) -> F | None:
        """The flow that must end before another one of ``group`` is added; None when there is room.

        The oldest idle one of the group when that is full, else of all when the table is.
        """
        flows = self._groups.get(group)
        if flows is not None and len(flows) >= max_in_group:
            self._bring_up_to_date()
            return next(iter(flows))
        return self.oldest() if self._count >= self.max_flows else None

    def oldest(self) -> F | None:
        """The flow whose last datagram is longest ago."""
        self._bring_up_to_date()
        heads = [next(iter(queue)) for queue in self._by_timeout.values()]
        return min(heads, key=_LAST_S) if heads else None

    def add(self, flow: F, group: Hashable, timeout_s: float, now: float) -> None:
        flow.group = group
        flow.timeout_s = timeout_s
        self._groups.setdefault(group, OrderedDict())[flow] = None
        self._by_timeout.setdefault(timeout_s, OrderedDict())[flow] = None
        self._count += 1
        self.touch(flow, now)

    def touch(self, flow: F, now: float) -> None:
        """A datagram passed: its time starts again."""
        self.touch_all((flow,), now)

    def touch_all(self, flows: Iterable[F], now: float) -> None:
        """Datagrams passed, by the last of ``flows`` last; a flow may come more than once."""
        turn, touched = self._turn, self._touched
        for flow in flows:
            turn += 1
            flow.last_s = now
            flow.turn = turn
            touched[flow] = None
        self._turn = turn

    def set_timeout(self, flow: F, timeout_s: float, now: float) -> None:
        """As `touch`, and from now on it may idle for ``timeout_s``."""
        if timeout_s != flow.timeout_s:
            self._take_out_of_queue(flow)
            flow.timeout_s = timeout_s
            self._by_timeout.setdefault(timeout_s, OrderedDict())[flow] = None
        self.touch(flow, now)

    def remove(self, flow: F) -> None:
        flows = self._groups[flow.group]
        del flows[flow]
        if not flows:
            del self._groups[flow.group]
        self._take_out_of_queue(flow)
        self._touched.pop(flow, None)
        self._count -= 1

    def expired(self, now: float) -> F | None:
        """A flow that has idled for its limit or longer; None when there is none."""
        self._bring_up_to_date()
        for timeout_s, queue in self._by_timeout.items():
            flow = next(iter(queue))
            if flow.last_s + timeout_s <= now:
                return flow
        return None

    def next_expiry_s(self) -> float | None:
        """When the next flow expires if nothing more is heard of it; None when there is no flow."""
        self._bring_up_to_date()
        return min(
            (next(iter(queue)).last_s + timeout_s for timeout_s, queue in self._by_timeout.items()),
            default=None,
        )

    def _bring_up_to_date(self) -> None:
        for flow in sorted(self._touched, key=_TURN):
            self._groups[flow.group].move_to_end(flow)
            self._by_timeout[flow.timeout_s].move_to_end(flow)
        self._touched.clear()

    def _take_out_of_queue(self, flow: F) -> None:
        queue = self._by_timeout[flow.timeout_s]
        del queue[flow]
        if not queue:
            del self._by_timeout[flow.timeout_s]
