"""What is served now, as names see it: each service port with its address, and each alias."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from userproxy.model.names import Family, NamespacedName, ServicePortName, hostname_and_service
from userproxy.model.names import Protocol as Transport
from userproxy.model.routes import Route, RouteKey
from userproxy.model.service import Service

__all__ = ["Alias", "ListenedPort", "Served", "ServedPort", "ServedTable", "Services", "served_ports"]

Services = Mapping[NamespacedName, Service]
"""Every Service that the source told of, as `Proxy.services` has them."""

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
    position: int = 0
    """Index among the ports that the Service states."""

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
    def of(cls, ports: Iterable[ListenedPort], services: Services) -> Served:
        """From the ports of `Proxy.snapshot` and `Proxy.services`."""
        return cls(tuple(sorted(served_ports(ports, services))), _aliases(services))

    @classmethod
    def planned(cls, routes: Iterable[Route], services: Services) -> Served:
        """What a proxy would serve, each port at the number that it states, if that can be had (rule L1).

        Raises ValueError for routes whose numbers the kernel chooses.
        """
        ports = []
        for route in routes:
            if not route.listen_port:
                raise ValueError("numbers that the kernel chooses are known to a running proxy alone")
            ports.append(_port(route.key, services, route.listen_host, route.service_port,
                               route.listen_port, usable=bool(route.internal)))  # fmt: skip
        return cls(tuple(sorted(ports)), _aliases(services))


class ServedTable:
    """Follows a proxy: a change costs what it touches, `now` costs in proportion to all."""

    def __init__(self) -> None:
        self._ports: dict[RouteKey, tuple[ServedPort, ...]] = {}

    def update(self, changes: Mapping[RouteKey, Sequence[ListenedPort]], services: Services) -> bool:
        """Take over what `Proxy.changes` said; whether that makes a difference to any name or address."""
        differs = False
        for key, ports in changes.items():
            new = tuple(served_ports(ports, services))
            if new == self._ports.get(key, ()):
                continue
            differs = True
            if new:
                self._ports[key] = new
            else:
                del self._ports[key]
        return differs

    def now(self, services: Services) -> Served:
        """All that is served, with `Proxy.services` of this moment."""
        ports = sorted(port for ports in self._ports.values() for port in ports)
        return Served(tuple(ports), _aliases(services))


def _aliases(services: Services) -> tuple[Alias, ...]:
    named = [one for one in services.values() if one.external_name]
    return tuple(sorted([Alias(one.namespace, one.name, one.external_name) for one in named]))


def served_ports(ports: Iterable[ListenedPort], services: Services) -> Iterator[ServedPort]:
    """Those that are at an address now: not what only drains, nor what could not be bound (rule L4)."""
    for port in ports:
        if port.state != _GONE and port.listen_port is not None:
            yield _port(port.key, services, port.listen_host, port.service_port, port.listen_port,
                        usable=port.state == _USABLE)  # fmt: skip


def _port(
    key: RouteKey, services: Services, address: str, service_port: int, port: int, *, usable: bool
) -> ServedPort:
    name = key.name
    hostname, own = hostname_and_service(name.name)
    position = _position(services.get(NamespacedName(name.namespace, own)), name)
    return ServedPort(name.namespace, own, hostname, name.port_name, name.protocol, key.family,
                      service_port, address, port, usable, position)  # fmt: skip


def _position(service: Service | None, name: ServicePortName) -> int:
    """Where the port stands in its Service; 0 when the Service has changed meanwhile."""
    ports = service.ports if service is not None else ()
    stated = [(port.name, port.protocol) for port in ports]
    wanted = (name.port_name, name.protocol)
    return stated.index(wanted) if wanted in stated else 0
