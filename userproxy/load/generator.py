"""One process's load, from opening connections to the last answer."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from math import ceil
from time import monotonic_ns

from userproxy.load.arrivals import intended_starts
from userproxy.load.connections import Connection, connections_of
from userproxy.load.dispatcher import Dispatcher
from userproxy.load.farewells import Farewells
from userproxy.load.own_time import own_time
from userproxy.load.plan import Plan
from userproxy.load.reactor import Reactor
from userproxy.load.result import Result, Work
from userproxy.load.tally import Second, Tally
from userproxy.load.tcp_exchange import SocketAddress, Wiring

__all__ = ["Generator", "opening_gap_ns", "swept_at_once"]

TICK_NS = 100_000_000
OPENING_AT_ONCE = 128
"""Connections in the making before the start; a listener's queue often holds no more."""
STAGGER_NS = 10_000_000
"""In open loop connections are opened one after the other, at most so far apart ..."""
STAGGER_TOTAL_NS = 500_000_000
"""... and all of them in so much time."""
_S = 1_000_000_000
SWEPT_AT_ONCE = 1000
"""Connections whose time-out is looked at in one tick, at least; ten thousands would hold the loop up."""
SWEEPS_PER_TIMEOUT = 10


def opening_gap_ns(plan: Plan) -> int:
    """Between the beginnings of two connections before the start; 0 in closed loop: all at once."""
    return min(STAGGER_NS, STAGGER_TOTAL_NS // plan.connections) if plan.open_loop else 0


def swept_at_once(plan: Plan) -> int:
    """Connections of one tick, so that each is looked at ten times in a time-out, as far as ticks allow."""
    ticks = max(1.0, plan.timeout_s / SWEEPS_PER_TIMEOUT * _S / TICK_NS)
    return max(SWEPT_AT_ONCE, ceil(plan.connections / ticks))


class Generator:
    """Share ``share`` of ``shares`` of a load; ``plan`` is that of the share alone."""

    def __init__(
        self, plan: Plan, family: int, address: SocketAddress, *, share: int = 0, shares: int = 1
    ) -> None:
        chance = random.Random().random
        starts = None
        if plan.rate is not None:
            starts = intended_starts(plan.arrivals, plan.rate, chance, share=share, shares=shares)
        self._plan = plan
        self.reactor = Reactor()
        self._tally = Tally()
        self._dispatcher = Dispatcher(self._tally, starts, timeout_ns=round(plan.timeout_s * _S))
        self._farewells = Farewells(self.reactor)
        wiring = Wiring(plan, family, address, self.reactor, self._tally, self._dispatcher, self._farewells)
        self._connections: list[Connection] = connections_of(wiring)
        self._not_opened: dict[str, int] = {}
        self._opening = 0
        self._swept = 0
        self.stop = False
        """Set it to end early; the result says what was measured so far."""

    def run(
        self,
        url: str,
        address: str,
        each_tick: Callable[[float, list[Second]], None],
        gate: Callable[[], None] = lambda: None,
    ) -> Result:
        """``each_tick`` is told the seconds since the start, and the time line so far, ten times a second.

        ``gate`` may wait: it is passed when all connections are made, and the start is behind it.
        """
        try:
            self._open_all()
            gate()
            result = self._measure(url, address, each_tick)
        finally:
            for connection in self._connections:
                connection.close()
            self._farewells.close()
            self.reactor.close()
        result.dropped_here = self._tally.dropped_here  # sockets say it when they are closed
        return result

    def _open_all(self) -> None:
        """Connect before anything is counted, staggered in open loop.

        What is not connected within the time-out connects when it is needed.
        """
        waiting = deque(self._connections)
        gap_ns = opening_gap_ns(self._plan)
        now_ns = next_ns = monotonic_ns()
        give_up_ns = now_ns + round(self._plan.timeout_s * _S) + STAGGER_TOTAL_NS
        while (waiting or self._opening) and not self.stop:
            while waiting and self._opening < OPENING_AT_ONCE and next_ns <= now_ns < give_up_ns:
                self._opening += 1
                waiting.popleft().open(self._opened)
                next_ns += gap_ns
            if now_ns >= give_up_ns and not self._opening:
                return
            can_open = waiting and self._opening < OPENING_AT_ONCE and now_ns < give_up_ns
            self.reactor.turn(min(TICK_NS, max(0, next_ns - now_ns)) if can_open else TICK_NS)
            now_ns = monotonic_ns()
            self._expire(now_ns)

    def _opened(self, problem: str) -> None:
        self._opening -= 1
        if problem:
            self._not_opened[problem] = self._not_opened.get(problem, 0) + 1

    def _measure(self, url: str, address: str, each_tick: Callable[[float, list[Second]], None]) -> Result:
        plan, tally, dispatcher = self._plan, self._tally, self._dispatcher
        # In turns: the first place of every connection, then the second of every one.
        for turn in zip(*(connection.slots for connection in self._connections), strict=True):
            for slot in turn:
                dispatcher.add(slot)
        began_s = time.time()
        cpu_s, waited_s = own_time()
        start = monotonic_ns()
        window_start = start + round(plan.warm_up_s * _S)
        end = window_start + round(plan.duration_s * _S)
        tally.begin(start, window_start, plan.step_s * _S)
        dispatcher.begin(start, end)
        over = start
        if sum(self._not_opened.values()) < len(self._connections):  # else nobody is there
            over = self._serve(start, end, each_tick)
        elapsed_s = (monotonic_ns() - start) / _S
        cpu_end_s, waited_end_s = own_time()
        return Result(
            url=url,
            address=address,
            model=plan.model,
            loop="open" if plan.open_loop else "closed",
            arrivals=plan.arrivals if plan.open_loop else "",
            rate=plan.rate,
            connections=plan.connections,
            began_s=began_s,
            warm_up_s=plan.warm_up_s,
            duration_s=max(0.0, (min(over, end) - window_start) / _S),
            interrupted=self.stop,
            warm_up=tally.warm_up,
            window=tally.window,
            connect=tally.connect,
            lag=tally.lag,
            not_opened=self._not_opened,
            step_s=plan.step_s,
            seconds=tally.seconds,
            work=[Work(cpu_end_s - cpu_s, elapsed_s, waited_end_s - waited_s)],
        )

    def _serve(self, start: int, end: int, each_tick: Callable[[float, list[Second]], None]) -> int:
        """Until the end, and the last answer behind it; gives the time at which requests ceased to begin."""
        dispatcher, reactor = self._dispatcher, self.reactor
        now_ns = start
        next_tick = start + TICK_NS
        dispatcher.run_due(start)
        while not self.stop and (now_ns < end or dispatcher.in_flight):
            wait_ns = dispatcher.wait_ns(now_ns)
            until_tick = next_tick - now_ns
            reactor.turn(until_tick if wait_ns is None or wait_ns > until_tick else wait_ns)
            now_ns = monotonic_ns()
            dispatcher.run_due(now_ns)
            if now_ns >= next_tick:
                self._tick(now_ns, next_tick, each_tick, start)
                if now_ns >= end:
                    dispatcher.end(end)
                next_tick = now_ns + TICK_NS
        dispatcher.end(min(now_ns, end))
        return now_ns

    def _tick(
        self, now_ns: int, due_ns: int, each_tick: Callable[[float, list[Second]], None], start: int
    ) -> None:
        if not self._plan.open_loop:
            self._tally.lag.record(now_ns - due_ns)
        self._tally.turn(now_ns)
        self._expire(now_ns)
        each_tick((now_ns - start) / _S, self._tally.seconds)

    def _expire(self, now_ns: int) -> None:
        """Look for time-outs, in turns where the connections are many."""
        timeout_ns = round(self._plan.timeout_s * _S)
        start, self._swept = self._swept, self._swept + swept_at_once(self._plan)
        for connection in self._connections[start : self._swept]:
            connection.expire(now_ns, timeout_ns)
        if self._swept >= len(self._connections):
            self._swept = 0
        self._farewells.expire(now_ns)
