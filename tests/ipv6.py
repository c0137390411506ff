"""Tests on the IPv6 loopback address skip where a host has none, as in many containers."""

from __future__ import annotations

import socket

import pytest

__all__ = ["IPV6_LOOPBACK", "needs_ipv6"]


def _has_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_loopback(), reason="this host has no ::1")
IPV6_LOOPBACK = pytest.param("::1", marks=needs_ipv6)
"""The host ``::1`` among those that a test takes."""
