"""Addresses of Services: rule L1's choice."""

from __future__ import annotations

from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest

from tests.routing.objects import IPV4, IPV6, name
from userproxy.model.names import NamespacedName
from userproxy.routing import EphemeralAddresses, LoopbackAddresses


def spec_hash(text: str) -> int:
    return int(sha256(text.encode()).hexdigest()[:16], 16) % (254 * 65536)


def names_that_share_an_address(addresses: int) -> tuple[NamespacedName, NamespacedName]:
    """Two names in default whose hash is equal in a range of so many addresses."""
    seen: dict[int, NamespacedName] = {}
    for number in range(10_000):
        key = name(f"svc-{number}")
        twin = seen.setdefault(spec_hash(str(key)) % addresses, key)
        if twin != key:
            return twin, key
    raise AssertionError("no two names share an address")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("default/web", "127.117.209.100", id="L1 worked out with sha256sum"),
        pytest.param("kube-system/kube-dns", "127.126.6.181", id="L1 another namespace"),
    ],
)
def test_L1_address_follows_from_the_name_alone(text: str, address: str) -> None:
    assert LoopbackAddresses().hold(name(text), IPV4) == address


def test_L1_default_range_is_the_hash_over_three_octets() -> None:
    plan = LoopbackAddresses()
    for number in range(200):
        key = name(f"other/svc-{number}")
        h = spec_hash(str(key))
        assert plan.hold(key, IPV4) == f"127.{1 + h // 65536}.{h // 256 % 256}.{h % 256}"


@pytest.mark.parametrize("cidr", ["127.9.8.0/24", "127.128.0.0/16", "10.64.0.0/12"])
def test_L1_own_range_starts_behind_its_first_address(cidr: str) -> None:
    network = IPv4Network(cidr)
    key = name("web")
    expected = int(network[0]) + 1 + spec_hash("default/web") % (network.num_addresses - 2)
    assert LoopbackAddresses(network).hold(key, IPV4) == str(IPv4Address(expected))


def test_L1_ipv6_range() -> None:
    plan = LoopbackAddresses(ipv6=IPv6Network("fd00:1::/64"))
    expected = int(IPv6Address("fd00:1::")) + 1 + spec_hash("default/web")
    assert plan.hold(name("web"), IPV6) == str(IPv6Address(expected))
    assert plan.unserved(IPV6) is None


def test_L1_collision_steps_on_and_the_holder_keeps() -> None:
    first, second = names_that_share_an_address(65_534)
    plan = LoopbackAddresses(IPv4Network("127.5.0.0/16"))
    one, two = plan.hold(first, IPV4), plan.hold(second, IPV4)
    assert one is not None
    assert two == str(IPv4Address(one) + 1)
    assert plan.hold(first, IPV4) == one, "the holder keeps it"
    assert plan.release(first, IPV4)
    assert plan.hold(second, IPV4) == two, "who stepped on stays there"
    assert plan.hold(first, IPV4) == one, "a free address is taken again"


def test_L1_collision_step_wraps_and_a_full_range_has_no_address() -> None:
    plan = LoopbackAddresses(IPv4Network("127.5.0.0/24"))
    held = {plan.hold(name(f"svc-{number}"), IPV4) for number in range(254)}
    assert held == {f"127.5.0.{last}" for last in range(1, 255)}, "all but the first and the last"
    assert plan.hold(name("late"), IPV4) is None
    assert plan.release(name("svc-7"), IPV4)
    assert plan.hold(name("late"), IPV4) in held


@pytest.mark.parametrize("cidr", ["127.5.0.0/25", "127.5.0.1/32"])
def test_L1_range_smaller_than_24_is_refused(cidr: str) -> None:
    with pytest.raises(ValueError, match="too small"):
        LoopbackAddresses(IPv4Network(cidr))


def test_L1_small_ipv6_range_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 256"):
        LoopbackAddresses(ipv6=IPv6Network("fd00::/121"))


def test_L1_without_an_ipv6_range_there_is_no_ipv6() -> None:
    plan = LoopbackAddresses()
    assert plan.unserved(IPV6) == "IPv6: no IPv6 loopback range is configured (--loopback-range)"
    assert plan.hold(name("web"), IPV6) is None
    assert not plan.release(name("web"), IPV6)
    assert plan.unserved(IPV4) is None


def test_L1_loopback_keeps_real_ports() -> None:
    assert LoopbackAddresses().listen_port(80) == 80


def test_L1_ephemeral_puts_every_port_on_one_host_and_lets_the_kernel_choose() -> None:
    plan = EphemeralAddresses()
    assert plan.hold(name("web"), IPV4) == plan.hold(name("api"), IPV4) == "127.0.0.1"
    assert plan.hold(name("web"), IPV6) == "::1"
    assert plan.listen_port(80) == 0
    assert plan.unserved(IPV4) is plan.unserved(IPV6) is None
    assert not plan.release(name("web"), IPV4)
