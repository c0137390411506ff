"""The load generators of `benchmarks.actors`: they compare every byte, and need nothing installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.actors.remote import Load
from benchmarks.forwarding.loads.base import Reading, Timing
from benchmarks.measuring.window import measure

__all__ = ["Bundled"]

_KINDS: Mapping[str, str] = {
    "requests": "http",
    "connections": "http",
    "push": "transfer",
    "pull": "transfer",
    "datagrams": "udp",
}


@dataclass(frozen=True, slots=True)
class Bundled:
    """``load`` is a kind of `benchmarks.actors.load`; ``at_once`` its clients."""

    load: str
    at_once: int

    @property
    def tool(self) -> str:
        return "bundled"

    @property
    def kind(self) -> str:
        return _KINDS[self.load]

    def missing(self) -> str:
        return ""

    def version(self) -> str:
        return ""

    async def read(self, address: str, pids: Mapping[str, int], timing: Timing) -> Reading:
        """The warm-up is left out of the window, and in ``failed``."""
        async with Load(self.load, address, at_once=self.at_once) as load:
            window = await measure(
                load, {"load": load.pid, **pids}, warm_up_s=timing.warm_up_s, seconds=timing.seconds
            )
            last = await load.end()
        return Reading(window, last.failed, last.error)
