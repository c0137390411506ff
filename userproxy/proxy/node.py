"""What follows from the settings for this host: its node's name, where service ports listen, how endpoints
are reached."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from userproxy.routing import AddressPlan, EphemeralAddresses, LoopbackAddresses, ReachPolicy
from userproxy.settings import Addresses, Settings

__all__ = ["address_plan", "is_own_address", "node_name_of", "reach_policy"]

_DISCARD_PORT = 9


def node_name_of(settings: Settings) -> str:
    """This node's name: the one given, else the host name, trimmed and lower case (rule N1)."""
    return (settings.node_name or socket.gethostname()).strip().lower()


def address_plan(settings: Settings) -> AddressPlan:
    """How service ports get their addresses (rule L1). Raises ValueError for a range that is too small."""
    if settings.addresses is Addresses.EPHEMERAL:
        return EphemeralAddresses()
    return LoopbackAddresses(settings.loopback_range, settings.loopback_range_ipv6)


def reach_policy(settings: Settings, *, remote: bool) -> ReachPolicy:
    """How endpoints are reached. ``remote``: as `Source.remote` says."""
    return ReachPolicy(settings.dial_mode, settings.direct_cidrs, remote, is_own_address)


def is_own_address(address: str) -> bool:
    """Whether packets to ``address`` stay on this host. Nothing is sent: the kernel is asked for the way.

    It sends from the address itself, or a loopback one, only where the address is local (ip-route(8), table
    local); a bind would also succeed for strangers where ``ip_nonlocal_bind`` is set.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, _DISCARD_PORT))
            sends_from: str = probe.getsockname()[0]
    except OSError:  # no route, or no such family
        return False
    return sends_from == address or ip_address(sends_from).is_loopback
