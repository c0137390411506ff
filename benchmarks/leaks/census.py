"""What this process has open now."""

from __future__ import annotations

import asyncio
import gc
import os
from dataclasses import asdict, dataclass

from benchmarks.measuring.proc import open_descriptors, resident_bytes
from userproxy.proxy import Proxy

__all__ = ["Census"]


@dataclass(frozen=True, slots=True)
class Census:
    """Descriptors and tasks of the process; connections and flows of the proxy; memory as a mere fact."""

    descriptors: int
    tasks: int
    open: int
    objects: int
    """That the collector knows, after a collection."""
    resident_bytes: int

    @classmethod
    def take(cls, proxy: Proxy | None = None) -> Census:
        gc.collect()
        pid = os.getpid()
        return cls(
            open_descriptors(pid),
            len(asyncio.all_tasks()),
            sum(port.open for port in proxy.snapshot().ports) if proxy is not None else 0,
            len(gc.get_objects()),
            resident_bytes(pid),
        )

    def left_since(self, earlier: Census) -> tuple[str, ...]:
        """What there is more of than before, in words; nothing when nothing was left."""
        pairs = (
            ("descriptors", self.descriptors, earlier.descriptors),
            ("tasks", self.tasks, earlier.tasks),
            ("connections or flows", self.open, earlier.open),
        )
        return tuple(f"{now - before} {name}" for name, now, before in pairs if now > before)

    def as_json(self) -> dict[str, int]:
        return asdict(self)
