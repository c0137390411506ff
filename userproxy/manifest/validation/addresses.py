"""Validation of single IP addresses."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from userproxy.manifest.field_errors import FieldErrors
from userproxy.model.addresses import is_unspecified, parse_ip

__all__ = ["check_ip"]

_LINK_LOCAL = tuple(map(ip_network, ("169.254.0.0/16", "fe80::/10", "224.0.0.0/24", "ff02::/16")))


def check_ip(
    path: str, address: object, errors: FieldErrors, *, family: str = "", loopback: bool = False
) -> None:
    """``address`` is one that traffic can be sent to, of ``family`` unless that is "".

    ``loopback`` allows 127.0.0.0/8 and ::1, which a real API server refuses everywhere.
    """
    try:
        found, canonical = parse_ip(address if isinstance(address, str) else "")
    except ValueError:
        errors.add(path, address, f"must be an {family or 'IP'} address")
        return
    parsed = ip_address(canonical)
    if family and found != family:
        errors.add(path, address, f"must be an {family} address")
    elif is_unspecified(canonical):
        errors.add(path, address, "may not be unspecified (0.0.0.0 or ::)")
    elif parsed.is_loopback and not loopback:
        errors.add(path, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    elif any(parsed in network for network in _LINK_LOCAL if network.version == parsed.version):
        errors.add(path, address, "may not be a link-local address")
