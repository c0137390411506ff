"""Which addresses are this host's, and what follows from settings for how endpoints are reached."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from tests.ipv6 import needs_ipv6
from userproxy.proxy import reach_policy
from userproxy.proxy.node import is_own_address
from userproxy.routing.node import NodeFacts
from userproxy.routing.reach import Reach
from userproxy.settings import DialMode, Settings


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", pytest.param("::1", marks=needs_ipv6)])
def test_loopback_is_ours(address: str) -> None:
    assert is_own_address(address)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("192.0.2.1", id="documentation, RFC 5737"),
        pytest.param("2001:db8::1", id="documentation, RFC 3849"),
        pytest.param("240.0.0.1", id="reserved"),
        pytest.param("nonsense", id="no address"),
    ],
)
def test_strangers_are_not(address: str) -> None:
    assert not is_own_address(address)


def test_the_settings_count() -> None:
    cidr = ip_network("10.0.0.0/8")
    settings = Settings(direct_cidrs=(cidr,))
    laptop, node = NodeFacts("n"), NodeFacts("n", internal_ips=("127.0.0.1",))
    assert reach_policy(settings, remote=True).reach(laptop) == Reach((cidr,))
    assert reach_policy(settings, remote=True).reach(node) is None
    assert reach_policy(settings, remote=False).reach(laptop) is None
    assert reach_policy(Settings(dial_mode=DialMode.DIRECT), remote=True).reach(laptop) is None
