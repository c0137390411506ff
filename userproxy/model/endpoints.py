"""An EndpointSlice, as far as a proxy reads it. Equal values are no change (rule E10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from userproxy.model.names import Family, NamespacedName, ObjectRef, Protocol

__all__ = ["EndpointSlice", "InvalidEndpoint", "SliceEndpoint", "SlicePort"]


class SlicePort(NamedTuple):
    """A numbered port of a slice; entries without a number are dropped when decoding (rule E4)."""

    name: str
    protocol: Protocol
    port: int


class SliceEndpoint(NamedTuple):
    """One endpoint: its first address (rule E3), conditions resolved (rule E5).

    A named tuple, as a large cluster has a hundred thousand: it is made in a third of
    the time of a data class.
    """

    address: str
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    node_name: str = ""
    """"" when not set: never local (rule E6)."""
    zone_hints: tuple[str, ...] = ()
    node_hints: tuple[str, ...] = ()
    hostname: str = ""
    """An RFC 1123 label: the name that the endpoint has below its headless Service; "" when not set."""
    pod: str = ""
    """The Pod behind it, in the slice's namespace, as ``targetRef`` says; "": none, or something else."""


@dataclass(frozen=True, slots=True)
class InvalidEndpoint:
    """An entry that was dropped (rule D7), kept so that ``explain`` can show why."""

    address: str
    why: str


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """A decoded EndpointSlice."""

    namespace: str
    name: str
    service_name: str
    """Label ``kubernetes.io/service-name``; "": belongs to no Service (rule E1)."""
    address_type: Family | None
    """None: FQDN, ignored (rule E2)."""
    ports: tuple[SlicePort, ...] = ()
    endpoints: tuple[SliceEndpoint, ...] = ()
    invalid: tuple[InvalidEndpoint, ...] = ()
    headless: bool = False
    """Label ``service.kubernetes.io/headless`` is there: only a headless Service reads it (rule E1)."""

    @property
    def key(self) -> NamespacedName:
        return NamespacedName(self.namespace, self.name)

    @property
    def service(self) -> NamespacedName:
        return NamespacedName(self.namespace, self.service_name)

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef("EndpointSlice", self.namespace, self.name)
