"""Routes: what the data plane is told. Plain frozen values that could be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from userproxy.model.names import Family, NamespacedName, ObjectRef, Protocol, ServicePortName
from userproxy.model.problems import Problem
from userproxy.model.service import PortOptions, TrafficPolicy

__all__ = ["Endpoint", "Route", "RouteChanges", "RouteKey"]


class Endpoint(NamedTuple):
    """Where a connection can go. Ordered as kube-proxy orders them, by "ip:port" text (rule E11)."""

    name: str
    """``10.0.0.1:80`` or ``[fd00::1]:80``: the key under which state survives a swap."""
    ip: str
    port: int

    @classmethod
    def of(cls, ip: str, port: int) -> Endpoint:
        return cls(f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}", ip, port)

    def __str__(self) -> str:
        return self.name


class RouteKey(NamedTuple):
    """One service port in one family: what one run-time service port serves."""

    name: ServicePortName
    family: Family

    def __str__(self) -> str:
        return f"{self.name}/{self.family}"


@dataclass(frozen=True, slots=True)
class Route:
    """How one service port is served now. Frozen; holds no state; published by one assignment."""

    name: ServicePortName
    family: Family
    service_port: int
    listen_host: str
    """Address to listen on (rule L1)."""
    listen_port: int
    """Number to listen on; 0: the kernel chooses. A stated number that is taken may move (rule L1)."""
    stated_ports: tuple[tuple[Protocol, int], ...]
    """All ports of the Service: numbers that a fallback of L1 must leave free."""
    cluster: tuple[Endpoint, ...] | None
    """Cluster set, sorted (rule T1); None where it is not computed."""
    local: tuple[Endpoint, ...] | None
    """Local set, sorted (rule T2); None where it is not computed."""
    serving: tuple[Endpoint, ...]
    """Every endpoint whose condition serving holds, sorted: a UDP flow keeps those (rule C3)."""
    usable_anywhere: bool
    """Some endpoint is ready, or serving and terminating, before policy and topology (rule T8)."""
    internal_traffic_policy: TrafficPolicy = TrafficPolicy.CLUSTER
    external_traffic_policy: TrafficPolicy = TrafficPolicy.CLUSTER
    session_affinity_s: int | None = None
    options: PortOptions = field(default_factory=PortOptions)
    pods: tuple[tuple[str, str], ...] = ()
    """Endpoint ("ip:port") and the Pod of this namespace by which it is reached, through the API server;
    sorted. An endpoint that is not here is dialled at its address."""
    unreachable: str = ""
    """Why there are usable endpoints and none in any set: from here none can be reached."""

    @property
    def key(self) -> RouteKey:
        return RouteKey(self.name, self.family)

    @property
    def wanted_address(self) -> tuple[str, int, int]:
        """What its address follows from: once this is another, it is bound anew (rules L1, S12)."""
        return self.listen_host, self.listen_port, self.service_port

    @property
    def internal(self) -> tuple[Endpoint, ...]:
        """The set that traffic to the cluster address uses (rule T6)."""
        chosen = self.local if self.internal_traffic_policy is TrafficPolicy.LOCAL else self.cluster
        return chosen or ()


@dataclass(frozen=True, slots=True)
class RouteChanges:
    """A difference between two tables: applied to the old one it gives the new one."""

    generation: int
    """Number of the table that this difference leads to; grows by one with each non-empty difference."""
    changed: tuple[Route, ...] = ()
    """New and changed routes."""
    removed: tuple[RouteKey, ...] = ()
    added_services: tuple[NamespacedName, ...] = ()
    changed_services: tuple[NamespacedName, ...] = ()
    removed_services: tuple[NamespacedName, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Problems that are new or worded differently since the last difference."""
    cleared: tuple[Problem, ...] = ()
    """Problems that hold no more."""
    stale: tuple[ObjectRef, ...] = ()
    """All objects that are served from an earlier good version (rule D7), in order."""
    external_names: bool = False
    """Some Service of type ExternalName came, went, or stands for another name."""
    more: bool = False
    """Work is left: ask again after a loop turn (design, 11)."""

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed or self.problems or self.cleared)
