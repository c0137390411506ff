"""What is served, indexed as names ask for it. A change costs in proportion to what it touches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple, TypeVar

from userproxy.discovery.served import ListenedPort, ServedPort, Services, served_ports
from userproxy.model.names import NamespacedName, owner
from userproxy.model.routes import RouteKey

__all__ = ["Directory", "Labels", "Owner", "reverse_labels"]

Labels = tuple[str, ...]
"""The labels of a name in lower case, the leftmost first, without the root."""
_MOST_SERIAL = 2**32
_Ports = tuple[ServedPort, ...]
T = TypeVar("T")
_HOSTNAME = attrgetter("hostname")


class Owner(NamedTuple):
    """What an address belongs to: a Service, or an endpoint of a headless one."""

    namespace: str
    service: str
    hostname: str


class _Service:
    """One Service, by service port and, once asked for, by endpoint."""

    __slots__ = ("all", "endpoints", "ports")

    def __init__(self) -> None:
        self.ports: dict[RouteKey, _Ports] = {}
        self.all: _Ports | None = None
        self.endpoints: dict[str, _Ports] | None = None

    def set(self, key: RouteKey, ports: _Ports) -> None:
        """``ports`` () takes it away."""
        if ports:
            self.ports[key] = ports
        else:
            del self.ports[key]
        self.all = self.endpoints = None


class Directory:
    """All that names lead to now."""

    def __init__(self, serial: int = 1) -> None:
        """``serial`` is the zone's first one (RFC 1035, 3.3.13); it grows by one with each change."""
        self.serial = serial % _MOST_SERIAL
        self._services: dict[NamespacedName, _Service] = {}
        self._aliases: dict[NamespacedName, str] = {}
        self._namespaces: Counter[str] = Counter()
        """How many Services each has."""
        self._owners: dict[Labels, Counter[Owner]] = {}
        """Who is at an address, by the labels of its reverse name."""
        self._above: Counter[Labels] = Counter()
        """How many reverse names are below each."""

    def update(
        self,
        changes: Mapping[RouteKey, Sequence[ListenedPort]],
        services: Services,
        external_names: Mapping[NamespacedName, str],
    ) -> bool:
        """Take over what `Proxy.changes` said, with the others as they are now; whether anything differs."""
        differs = external_names != self._aliases
        if differs:
            self._set_aliases(external_names)
        for key, ports in changes.items():
            differs |= self._set_ports(key, tuple(served_ports(ports, services)))
        if differs:
            self.serial = (self.serial + 1) % _MOST_SERIAL
        return differs

    def ports(self, service: NamespacedName) -> _Ports:
        """Those of a Service, and of its endpoints when it is headless; () when it is not served.

        The very same tuple until the Service changes.
        """
        found = self._services.get(service)
        if found is None:
            return ()
        if found.all is None:
            found.all = tuple(port for key in sorted(found.ports) for port in found.ports[key])
        return found.all

    def endpoint_ports(self, service: NamespacedName, hostname: str) -> _Ports:
        """Those of one endpoint of a headless Service; the very same tuple until the Service changes."""
        found = self._services.get(service)
        if found is None:
            return ()
        if found.endpoints is None:
            found.endpoints = {
                name: tuple(ports)
                for name, ports in groupby(sorted(self.ports(service), key=_HOSTNAME), key=_HOSTNAME)
            }
        return found.endpoints.get(hostname, ())

    def alias(self, service: NamespacedName) -> str:
        """The name that a Service of type ExternalName stands for; "" for any other."""
        return self._aliases.get(service, "")

    def has_namespace(self, namespace: str) -> bool:
        """Whether any Service of ``namespace`` has a name."""
        return namespace in self._namespaces

    def owners(self, reverse: Labels) -> tuple[Owner, ...]:
        """Who is at the address whose reverse name has these labels."""
        return tuple(sorted(self._owners.get(reverse, ())))

    def is_above_addresses(self, reverse: Labels) -> bool:
        """Whether a reverse name with an owner is below these labels."""
        return reverse in self._above

    def _set_aliases(self, aliases: Mapping[NamespacedName, str]) -> None:
        for service in self._aliases.keys() - aliases.keys():
            self._count_namespace(service.namespace, -1)
        for service in aliases.keys() - self._aliases.keys():
            self._count_namespace(service.namespace, 1)
        self._aliases = dict(aliases)

    def _set_ports(self, key: RouteKey, new: _Ports) -> bool:
        service = owner(key.name.service)
        found = self._services.get(service) or _Service()
        old = found.ports.get(key, ())
        if new == old:
            return False
        if not found.ports:
            self._services[service] = found
            self._count_namespace(service.namespace, 1)
        found.set(key, new)
        if not found.ports:
            del self._services[service]
            self._count_namespace(service.namespace, -1)
        self._count_addresses(old, -1)
        self._count_addresses(new, 1)
        return True

    def _count_namespace(self, namespace: str, by: int) -> None:
        _count(self._namespaces, namespace, by)

    def _count_addresses(self, ports: Iterable[ServedPort], by: int) -> None:
        for port in ports:
            labels = reverse_labels(port.address)
            owners = self._owners.setdefault(labels, Counter())
            _count(owners, Owner(port.namespace, port.service, port.hostname), by)
            if not owners:
                del self._owners[labels]
            for above in _ancestors(labels):
                _count(self._above, above, by)


@lru_cache(maxsize=4096)
def reverse_labels(address: str) -> Labels:
    """The labels of the name that a reverse lookup asks for (RFC 1035, 3.5; RFC 3596, 2.5)."""
    return tuple(ip_address(address).reverse_pointer.split("."))


def _ancestors(labels: Labels) -> Iterator[Labels]:
    return (labels[start:] for start in range(1, len(labels)))


def _count(counter: Counter[T], key: T, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]
