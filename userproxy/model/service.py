"""A Service, as far as a proxy reads it. Two equal values ask for the same serving (rule S11)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from userproxy.model.names import Family, NamespacedName, ObjectRef, Protocol

__all__ = ["Balancer", "PortOptions", "Service", "ServicePortSpec", "ServiceType", "TrafficPolicy"]


class ServiceType(StrEnum):
    """``spec.type``."""

    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"
    EXTERNAL_NAME = "ExternalName"


class TrafficPolicy(StrEnum):
    """``spec.internalTrafficPolicy`` and ``spec.externalTrafficPolicy``."""

    CLUSTER = "Cluster"
    LOCAL = "Local"


class Balancer(StrEnum):
    """Annotation ``userproxy.dev/balancer``."""

    ROUND_ROBIN = "round-robin"
    CONSISTENT_HASH = "consistent-hash"
    LEAST_CONNECTIONS = "least-connections"


@dataclass(frozen=True, slots=True)
class PortOptions:
    """What the ``userproxy.dev/`` annotations ask for one port; ``None`` means no limit."""

    balancer: Balancer = Balancer.ROUND_ROBIN
    hold_s: float = 0.0
    """How long a new connection waits for an endpoint (rule L9); 0: not at all."""
    drain_limit_s: float | None = None
    """How long connections to an endpoint that left may go on (rule C1)."""
    idle_timeout_s: float | None = None
    max_connections: int | None = None


@dataclass(frozen=True, slots=True)
class ServicePortSpec:
    """One entry of ``spec.ports``. ``targetPort`` is never read by a proxy (rule S9)."""

    name: str
    protocol: Protocol
    port: int
    node_port: int | None = None
    options: PortOptions = field(default_factory=PortOptions)


@dataclass(frozen=True, slots=True)
class Service:
    """A decoded Service. Addresses are canonical text (rule D8)."""

    namespace: str
    name: str
    type: ServiceType = ServiceType.CLUSTER_IP
    ports: tuple[ServicePortSpec, ...] = ()
    headless: bool = False
    """``clusterIP: None`` (rule S1)."""
    cluster_ips: tuple[tuple[Family, str], ...] = ()
    """Stated cluster addresses, one a family (rule S2); empty when none is stated."""
    families: tuple[Family, ...] = (Family.IPV4,)
    """``ipFamilies``, else those of ``clusterIPs``, else IPv4 (rule S2, loopback mode)."""
    families_stated: bool = field(default=True, compare=False)
    """They come from ``ipFamilies``: ``explain`` says no family of an ignored Service that states none."""
    session_affinity_s: int | None = None
    """ClientIP affinity time-out (rule B2); None: no affinity."""
    internal_traffic_policy: TrafficPolicy = TrafficPolicy.CLUSTER
    external_traffic_policy: TrafficPolicy = TrafficPolicy.CLUSTER
    allocate_node_ports: bool = True
    """``allocateLoadBalancerNodePorts``."""
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    """VIPs that are to be captured (rule S4)."""
    source_ranges: tuple[str, ...] = ()
    """Valid ``loadBalancerSourceRanges``, canonical CIDRs of both families (rules S3, S5)."""
    health_check_node_port: int | None = None
    """Only for LoadBalancer with external policy Local (rule S6)."""
    service_proxy_name: str | None = None
    """Value of label ``service.kubernetes.io/service-proxy-name``, "" included (rule S1)."""
    external_name: str = ""
    """``externalName`` of type ExternalName, without a dot at its end; "" where it is no DNS name."""
    creation_timestamp: str = ""
    """RFC 3339; orders conflicting Services (rule S10). "" sorts last."""

    @property
    def key(self) -> NamespacedName:
        return NamespacedName(self.namespace, self.name)

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef("Service", self.namespace, self.name)

    def cluster_ip(self, family: Family) -> str | None:
        """The stated cluster address of ``family``, or None (rule S2)."""
        return next((ip for ip_family, ip in self.cluster_ips if ip_family is family), None)
