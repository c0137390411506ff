"""Pools of cluster addresses and node ports, as an API server keeps them (rules D1, D4).

The same Service gets the same ones for as long as the process lives, whatever came and went meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from userproxy.manifest.pools import NumberPool
from userproxy.model.addresses import parse_cidr, parse_ip
from userproxy.model.names import Family, NamespacedName

__all__ = ["NODE_PORTS", "ClusterIPAllocator", "Exhausted", "NodePortAllocator"]

NODE_PORTS = range(30000, 32768)
"""kube-apiserver's default of ``--service-node-port-range``."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Nothing is left of ``pool``: ``10.96.0.0/24`` or ``30000-32767``."""

    pool: str

    def __str__(self) -> str:
        return f"nothing is free in {self.pool}"


class ClusterIPAllocator:
    """Who holds which cluster address. One range, or one of each family; the first is the default family."""

    def __init__(self, cidrs: Sequence[str]) -> None:
        """Raises ValueError when there is no range, two of one family, or one without a usable address."""
        self._ranges: dict[Family, _Range] = {}
        for cidr in cidrs:
            family, canonical = parse_cidr(cidr)
            if family in self._ranges:
                raise ValueError(f"service CIDR {cidr}: there is another {family} range")
            self._ranges[family] = _Range(canonical)
        if not self._ranges:
            raise ValueError("there must be a service CIDR")

    @property
    def families(self) -> tuple[Family, ...]:
        """The families of the cluster, the default one first."""
        return tuple(self._ranges)

    def range_of(self, family: Family) -> str | None:
        """The CIDR of ``family``; None when the cluster does not have it."""
        found = self._ranges.get(family)
        return found.cidr if found else None

    def allocate(self, owner: NamespacedName, family: Family) -> str | Exhausted:
        """The address of ``owner``: the one that it holds or had, else a free one.

        Raises KeyError for a family that the cluster does not have.
        """
        found = self._ranges[family]
        number = found.pool.allocate((owner, str(family)))
        return Exhausted(found.cidr) if number is None else found.address(number)

    def claim(self, owner: NamespacedName, address: str) -> NamespacedName | None:
        """Hold ``address`` because ``owner`` states it; returns who holds it already, if another does.

        An address outside of the ranges is nobody's and always granted. Raises ValueError for what
        is no IP address.
        """
        family, number = self._find(address)
        return None if number is None else self._ranges[family].pool.claim((owner, str(family)), number)

    def holds(self, address: str) -> bool:
        """True when ``address`` is one that can be handed out."""
        return self._find(address)[1] is not None

    def held(self, owner: NamespacedName) -> tuple[str, ...]:
        """The addresses of ``owner``."""
        return tuple(
            found.address(number) for found in self._ranges.values() for number in found.pool.held(owner)
        )

    def release(self, owner: NamespacedName, address: str) -> None:
        """``owner`` no longer uses ``address``; no change when it does not hold it."""
        family, number = self._find(address)
        if number is not None:
            self._ranges[family].pool.release(owner, number)

    def _find(self, address: str) -> tuple[Family, int | None]:
        family, canonical = parse_ip(address)
        found = self._ranges.get(family)
        return family, None if found is None else found.number(canonical)


class NodePortAllocator:
    """Who holds which node port. A Service has several; a ``slot`` tells them apart."""

    def __init__(self, ports: range = NODE_PORTS) -> None:
        """Raises ValueError for an empty range or one outside of 1-65535."""
        if not ports or ports.step != 1 or ports[0] < 1 or ports[-1] > 65535:
            raise ValueError(f"node ports must be a range within 1-65535, not {ports}")
        self._ports = ports
        self._pool = NumberPool(len(ports), _band(len(ports), part=32, most=128))

    def __str__(self) -> str:
        return f"{self._ports[0]}-{self._ports[-1]}"

    def allocate(self, owner: NamespacedName, slot: str, *, avoid: Collection[int] = ()) -> int | Exhausted:
        """The port for ``slot`` of ``owner``: the one that it holds or had, else a free one.

        It is none of ``avoid``.
        """
        first = self._ports[0]
        number = self._pool.allocate((owner, slot), {port - first for port in avoid})
        return Exhausted(str(self)) if number is None else first + number

    def claim(self, owner: NamespacedName, slot: str, port: int) -> NamespacedName | None:
        """Hold ``port`` because ``owner`` states it; returns who holds it already, if another does."""
        return self._pool.claim((owner, slot), port - self._ports[0]) if self.holds(port) else None

    def holds(self, port: int) -> bool:
        """True when ``port`` is one that can be handed out."""
        return port in self._ports

    def held(self, owner: NamespacedName) -> tuple[int, ...]:
        return tuple(self._ports[0] + number for number in self._pool.held(owner))

    def release(self, owner: NamespacedName, port: int) -> None:
        """``owner`` no longer uses ``port``; no change when it does not hold it."""
        if self.holds(port):
            self._pool.release(owner, port - self._ports[0])


class _Range:
    """A CIDR whose usable addresses are numbered from 0, and the pool of those numbers."""

    def __init__(self, cidr: str) -> None:
        network: IPv4Network | IPv6Network = ip_network(cidr)
        # Neither the network's own address nor the broadcast address of IPv4 can be used.
        size = network.num_addresses - (2 if network.version == 4 else 1)
        if size < 1:
            raise ValueError(f"service CIDR {cidr}: has no usable address")
        self.cidr = cidr
        self._first = network.network_address + 1
        self._size = size
        self.pool = NumberPool(size, _band(size, part=16, most=256))

    def address(self, number: int) -> str:
        return str(self._first + number)

    def number(self, canonical: str) -> int | None:
        """The number of an address of this family; None when it is not a usable one of the range."""
        number = int(ip_address(canonical)) - int(self._first)
        return number if 0 <= number < self._size else None


def _band(size: int, *, part: int, most: int) -> int:
    """How many of the first numbers are left for those who state one, as Kubernetes leaves them."""
    return min(max(16, size // part), most) if size > 16 else 0
