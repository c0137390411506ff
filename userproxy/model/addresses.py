"""IP addresses and CIDRs as text: read as Go's sloppy parser reads them, written canonically (rule D8).

In: text from an object. Out: its family and the one canonical spelling, so that equal addresses are equal
strings everywhere else. An address of plain form ("10.0.0.1") costs a split and one set test, because a
large cluster has a hundred thousand of them.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import AddressValueError, IPv4Network, IPv6Address, IPv6Network

from userproxy.model.names import Family

__all__ = ["is_multicast", "is_unspecified", "parse_cidr", "parse_ip"]

_OCTETS = frozenset(map(str, range(256)))
_LONGEST_CACHED = 64
"""Characters; the longest plain IPv6 text has 45."""
_MAPPED_BITS = 96
"""Bits before the IPv4 part of an IPv4-mapped address (RFC 4291, section 2.5.5.2)."""


def parse_ip(text: str) -> tuple[Family, str]:
    """The family and the canonical form of an IP address (rule D8).

    Leading zeros of an IPv4 octet are decimal, and an IPv4-mapped IPv6 address is an IPv4 one.
    Raises ValueError for anything else: names, zones, blanks, ports.
    """
    octets = text.split(".", 4)
    if len(octets) == 4 and _OCTETS.issuperset(octets):
        return Family.IPV4, text
    # What somebody wrote into an object must not fill the cache with megabytes.
    return _parse_unusual(text) if len(text) <= _LONGEST_CACHED else _parse_unusual.__wrapped__(text)


def parse_cidr(text: str) -> tuple[Family, str]:
    """The family and the canonical form of a CIDR, host bits cleared (rule D8).

    A CIDR of IPv4-mapped addresses with a prefix of 96 or more is an IPv4 one. Raises ValueError for
    anything else, a bare address included.
    """
    address, slash, prefix_text = text.partition("/")
    prefix = _decimal(prefix_text, 128) if slash else None
    if prefix is None:
        raise ValueError("not a CIDR")
    family, canonical = parse_ip(address)
    if family is Family.IPV6:
        return family, str(IPv6Network((canonical, prefix), strict=False))
    if ":" in address:
        if prefix < _MAPPED_BITS:
            return Family.IPV6, str(IPv6Network((f"::ffff:{canonical}", prefix), strict=False))
        prefix -= _MAPPED_BITS
    if prefix > 32:
        raise ValueError("not a CIDR")
    return family, str(IPv4Network((canonical, prefix), strict=False))


def is_unspecified(canonical: str) -> bool:
    """Whether a canonical address is 0.0.0.0 or ``::``, which nothing can be sent to."""
    return canonical in ("0.0.0.0", "::")


def is_multicast(canonical: str) -> bool:
    """Whether a canonical address is in 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291, section 2.7)."""
    if "." in canonical:
        return 224 <= int(canonical.partition(".")[0]) <= 239
    # Canonical groups have no leading zeros, so only a group of four digits can reach 0xff00.
    return canonical[:2] == "ff" and canonical[4:5] == ":"


@lru_cache(maxsize=4096)
def _parse_unusual(text: str) -> tuple[Family, str]:
    if ":" in text:
        return _parse_ipv6(text)
    return Family.IPV4, _parse_ipv4(text)


def _parse_ipv4(text: str) -> str:
    octets = [_decimal(octet, 255) for octet in text.split(".", 4)]
    if len(octets) != 4 or None in octets:
        raise ValueError("not an IP address")
    return ".".join(map(str, octets))


def _parse_ipv6(text: str) -> tuple[Family, str]:
    groups = text.split(":", 9)
    if "." in groups[-1]:
        high, low, *rest = (int(octet) for octet in _parse_ipv4(groups[-1]).split("."))
        groups[-1:] = [f"{high << 8 | low:x}", f"{rest[0] << 8 | rest[1]:x}"]
    # Go reads any number of leading zeros; `ipaddress` takes four digits. A zone would pass `ipaddress`.
    plain = ":".join((group.lstrip("0") or "0") if len(group) > 4 else group for group in groups)
    try:
        address = IPv6Address(plain)
    except AddressValueError:
        raise ValueError("not an IP address") from None
    if address.scope_id is not None:
        raise ValueError("not an IP address")
    if address.ipv4_mapped is not None:
        return Family.IPV4, str(address.ipv4_mapped)
    return Family.IPV6, str(address)


def _decimal(text: str, largest: int) -> int | None:
    """The number that ASCII digits spell, None when it is none or more than ``largest``."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    # Three digits are enough here, and Python refuses to read thousands of them.
    if len(digits) > 3:
        return None
    number = int(digits or "0")
    return number if number <= largest else None
