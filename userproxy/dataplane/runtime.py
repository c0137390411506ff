"""What all parts of one data plane share: loop, readiness, time limits, budgets, chance."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from userproxy.dataplane.deadlines import Deadlines
from userproxy.dataplane.descriptors import Descriptors
from userproxy.dataplane.dialling import Dialler, TcpDialler
from userproxy.dataplane.engine import Engine
from userproxy.dataplane.pipes import PipePool
from userproxy.dataplane.pod_dialling import PodDialler
from userproxy.dataplane.udp_batching import Answers, Arrivals, Batching
from userproxy.dataplane.udp_mmsg import best_batching
from userproxy.dataplane.udp_registry import FlowRegistry
from userproxy.model.names import ServicePortName
from userproxy.settings import Settings

__all__ = ["Runtime"]

logger = logging.getLogger(__name__)


class Runtime:
    """One for each data plane; made inside a running loop, closed by the plane."""

    __slots__ = (
        "answers", "arrivals", "changed", "connections", "deadlines", "descriptors", "dialler", "dormant",
        "engine", "failed", "loop", "next_pause_log", "on_hold", "pipes",
        "pod_dialler", "random", "settings", "udp",
    )  # fmt: skip

    def __init__(
        self,
        settings: Settings,
        *,
        dialler: Dialler | None = None,
        pod_dialler: PodDialler | None = None,
        batching: Batching | None = None,
        descriptor_limit: int | None = None,
        on_hold: Callable[[ServicePortName], None] | None = None,
        changed: Callable[[], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
        dormant: bool = False,
    ) -> None:
        self.settings = settings
        self.loop = asyncio.get_running_loop()
        self.engine = Engine(self.loop)
        self.dormant = dormant
        """Another process may serve by the same sockets: nothing about them may change (see `handover`)."""
        if dormant:
            self.engine.pause()
        self.deadlines = Deadlines(self.loop)
        self.descriptors = Descriptors(settings.limits.reserved_descriptors, limit=descriptor_limit)
        self.pipes = PipePool(settings.limits.max_splice_pipes, self.descriptors)
        self.dialler: Dialler = dialler if dialler is not None else TcpDialler(self.engine)
        self.pod_dialler = pod_dialler
        """None: every endpoint is dialled directly."""
        if pod_dialler is not None:
            pod_dialler.attach(self.engine, self.descriptors)
        self.random = random.Random()
        batching = batching if batching is not None else best_batching()
        self.arrivals: Arrivals = batching.arrivals()
        self.answers: Answers = batching.answers()
        self.on_hold = on_hold
        """Told the name when the first connection of a service port waits (rule L9)."""
        self.changed = changed if changed is not None else _nobody
        """Called when what has stopped is empty, or an address was tried again."""
        self.failed = failed if failed is not None else _log_fault
        """Told of a fault of ours, or of an embedder's callback."""
        self.connections = 0
        """TCP connections that are open now, of all service ports."""
        most = int(self.descriptors.capacity * settings.udp.max_descriptor_share)
        most_flows = min(settings.udp.max_flows, most)
        self.udp = FlowRegistry(self.loop, self.deadlines, self.descriptors, most_flows)
        """The UDP flows of all service ports."""
        if dormant:
            self.udp.pause()
        self.next_pause_log = 0.0
        """Loop time from which running out of descriptors may be logged again."""

    @property
    def flows(self) -> int:
        """UDP flows that are open now, of all service ports."""
        return len(self.udp)

    def close(self) -> None:
        self.deadlines.close()
        self.engine.close()
        self.pipes.close()


def _nobody() -> None:
    """No one asked to be told."""


def _log_fault(error: BaseException) -> None:
    logger.error("a fault in the data plane", exc_info=error)
