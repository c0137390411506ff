"""The names that key everything: namespaced names, service ports, object references."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Family", "NamespacedName", "ObjectRef", "Protocol", "ServicePortName"]


class Protocol(StrEnum):
    """Transport protocol of a port, spelled as Kubernetes does."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class Family(StrEnum):
    """IP family, spelled as in ``spec.ipFamilies`` and ``addressType``."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


@dataclass(frozen=True, slots=True, order=True)
class NamespacedName:
    """A namespaced object's name; ``str()`` gives ``namespace/name``."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class ServicePortName:
    """kube-proxy's key for all that is done for one port of one Service (types.go, ServicePortName)."""

    namespace: str
    name: str
    port_name: str
    protocol: Protocol = Protocol.TCP

    @property
    def service(self) -> NamespacedName:
        return NamespacedName(self.namespace, self.name)

    def __str__(self) -> str:
        port = f":{self.port_name}" if self.port_name else ""
        return f"{self.namespace}/{self.name}{port}/{self.protocol}"


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Which object: ``Service default/web``, ``Node worker-1`` (namespace ""), ``file web.yaml``."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"
