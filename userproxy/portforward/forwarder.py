"""`PodForwarder`: the pod dialler of the data plane. It owns whatever port-forward has open."""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from userproxy.dataplane.descriptors import Descriptors
from userproxy.dataplane.engine import Engine
from userproxy.dataplane.pod_dialling import PodCaller
from userproxy.model.names import NamespacedName
from userproxy.model.routes import Endpoint
from userproxy.portforward.handshake import Way
from userproxy.portforward.held_fins import HeldFins
from userproxy.portforward.limits import ForwardLimits, HalfClose
from userproxy.portforward.making import UpgradeMaker
from userproxy.portforward.outages import Outages
from userproxy.portforward.pair import Pair
from userproxy.portforward.pod import PodUpgrades
from userproxy.sources.kube.connection import Connection

__all__ = ["ForwardCounters", "PodForwarder"]

_MANY_PODS = 256
"""Beyond so many, those without an upgrade are forgotten before another one is added."""


@dataclass(slots=True)
class ForwardCounters:
    """What has happened so far."""

    upgrades: int = 0
    failures: int = 0
    """Upgrades that were not made, or broke before they had carried anything."""
    stalls: int = 0
    """Times that an upgrade was not read because one of its clients did not read."""


class PodForwarder:
    """A `PodDialler` over the API server that ``connection`` leads to, while its ``async with`` block runs.

    The block goes around that of the `Proxy`: at its end every upgrade is closed, and what is open is cut.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        half_close: HalfClose = HalfClose.HOLD,
        limits: ForwardLimits | None = None,
    ) -> None:
        self.limits = limits if limits is not None else ForwardLimits()
        self.half_close = half_close
        self.maker = UpgradeMaker(connection, self.limits)
        self.counters = ForwardCounters()
        self._pods: dict[NamespacedName, PodUpgrades] = {}
        self._pairs: set[Pair] = set()
        self._engine: Engine | None = None
        self._descriptors: Descriptors | None = None
        self._outages: Outages | None = None
        self._stopping = self._closed = False

    async def __aenter__(self) -> Self:
        self._outages = Outages(self.limits, asyncio.get_running_loop().time, random.random)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed = True
        for pair in tuple(self._pairs):
            pair.close()
        for upgrades in tuple(self._pods.values()):
            await upgrades.aclose()
        await self.maker.aclose()

    # What the data plane asks.

    def attach(self, engine: Engine, descriptors: Descriptors) -> None:
        self._engine = engine
        self._descriptors = descriptors

    def dial(self, endpoint: Endpoint, pod: NamespacedName, caller: PodCaller) -> Pair | None:
        pair = Pair(self, caller)
        return pair if pair.redial(endpoint, pod) else None

    def counts(self) -> Mapping[str, int]:
        return asdict(self.counters)

    def stopping(self) -> None:
        self._stopping = True
        for upgrades in tuple(self._pods.values()):
            upgrades.held_fins.hurry()

    # What pairs and upgrades ask.

    @property
    def engine(self) -> Engine:
        assert self._engine is not None, "no data plane was given this dialler"
        return self._engine

    def seek(self, pair: Pair) -> bool:
        if self._closed:
            pair.fail(OSError(errno.ECONNABORTED, "port-forward has stopped"))
            return False
        upgrades = self._pods.get(pair.pod)
        if upgrades is None:
            self._forget_idle()
            upgrades = self._pods[pair.pod] = PodUpgrades(self, pair.pod)
            if self._stopping:
                upgrades.held_fins.hurry()
        return upgrades.seek(pair)

    def give_up(self, pair: Pair) -> None:
        upgrades = self._pods.get(pair.pod)
        if upgrades is not None:
            upgrades.give_up(pair)

    def held_fins(self, pod: NamespacedName) -> HeldFins:
        return self._pods[pod].held_fins

    def is_making(self, pod: NamespacedName) -> bool:
        upgrades = self._pods.get(pod)
        return upgrades is not None and upgrades.is_making

    def began(self, pair: Pair) -> None:
        assert self._descriptors is not None
        if not self._descriptors.take(1):
            raise OSError(errno.EMFILE, "no descriptor is left for a connection through the API server")
        self._pairs.add(pair)

    def ended(self, pair: Pair) -> None:
        self._pairs.discard(pair)
        if self._descriptors is not None:
            self._descriptors.give(1)

    def held_off(self, pod: NamespacedName) -> str:
        return self.outages.held_off(pod)

    def worked(self, pod: NamespacedName, way: Way) -> None:
        self.counters.upgrades += 1
        self.outages.worked(pod, way)

    def did_not_work(self, pod: NamespacedName, error: Exception) -> None:
        self.counters.failures += 1
        self.outages.failed(pod, error)

    def has_stalled(self, pod: NamespacedName) -> None:
        self.counters.stalls += 1

    @property
    def outages(self) -> Outages:
        assert self._outages is not None, "the forwarder is not running: use it inside 'async with'"
        return self._outages

    def _forget_idle(self) -> None:
        if len(self._pods) >= _MANY_PODS:
            for pod in [pod for pod, upgrades in self._pods.items() if upgrades.is_idle]:
                del self._pods[pod]
