"""Who gets an address, in which families: rules S2, L1."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from tests.routing.objects import IPV4, IPV6, name
from userproxy.routing import EphemeralAddresses, LoopbackAddresses
from userproxy.routing.addressing import Addressing

WEB, API = name("web"), name("api")
NO_IPV6 = "IPv6: no IPv6 loopback range is configured (--loopback-range)"
FULL = "IPv4: every address of the loopback range is taken (--loopback-range)"


def full() -> Addressing:
    addressing = Addressing(LoopbackAddresses(IPv4Network("127.5.0.0/24")))
    for number in range(254):
        addressing.assign(name(f"svc-{number}"), (IPV4,))
    return addressing


def test_S2_each_family_has_its_own_address() -> None:
    addressing = Addressing(LoopbackAddresses(ipv6=IPv6Network("fd00::/112")))
    hosts = addressing.assign(WEB, (IPV6, IPV4))
    assert hosts[IPV4].startswith("127.")
    assert hosts[IPV6].startswith("fd00::")
    assert addressing.assign(WEB, (IPV6,)) == {IPV6: hosts[IPV6]}


def test_S2_family_without_a_range_is_a_problem_only_when_it_is_the_only_one() -> None:
    addressing = Addressing(LoopbackAddresses())
    assert list(addressing.assign(WEB, (IPV4, IPV6))) == [IPV4]
    assert list(addressing.problems(WEB, (IPV4, IPV6))) == []
    assert addressing.assign(API, (IPV6,)) == {}
    (problem,) = addressing.problems(API, (IPV6,))
    assert (problem.field, problem.value, problem.rule) == ("spec.ipFamilies", "IPv6", "S2")
    assert (problem.message, problem.severity) == (NO_IPV6, "warning")
    assert addressing.why_unserved(WEB, IPV6) == NO_IPV6
    assert addressing.why_unserved(WEB, IPV4) is None


def test_L1_full_range_is_a_problem_until_an_address_is_free() -> None:
    addressing = full()
    assert addressing.assign(WEB, (IPV4,)) == {}
    (problem,) = addressing.problems(WEB, (IPV4,))
    assert (problem.message, problem.rule, problem.severity) == (FULL, "L1", "error")
    assert addressing.why_unserved(WEB, IPV4) == FULL
    assert addressing.unblocked() == ()
    addressing.assign(name("svc-9"), ())
    assert addressing.unblocked() == (WEB,)
    assert addressing.unblocked() == (), "said once"
    assert list(addressing.assign(WEB, (IPV4,))) == [IPV4]
    assert list(addressing.problems(WEB, (IPV4,))) == []
    assert addressing.why_unserved(WEB, IPV4) is None


def test_L1_who_waits_no_more_is_forgotten() -> None:
    addressing = full()
    addressing.assign(WEB, (IPV4,))
    addressing.assign(WEB, ())
    addressing.assign(name("svc-9"), ())
    assert addressing.unblocked() == ()
    assert not addressing._waiting


def test_L1_ephemeral_serves_both_families() -> None:
    addressing = Addressing(EphemeralAddresses())
    assert addressing.assign(WEB, (IPV4, IPV6)) == {IPV4: "127.0.0.1", IPV6: "::1"}
    assert addressing.listen_port(80) == 0
