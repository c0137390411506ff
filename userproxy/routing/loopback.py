"""Which local address each Service listens on, without any privilege (rule L1)."""

from __future__ import annotations

from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Protocol

from userproxy.model.names import Family, NamespacedName, hostname_and_service

__all__ = ["DEFAULT_FIRST", "DEFAULT_LAST", "AddressPlan", "EphemeralAddresses", "LoopbackAddresses"]

DEFAULT_FIRST, DEFAULT_LAST = IPv4Address("127.1.0.0"), IPv4Address("127.254.255.255")
"""The default range: 127.0/16 and 127.255/16 stay the host's own."""
_DEFAULT_SIZE = int(DEFAULT_LAST) - int(DEFAULT_FIRST) + 1
_MIN_HOST_BITS = 8  # a range smaller than a /24 fills up with the first few hundred Services


class AddressPlan(Protocol):
    """Who listens where. A Service holds its address from the first `hold` to `release`.

    So does an endpoint of a headless Service, under its name of `headless`: all have one range.
    """

    def unserved(self, family: Family) -> str | None:
        """Why no Service is served in ``family``; None when they are."""
        ...

    def hold(self, service: NamespacedName, family: Family) -> str | None:
        """The address that ``service`` holds, taken now if it held none; None when none is free."""
        ...

    def release(self, service: NamespacedName, family: Family) -> bool:
        """Give the address back; True when another Service may now take it."""
        ...

    def listen_port(self, port: int) -> int:
        """The number to listen on for a service port; 0 lets the kernel choose."""
        ...


class LoopbackAddresses:
    """Each Service has its own address, with its real ports (rule L1, the default).

    Raises ValueError for a range of fewer than 256 addresses. Whether a range outside 127.0.0.0/8 is
    local to this host is for the caller to find out.
    """

    def __init__(self, ipv4: IPv4Network | None = None, ipv6: IPv6Network | None = None) -> None:
        if ipv4 is None:
            self._pools = {Family.IPV4: _Pool(Family.IPV4, int(DEFAULT_FIRST), _DEFAULT_SIZE)}
        else:
            self._pools = {Family.IPV4: _pool_of(Family.IPV4, ipv4)}
        if ipv6 is not None:
            self._pools[Family.IPV6] = _pool_of(Family.IPV6, ipv6)

    def unserved(self, family: Family) -> str | None:
        if family in self._pools:
            return None
        return f"{family}: no {family} loopback range is configured (--loopback-range)"

    def hold(self, service: NamespacedName, family: Family) -> str | None:
        pool = self._pools.get(family)
        return None if pool is None else pool.hold(service)

    def release(self, service: NamespacedName, family: Family) -> bool:
        pool = self._pools.get(family)
        return pool is not None and pool.release(service)

    def listen_port(self, port: int) -> int:
        return port


class EphemeralAddresses:
    """Every port is on 127.0.0.1 or ::1, with a number that the kernel chooses (rule L1)."""

    _HOSTS = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}  # noqa: RUF012 - never written to

    def unserved(self, family: Family) -> str | None:
        return None

    def hold(self, service: NamespacedName, family: Family) -> str | None:
        return self._HOSTS[family]

    def release(self, service: NamespacedName, family: Family) -> bool:
        return False

    def listen_port(self, port: int) -> int:
        return 0


class _Pool:
    """Consecutive addresses of one family; remembers who holds which."""

    def __init__(self, family: Family, first: int, size: int) -> None:
        self._family = family
        self._first = first
        self._size = size
        self._holders: dict[int, NamespacedName] = {}
        self._offsets: dict[NamespacedName, int] = {}

    def hold(self, service: NamespacedName) -> str | None:
        offset = self._offsets.get(service)
        if offset is None:
            if len(self._holders) >= self._size:
                return None
            offset = _hash(service) % self._size
            while offset in self._holders:
                offset = (offset + 1) % self._size
            self._holders[offset] = service
            self._offsets[service] = offset
        number = self._first + offset
        if self._family is Family.IPV6:
            return str(IPv6Address(number))
        # As `str(IPv4Address(number))` says it, and asked for at every change of a Service.
        return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def release(self, service: NamespacedName) -> bool:
        offset = self._offsets.pop(service, None)
        if offset is None:
            return False
        del self._holders[offset]
        return True


def _pool_of(family: Family, network: IPv4Network | IPv6Network) -> _Pool:
    if network.max_prefixlen - network.prefixlen < _MIN_HOST_BITS:
        raise ValueError(f"loopback range {network} is too small: it needs at least 256 addresses")
    # The first and the last address look like a network and a broadcast address: left alone.
    return _Pool(family, int(network.network_address) + 1, network.num_addresses - 2)


def _hash(service: NamespacedName) -> int:
    """``h`` of rule L1: the same Service has the same address on every machine.

    For the endpoint ``shop/db-0.db`` of a headless Service the name is ``shop/db/db-0``.
    """
    hostname, name = hostname_and_service(service.name)
    text = f"{service.namespace}/{name}/{hostname}" if hostname else str(service)
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") % _DEFAULT_SIZE
