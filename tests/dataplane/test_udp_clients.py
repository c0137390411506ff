"""Addresses as ``socket`` writes them and as the kernel does."""

from __future__ import annotations

import socket

import pytest

from tests.ipv6 import IPV6_LOOPBACK
from userproxy.dataplane.udp_clients import Address, address_of, sockaddr_of


@pytest.mark.parametrize(
    ("address", "size"),
    [
        (("127.0.0.1", 53), 16),
        (("255.1.2.3", 65535), 16),
        (("::1", 53, 0, 0), 28),
        (("fe80::1", 1, 0x12345, 7), 28),
    ],
)
def test_an_address_survives_the_way_there_and_back(address: Address, size: int) -> None:
    name = sockaddr_of(address)
    assert len(name) == size
    assert address_of(name) == address


def test_an_address_is_its_own() -> None:
    assert address_of(("127.0.0.1", 53)) == ("127.0.0.1", 53)


@pytest.mark.parametrize("host", ["127.0.0.1", IPV6_LOOPBACK])
def test_the_kernel_takes_it(host: str) -> None:
    """``sockaddr`` is what bind(2) would get: here from the address that Python makes of the kernel's own."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        assert address_of(sockaddr_of(sock.getsockname())) == sock.getsockname()
