"""IP and CIDR text as Go's sloppy parser reads it (rule D8)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.model.addresses import is_multicast, is_unspecified, parse_cidr, parse_ip
from userproxy.model.names import Family

V4, V6 = Family.IPV4, Family.IPV6

ADDRESSES = [
    pytest.param("10.0.1.1", V4, "10.0.1.1", id="plain IPv4"),
    pytest.param("0.0.0.0", V4, "0.0.0.0", id="smallest IPv4"),
    pytest.param("255.255.255.255", V4, "255.255.255.255", id="largest IPv4"),
    pytest.param("010.000.001.001", V4, "10.0.1.1", id="D8 leading zeros are decimal"),
    pytest.param("0000000010.0.1.1", V4, "10.0.1.1", id="D8 any number of leading zeros"),
    pytest.param("08.09.0.1", V4, "8.9.0.1", id="D8 zeros before what is no octal digit"),
    pytest.param("::ffff:1.2.3.4", V4, "1.2.3.4", id="D8 mapped counts as IPv4"),
    pytest.param("::ffff:0102:0304", V4, "1.2.3.4", id="D8 mapped, written in hexadecimal"),
    pytest.param("::FFFF:001.2.3.4", V4, "1.2.3.4", id="D8 mapped, upper case and leading zeros"),
    pytest.param("0:0:0:0:0:ffff:1.2.3.4", V4, "1.2.3.4", id="D8 mapped, written out"),
    pytest.param("::1.2.3.4", V6, "::102:304", id="IPv4-compatible is no mapped one"),
    pytest.param("64:ff9b::192.0.2.33", V6, "64:ff9b::c000:221", id="IPv4 tail of an IPv6 address"),
    pytest.param("::", V6, "::", id="unspecified IPv6"),
    pytest.param("FD00::00AB:1", V6, "fd00::ab:1", id="IPv6 lower case, without zeros"),
    pytest.param("fd00:0:0:1:0:0:0:1", V6, "fd00:0:0:1::1", id="longest run of zeros is shortened"),
    pytest.param("fd00:0:1:0:1:0:1:1", V6, "fd00:0:1:0:1:0:1:1", id="one group of zeros is not"),
    pytest.param("0001:2:3:4:5:6:7::", V6, "1:2:3:4:5:6:7:0", id="an ellipsis for one group"),
    pytest.param("fd00::000001", V6, "fd00::1", id="D8 any number of leading zeros in a group"),
]

NO_ADDRESSES = [
    "", " ", "web", "localhost", "10.0.0", "10.0.0.", ".10.0.0.1", "10.0.0.1.", "10.0.0.0.1",
    "10..0.1", "256.0.0.1", "0256.0.0.1", "1000.0.0.1", "-1.0.0.1", "+1.0.0.1", "1_0.0.0.1",
    "0x10.0.0.1", "a.b.c.d", " 10.0.0.1", "10.0.0.1 ", "10.0.0.1\n", "10.0.0.1:80", "10.0.0.0/8",
    "1٠.0.0.1", "²5.0.0.1",
    ":", ":::", "::1::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
    "12345::", "fd00::g", "fd00::1%eth0", "::1%", "::1%1.2.3.4", "[::1]", "[::1]:80", "fd00::/8", " ::1",
    "::1\n", "::1.2.3", "::1.2.3.256", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::٠",
    "9" * 100_000, "0" * 100_000, "::" + "1" * 100_000, ":" * 100_000, "." * 100_000,
]  # fmt: skip

CIDRS = [
    pytest.param("10.0.0.0/8", V4, "10.0.0.0/8", id="plain"),
    pytest.param("10.1.2.3/8", V4, "10.0.0.0/8", id="host bits cleared"),
    pytest.param("010.1.2.3/08", V4, "10.0.0.0/8", id="D8 leading zeros"),
    pytest.param("0.0.0.0/0", V4, "0.0.0.0/0", id="all of IPv4"),
    pytest.param("10.1.2.3/32", V4, "10.1.2.3/32", id="one address"),
    pytest.param("fd00::1/8", V6, "fd00::/8", id="IPv6"),
    pytest.param("::/0", V6, "::/0", id="all of IPv6"),
    pytest.param("FD00::1/128", V6, "fd00::1/128", id="one IPv6 address"),
    pytest.param("::ffff:10.1.2.3/104", V4, "10.0.0.0/8", id="D8 mapped counts as IPv4"),
    pytest.param("::ffff:0:0/96", V4, "0.0.0.0/0", id="D8 all mapped addresses"),
    pytest.param("::ffff:10.1.2.3/95", V6, "::fffe:0:0/95", id="wider than the mapped addresses"),
]

NO_CIDRS = [
    "", "/", "/8", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/a",
    "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "10.0.0.0 /8", "10.0.0.0/ 8", " 10.0.0.0/8", "10.0/8", "fd00::/129",
    "::ffff:10.0.0.0/129", "web/8", "10.0.0.0/٨", "10.0.0.0/" + "9" * 100_000, "10.0.0.0/1000",
]  # fmt: skip


@pytest.mark.parametrize(("text", "family", "canonical"), ADDRESSES)
def test_D8_address(text: str, family: Family, canonical: str) -> None:
    assert parse_ip(text) == (family, canonical)
    assert parse_ip(canonical) == (family, canonical)


@pytest.mark.parametrize("text", NO_ADDRESSES, ids=lambda text: repr(text[:30]))
def test_D8_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not an IP address$"):
        parse_ip(text)


@pytest.mark.parametrize(("text", "family", "canonical"), CIDRS)
def test_D8_cidr(text: str, family: Family, canonical: str) -> None:
    assert parse_cidr(text) == (family, canonical)
    assert parse_cidr(canonical) == (family, canonical)


@pytest.mark.parametrize("text", NO_CIDRS, ids=lambda text: repr(text[:30]))
def test_D8_no_cidr(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not (a CIDR|an IP address)$"):
        parse_cidr(text)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=300, deadline=None)
def test_D8_every_ipv4_address_is_canonical(number: int) -> None:
    text = str(IPv4Address(number))
    padded = ".".join(octet.zfill(3) for octet in text.split("."))
    assert parse_ip(text) == parse_ip(padded) == parse_ip(f"::ffff:{text}") == (V4, text)


@given(st.integers(0, 2**128 - 1) | st.integers(0, 2**20) | st.just(0xFD << 120))
@settings(max_examples=300, deadline=None)
def test_D8_every_ipv6_address_is_canonical(number: int) -> None:
    address = IPv6Address(number)
    family, canonical = parse_ip(address.exploded.upper())
    if address.ipv4_mapped is None:
        assert (family, canonical) == (V6, address.compressed)
    assert parse_ip(canonical) == (family, canonical)


@given(st.text("0123456789abcdef.:%/", max_size=24) | st.text(max_size=24))
@settings(max_examples=1000, deadline=None)
def test_D8_accepts_what_ipaddress_accepts_save_zones(text: str) -> None:
    try:
        address = ip_address(text)
    except ValueError:
        return
    if "%" in text:
        with pytest.raises(ValueError, match="not an IP address"):
            parse_ip(text)
    else:
        mapped = getattr(address, "ipv4_mapped", None)
        assert parse_ip(text)[1] == str(mapped or address)


@given(st.text("0123456789abcdef.:%/", max_size=24) | st.text(max_size=24))
@settings(max_examples=1000, deadline=None)
def test_D8_whatever_is_accepted_comes_out_as_ipaddress_writes_it(text: str) -> None:
    try:
        family, canonical = parse_ip(text)
    except ValueError:
        return
    address = ip_address(canonical)
    assert (f"IPv{address.version}", address.compressed) == (family, canonical)


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
@settings(max_examples=200, deadline=None)
def test_D8_every_ipv4_cidr(number: int, prefix: int) -> None:
    address = IPv4Address(number)
    expected = str(IPv4Network((number, prefix), strict=False))
    assert parse_cidr(f"{address}/{prefix}") == (V4, expected)
    assert parse_cidr(f"::ffff:{address}/{prefix + 96}") == (V4, expected)


@given(st.integers(2**48, 2**128 - 1), st.integers(0, 128))
@settings(max_examples=200, deadline=None)
def test_D8_every_ipv6_cidr(number: int, prefix: int) -> None:
    expected = str(IPv6Network((number, prefix), strict=False))
    assert parse_cidr(f"{IPv6Address(number)}/{prefix}") == (V6, expected)


@pytest.mark.parametrize(
    ("canonical", "unspecified", "multicast"),
    [
        ("0.0.0.0", True, False),
        ("0.0.0.1", False, False),
        ("127.0.0.1", False, False),
        ("2.2.2.2", False, False),
        ("22.4.0.1", False, False),
        ("23.0.0.1", False, False),
        ("223.255.255.255", False, False),
        ("224.0.0.0", False, True),
        ("239.255.255.255", False, True),
        ("240.0.0.0", False, False),
        ("::", True, False),
        ("::1", False, False),
        ("ff::1", False, False),
        ("fe80::1", False, False),
        ("ff02::1", False, True),
        ("ffff::", False, True),
    ],
)
def test_unspecified_and_multicast(canonical: str, unspecified: bool, multicast: bool) -> None:
    assert is_unspecified(canonical) is unspecified
    assert is_multicast(canonical) is multicast
    assert ip_address(canonical).is_unspecified is unspecified
    assert ip_address(canonical).is_multicast is multicast
