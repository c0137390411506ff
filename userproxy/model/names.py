"""The names that key everything: namespaced names, service ports, object references.

They are named tuples, as every index hashes and compares them: a tuple does that without running Python code.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

__all__ = [
    "FAMILIES",
    "PROTOCOLS",
    "Family",
    "NamespacedName",
    "ObjectRef",
    "Protocol",
    "ServicePortName",
    "hostname_and_service",
    "owner",
]


class Protocol(StrEnum):
    """Transport protocol of a port, spelled as Kubernetes does."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"

    # Enum hashes the name, by a function of its own.
    __hash__ = str.__hash__


class Family(StrEnum):
    """IP family, spelled as in ``spec.ipFamilies`` and ``addressType``."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"

    __hash__ = str.__hash__


PROTOCOLS: Mapping[str, Protocol] = {str(protocol): protocol for protocol in Protocol}
FAMILIES: Mapping[str, Family] = {str(family): family for family in Family}


class NamespacedName(NamedTuple):
    """A namespaced object's name; ``str()`` gives ``namespace/name``."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def hostname_and_service(name: str) -> tuple[str, str]:
    """What ``name`` consists of: of ``db-0.db``, an endpoint of a headless Service, ``db-0`` and ``db``.

    The host name is "" in a Service's own name, which has no dot.
    """
    hostname, _, service = name.rpartition(".")
    return hostname, service


def owner(name: NamespacedName) -> NamespacedName:
    """The Service that ``name`` belongs to, which may be an endpoint's: of ``db-0.db`` it is ``db``."""
    _, service = hostname_and_service(name.name)
    return NamespacedName(name.namespace, service)


class ServicePortName(NamedTuple):
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


class ObjectRef(NamedTuple):
    """Which object: ``Service default/web``, ``Node worker-1`` (namespace ""), ``file web.yaml``."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"
