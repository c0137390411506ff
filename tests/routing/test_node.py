"""What is known of this node: rules N3, T7."""

from __future__ import annotations

import pytest

from tests.routing.objects import IPV4, IPV6
from userproxy.model.names import Family
from userproxy.model.node import Node
from userproxy.routing.node import NodeFacts, family_of

DUAL = NodeFacts.seen(
    Node("here", "eu-a", ("10.1.0.5", "fd01::5"), ("203.0.113.5",), ("10.244.1.0/24", "fd44:1::/64"))
)


@pytest.mark.parametrize(
    ("internal", "external", "bind", "primary", "ipv4", "ipv6"),
    [
        pytest.param((), (), "", IPV4, "127.0.0.1", "::1", id="N3 no Node: loopback stands in"),
        pytest.param(("10.1.0.5",), (), "", IPV4, "10.1.0.5", "::1", id="N3 internal, one family"),
        pytest.param(("fd01::5", "10.1.0.5"), (), "", IPV6, "10.1.0.5", "fd01::5", id="N3 first is primary"),
        pytest.param(
            ("10.1.0.5",), ("203.0.113.5", "2001:db8::5"), "", IPV4, "10.1.0.5", "2001:db8::5",
            id="N3 external after internal",
        ),
        pytest.param((), ("203.0.113.5",), "", IPV4, "203.0.113.5", "::1", id="N3 external only"),
        pytest.param(("10.1.0.5",), (), "10.9.9.9", IPV4, "10.9.9.9", "::1", id="N3 bind address first"),
        pytest.param(("10.1.0.5",), (), "fd09::9", IPV6, "10.1.0.5", "fd09::9", id="N3 bind address IPv6"),
        pytest.param(("10.1.0.5",), (), "0.0.0.0", IPV4, "10.1.0.5", "::1", id="N3 unspecified IPv4"),
        pytest.param(("fd01::5",), (), "::", IPV6, "127.0.0.1", "fd01::5", id="N3 unspecified IPv6"),
    ],
)  # fmt: skip
def test_N3_node_ips(
    internal: tuple[str, ...],
    external: tuple[str, ...],
    bind: str,
    primary: Family,
    ipv4: str,
    ipv6: str,
) -> None:
    ips = NodeFacts.seen(Node("here", internal_ips=internal, external_ips=external)).ips(bind)
    assert (ips.primary_family, ips.of(IPV4), ips.of(IPV6)) == (primary, ipv4, ipv6)


@pytest.mark.parametrize(
    ("client", "here"),
    [
        pytest.param("10.1.0.5", True, id="T7 internal address"),
        pytest.param("203.0.113.5", True, id="T7 external address"),
        pytest.param("fd01::5", True, id="T7 IPv6 address"),
        pytest.param("127.0.0.1", True, id="T7 loopback"),
        pytest.param("127.9.9.9", True, id="T7 another loopback address"),
        pytest.param("::1", True, id="T7 IPv6 loopback"),
        pytest.param("10.244.1.17", True, id="T7 pod of this node"),
        pytest.param("fd44:1::17", True, id="T7 IPv6 pod of this node"),
        pytest.param("10.244.2.17", False, id="T7 pod of another node"),
        pytest.param("10.1.0.6", False, id="T7 another node"),
    ],
)
def test_T7_who_is_on_this_node(client: str, here: bool) -> None:
    assert DUAL.holds(client, DUAL.pod_cidrs) is here


def test_N4_nothing_configured_no_source_counts_as_a_pod() -> None:
    assert not DUAL.holds("10.244.1.17")


def test_family_of_canonical_text() -> None:
    assert family_of("10.0.0.0/8") is IPV4
    assert family_of("fd00::/8") is IPV6
