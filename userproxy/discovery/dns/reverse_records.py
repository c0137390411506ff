"""Reverse lookups, for the ranges that Services get their addresses from, and for no other address."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, summarize_address_range

from dns.name import Name
from dns.rdataclass import IN
from dns.rdatatype import NS, PTR
from dns.rdtypes.ANY.NS import NS as NsRecord
from dns.rdtypes.ANY.PTR import PTR as PtrRecord

from userproxy.discovery.dns.directory import Directory, Labels, reverse_labels
from userproxy.discovery.dns.service_records import EMPTY, Records, full_name, rdataset
from userproxy.routing.loopback import DEFAULT_FIRST, DEFAULT_LAST

__all__ = ["DEFAULT_NETWORKS", "ReverseRecords"]

DEFAULT_NETWORKS = tuple(summarize_address_range(DEFAULT_FIRST, DEFAULT_LAST))
"""The default range (rule L1): without 127.0.0.1, which is the host's own."""
_LABEL_BITS = {4: 8, 6: 4}
"""How much of an address a label has, by IP version."""


class ReverseRecords:
    """Names of the addresses in ``networks``; their owners are named below ``domain``."""

    def __init__(
        self, directory: Directory, networks: Iterable[IPv4Network | IPv6Network], domain: Name, server: Name
    ) -> None:
        self._directory = directory
        self._domain = domain
        self._server = server
        self._apexes = frozenset(apex for network in networks for apex in _apexes(network))

    def zone_of(self, labels: Labels) -> int | None:
        """How many of these labels stand before the name of a zone of ours; None: it is in none."""
        found = (start for start in range(len(labels) - 1) if labels[start:] in self._apexes)
        return next(found, None)

    def at(self, labels: Labels) -> Records | None:
        """What a name in one of the zones has; None: there is no such name."""
        if labels in self._apexes:
            return {NS: rdataset([NsRecord(IN, NS, self._server)])}
        if owners := self._directory.owners(labels):
            names = [full_name(owner, self._domain) for owner in owners]
            return {PTR: rdataset([PtrRecord(IN, PTR, name) for name in names])}
        return EMPTY if self._directory.is_above_addresses(labels) else None


def _apexes(network: IPv4Network | IPv6Network) -> Iterable[Labels]:
    """The zones whose names are all in ``network``, as few as there are: cuts are at whole labels."""
    bits = _LABEL_BITS[network.version]
    whole = -(-network.prefixlen // bits)
    before = network.max_prefixlen // bits - whole
    for zone in network.subnets(new_prefix=whole * bits):
        yield reverse_labels(str(zone.network_address))[before:]
