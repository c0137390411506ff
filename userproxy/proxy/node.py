"""What follows from the settings for this host: its node's name, and where service ports listen."""

from __future__ import annotations

import socket

from userproxy.routing import AddressPlan, EphemeralAddresses, LoopbackAddresses
from userproxy.settings import Addresses, Settings

__all__ = ["address_plan", "node_name_of"]


def node_name_of(settings: Settings) -> str:
    """This node's name: the one given, else the host name, trimmed and lower case (rule N1)."""
    return (settings.node_name or socket.gethostname()).strip().lower()


def address_plan(settings: Settings) -> AddressPlan:
    """How service ports get their addresses (rule L1). Raises ValueError for a range that is too small."""
    if settings.addresses is Addresses.EPHEMERAL:
        return EphemeralAddresses()
    return LoopbackAddresses(settings.loopback_range, settings.loopback_range_ipv6)
