"""Clients' FINs that are held back, and what makes them go: silence, a stop, or others who need the place.

Runtimes cut a connection 1 s after a FIN (rule C2), but a client that has closed looks like one that still
reads, so it must not keep its place for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from userproxy.portforward.limits import ForwardLimits
from userproxy.portforward.timer import Timer

__all__ = ["HeldFin", "HeldFins"]


class HeldFins:
    """Those of one pod, the oldest first."""

    __slots__ = ("_held", "_limits", "idle_s")

    def __init__(self, limits: ForwardLimits) -> None:
        self._limits = limits
        self._held: dict[HeldFin, None] = {}
        self.idle_s = limits.held_fin_idle_s

    def add(self, fin: HeldFin) -> None:
        self._held[fin] = None

    def discard(self, fin: HeldFin) -> None:
        self._held.pop(fin, None)

    def make_room(self) -> None:
        """Send the oldest whose pod is silent, if there is one."""
        for fin in tuple(self._held):
            if fin.silent_s() >= self._limits.scarce_fin_idle_s:
                fin.go()
                return

    def hurry(self) -> None:
        """Nobody new comes, and the stop waits for these."""
        self.idle_s = min(self.idle_s, self._limits.drain_fin_idle_s)
        for fin in tuple(self._held):
            fin.wait()


class HeldFin:
    """That of one client. ``send`` passes it on."""

    __slots__ = ("_others", "_send", "_silent_since_s", "_timer", "heard")

    def __init__(self, send: Callable[[], None]) -> None:
        self._send = send
        self._timer = Timer(self._look)
        self._others: HeldFins | None = None
        self._silent_since_s = 0.0
        self.heard = False
        """The pod has sent something; to be set by whoever reads it."""

    def hold(self, others: HeldFins) -> None:
        """Wait for the pod to be silent."""
        self._others = others
        others.add(self)
        self.heard = True
        self.wait()

    def forget(self) -> None:
        """It went, or need not go."""
        self._timer.cancel()
        others, self._others = self._others, None
        if others is not None:
            others.discard(self)

    def silent_s(self) -> float:
        """For how long the pod has sent nothing, as far as looks can tell."""
        now = asyncio.get_running_loop().time()
        if self.heard:
            self.heard = False
            self._silent_since_s = now
        return now - self._silent_since_s

    def wait(self) -> None:
        if self._others is not None:
            self._timer.start(max(0.0, self._others.idle_s - self.silent_s()))

    def go(self) -> None:
        self.forget()
        self._send()

    def _look(self) -> None:
        if self.heard:
            self.wait()
        else:
            self.go()
