"""What is served now, as names see it: each service port with its address, and each alias."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from userproxy.model.names import Family, NamespacedName
from userproxy.model.names import Protocol as Transport
from userproxy.model.routes import RouteKey

__all__ = ["Alias", "ListenedPort", "Served", "ServedPort", "ServedTable"]

_GONE = "draining"
_USABLE = "listening"


class ListenedPort(Protocol):
    """What is read of a service port; `dataplane.snapshot.PortSnapshot` is one."""

    @property
    def key(self) -> RouteKey: ...

    @property
    def service_port(self) -> int: ...

    @property
    def listen_host(self) -> str: ...

    @property
    def listen_port(self) -> int | None: ...

    @property
    def state(self) -> str: ...


class ServedPort(NamedTuple):
    """One port of a Service, or of one endpoint of a headless Service, in one family. Sorted by name."""

    namespace: str
    service: str
    hostname: str
    """Of the endpoint of a headless Service, as ``db-0``; "": the port is the Service's."""
    port_name: str
    protocol: Transport
    family: Family
    service_port: int
    """The number that the Service states."""
    address: str
    port: int
    """The number that it is reached at (rule L1)."""
    usable: bool
    """A new connection has somewhere to go; else it is refused, or held (rules T8, L9)."""

    @property
    def moved(self) -> bool:
        """It is not at the number that the Service states."""
        return self.port != self.service_port


class Alias(NamedTuple):
    """A Service of type ExternalName."""

    namespace: str
    service: str
    external_name: str
    """A DNS name, without a dot at its end."""


@dataclass(frozen=True, slots=True)
class Served:
    """All of it at one moment, in order."""

    ports: tuple[ServedPort, ...] = ()
    aliases: tuple[Alias, ...] = ()

    @classmethod
    def of(cls, ports: Iterable[ListenedPort], external_names: Mapping[NamespacedName, str]) -> Served:
        """From `Proxy.snapshot` and `Proxy.external_names`."""
        aliases = (Alias(*service, target) for service, target in external_names.items())
        return cls(tuple(sorted(_served(ports))), tuple(sorted(aliases)))


class ServedTable:
    """Follows a proxy: a change costs what it touches, `now` costs in proportion to all."""

    def __init__(self) -> None:
        self._ports: dict[RouteKey, tuple[ServedPort, ...]] = {}

    def update(self, changes: Mapping[RouteKey, Sequence[ListenedPort]]) -> bool:
        """Take over what `Proxy.changes` said; whether that makes a difference to any name or address."""
        differs = False
        for key, ports in changes.items():
            new = tuple(_served(ports))
            if new == self._ports.get(key, ()):
                continue
            differs = True
            if new:
                self._ports[key] = new
            else:
                del self._ports[key]
        return differs

    def now(self, external_names: Mapping[NamespacedName, str]) -> Served:
        """All that is served, with `Proxy.external_names` of this moment."""
        ports = sorted(port for ports in self._ports.values() for port in ports)
        aliases = sorted(Alias(*service, target) for service, target in external_names.items())
        return Served(tuple(ports), tuple(aliases))


def _served(ports: Iterable[ListenedPort]) -> Iterator[ServedPort]:
    """Those that are at an address now: not what only drains, nor what could not be bound (rule L4)."""
    for port in ports:
        if port.state == _GONE or port.listen_port is None:
            continue
        name = port.key.name
        hostname, _, service = name.name.rpartition(".")  # a Service's own name has no dot
        yield ServedPort(
            name.namespace,
            service,
            hostname,
            name.port_name,
            name.protocol,
            port.key.family,
            port.service_port,
            port.listen_host,
            port.listen_port,
            port.state == _USABLE,
        )
