"""What routing knows of this node: its zone, its addresses, who is on it (rules T4, T7, N3, N4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from userproxy.model.names import Family
from userproxy.model.node import Node

__all__ = ["NodeFacts", "NodeIPs", "family_of"]

_STAND_INS = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}


@dataclass(frozen=True, slots=True)
class NodeIPs:
    """One address a family (rule N3)."""

    primary_family: Family
    ipv4: str
    ipv6: str

    def of(self, family: Family) -> str:
        return self.ipv4 if family is Family.IPV4 else self.ipv6


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """This node as last seen: once its Node is deleted the facts stay (rule T4)."""

    name: str
    zone: str = ""
    """"": zone hints cannot match."""
    addresses: tuple[str, ...] = ()
    """InternalIPs, then ExternalIPs; empty: the Node was never seen."""
    pod_cidrs: tuple[str, ...] = ()
    internal_ips: tuple[str, ...] = ()

    @classmethod
    def seen(cls, node: Node) -> NodeFacts:
        addresses = (*node.internal_ips, *node.external_ips)
        return cls(node.name, node.zone, addresses, node.pod_cidrs, node.internal_ips)

    def ips(self, bind_address: str = "") -> NodeIPs:
        """The node's IPs (rule N3): ``bind_address`` unless unspecified, the Node's, loopback ones.

        The first of them sets the primary family; then comes the first one of the other family.
        """
        stated = [bind_address] if bind_address and not ip_address(bind_address).is_unspecified else []
        found: dict[Family, str] = {}
        for ip in (*stated, *self.addresses, *_STAND_INS.values()):
            found.setdefault(family_of(ip), ip)
        return NodeIPs(next(iter(found)), found[Family.IPV4], found[Family.IPV6])

    def holds(self, client: str, pod_cidrs: Iterable[str] = ()) -> bool:
        """Whether ``client`` is this node itself, or a pod of it (rule T7).

        ``pod_cidrs`` say which sources are this node's pods (rule N4); empty: none is.
        """
        address = ip_address(client)
        return (
            address.is_loopback
            or client in self.addresses
            or any(address in ip_network(cidr) for cidr in pod_cidrs)
        )


def family_of(ip: str) -> Family:
    """The family of canonical address or CIDR text (rule D8)."""
    return Family.IPV6 if ":" in ip else Family.IPV4
