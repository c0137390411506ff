"""How endpoints are reached, and what of that a route and a reason say (rules T5, T8)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from ipaddress import IPv6Network, ip_network

import pytest

from tests.routing.objects import (
    DNS,
    HTTP,
    IPV4,
    IPV6,
    KEY,
    NODE,
    TCP,
    UDP,
    WEB,
    cluster,
    draining,
    endpoint_slice,
    fold,
    names,
    ready,
    served,
    service,
    state,
    unready,
)
from userproxy.model.endpoints import SliceEndpoint, SlicePort
from userproxy.model.events import Delete
from userproxy.model.node import Node
from userproxy.model.routes import Endpoint
from userproxy.model.service import TrafficPolicy
from userproxy.routing import LoopbackAddresses, ReachPolicy
from userproxy.routing.candidates import Candidate, candidates
from userproxy.routing.derivation import port_selection
from userproxy.routing.node import NodeFacts
from userproxy.routing.reach import NO_POD, UDP_UNREACHABLE, Reach, Way
from userproxy.routing.selection import reasons
from userproxy.settings import DialMode

HERE = "192.0.2.7"
LAPTOP = ReachPolicy(remote=True, is_own_address=HERE.__eq__)
DIRECT = Way()
from_outside = partial(state, reach=LAPTOP)


def pod(address: str, name: str = "web-0", node: str = "") -> SliceEndpoint:
    return ready(address, node)._replace(pod=name)


@pytest.mark.parametrize(
    ("entry", "protocol", "reach", "way"),
    [
        pytest.param(pod("10.0.0.1"), TCP, Reach(), Way("web-0"), id="a Pod"),
        pytest.param(pod("fd00::1"), TCP, Reach(), Way("web-0"), id="a Pod with an IPv6 address"),
        pytest.param(pod("10.0.0.1"), UDP, Reach(), Way(unreachable=UDP_UNREACHABLE), id="UDP"),
        pytest.param(ready("10.0.0.1"), TCP, Reach(), Way(unreachable=NO_POD), id="no Pod"),
        pytest.param(ready("10.0.0.1"), UDP, Reach(), Way(unreachable=NO_POD), id="UDP and no Pod"),
        pytest.param(ready("127.0.0.1"), TCP, Reach(), DIRECT, id="this host's own"),
        pytest.param(ready("::1"), UDP, Reach(), DIRECT, id="this host's own, UDP and IPv6"),
        pytest.param(pod("127.0.0.1"), TCP, Reach(), Way("web-0"), id="a Pod at a loopback address"),
        pytest.param(
            ready("127.0.0.1"), TCP, Reach(own_loopback=False), Way(unreachable=NO_POD), id="not even those"
        ),
        pytest.param(pod("10.0.0.1"), TCP, Reach((ip_network("10.0.0.0/8"),)), DIRECT, id="direct CIDR"),
        pytest.param(pod("10.0.0.1"), UDP, Reach((ip_network("10.0.0.0/8"),)), DIRECT, id="and UDP"),
        pytest.param(ready("10.0.0.1"), TCP, Reach((ip_network("10.0.0.0/8"),)), DIRECT, id="and no Pod"),
        pytest.param(
            pod("11.0.0.1"), TCP, Reach((ip_network("10.0.0.0/8"),)), Way("web-0"), id="outside the CIDR"
        ),
        pytest.param(
            pod("fd00::1"), TCP, Reach((ip_network("0.0.0.0/0"),)), Way("web-0"), id="CIDR of another family"
        ),
    ],
)  # fmt: skip
def test_the_way_to_an_endpoint(entry: SliceEndpoint, protocol: str, reach: Reach, way: Way) -> None:
    candidate = Candidate(Endpoint.of(entry.address, 80), entry, "web-1", False)
    assert reach.way(candidate, TCP if protocol == "TCP" else UDP) == way


@pytest.mark.parametrize(
    ("mode", "remote", "node", "reach"),
    [
        pytest.param(DialMode.AUTO, False, (), None, id="auto, files or a pod's credentials"),
        pytest.param(DialMode.AUTO, True, (), Reach(), id="auto, a kubeconfig"),
        pytest.param(DialMode.AUTO, True, ("10.9.9.9",), Reach(), id="auto, a Node elsewhere"),
        pytest.param(DialMode.AUTO, True, ("10.9.9.9", HERE), None, id="auto, the Node is this host"),
        pytest.param(DialMode.DIRECT, True, (), None, id="direct"),
        pytest.param(DialMode.PORT_FORWARD, True, (HERE,), Reach(own_loopback=False), id="port-forward"),
        pytest.param(DialMode.PORT_FORWARD, False, (), Reach(own_loopback=False), id="port-forward in a pod"),
    ],
)
def test_what_the_mode_means(
    mode: DialMode, remote: bool, node: tuple[str, ...], reach: Reach | None
) -> None:
    policy = ReachPolicy(mode, remote=remote, is_own_address=HERE.__eq__)
    assert policy.reach(NodeFacts.seen(Node(NODE, internal_ips=node))) == reach


def test_an_external_ip_of_the_node_does_not_count() -> None:
    """It may be that of a router that this host is behind too."""
    assert LAPTOP.reach(NodeFacts.seen(Node(NODE, external_ips=(HERE,)))) == Reach()


def test_the_cidrs_are_told() -> None:
    cidrs = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert replace(LAPTOP, direct_cidrs=cidrs).reach(NodeFacts(NODE)) == Reach(cidrs)


def test_a_route_names_the_pods_of_its_endpoints() -> None:
    slices = endpoint_slice("web-1", [pod("10.0.0.2", "b"), pod("10.0.0.1", "a"), ready("127.0.0.1")])
    route = served(from_outside(WEB, slices))[KEY]
    assert names(route.cluster) == ["10.0.0.1:8080", "10.0.0.2:8080", "127.0.0.1:8080"]
    assert route.pods == (("10.0.0.1:8080", "a"), ("10.0.0.2:8080", "b"))
    assert route.unreachable == ""


def test_direct_dialling_has_no_pods() -> None:
    slices = endpoint_slice("web-1", [pod("10.0.0.1")])
    direct = served(state(WEB, slices))[KEY]
    assert (names(direct.cluster), direct.pods) == (["10.0.0.1:8080"], ())
    other_pod = endpoint_slice("web-1", [pod("10.0.0.1", "web-1")])
    assert served(state(WEB, other_pod))[KEY] == direct


@pytest.mark.spec("T8")
def test_T8_a_port_whose_endpoints_cannot_be_reached_has_none_and_says_why() -> None:
    both = service("web", HTTP, DNS)
    slices = endpoint_slice(
        "web-1",
        [pod("10.0.0.1"), ready("10.0.0.2")],
        ports=(SlicePort("http", TCP, 8080), SlicePort("dns", UDP, 53)),
    )
    routes = served(from_outside(both, slices))
    tcp, udp = routes[KEY], routes["default/web:dns/UDP/IPv4"]
    assert (names(tcp.cluster), tcp.unreachable) == (["10.0.0.1:8080"], "")
    assert (udp.cluster, udp.serving, udp.pods) == ((), (), ())
    assert udp.unreachable == f"{UDP_UNREACHABLE}; {NO_POD}"
    assert udp.usable_anywhere  # it is not for want of endpoints


@pytest.mark.spec("T8")
def test_T8_without_a_usable_endpoint_there_is_nothing_to_reach() -> None:
    route = served(from_outside(WEB, endpoint_slice("web-1", [unready("10.0.0.1")])))[KEY]
    assert (route.cluster, route.unreachable, route.usable_anywhere) == ((), "", False)


@pytest.mark.spec("T6", "T8")
def test_T8_the_set_that_the_cluster_address_uses_is_what_counts() -> None:
    local = replace(WEB, internal_traffic_policy=TrafficPolicy.LOCAL)
    slices = endpoint_slice("web-1", [ready("10.0.0.1", NODE), pod("10.0.0.2", node="there")])
    route = served(from_outside(local, slices))[KEY]
    assert (route.internal, route.unreachable) == ((), NO_POD)


@pytest.mark.spec("T1")
def test_T1_what_cannot_be_reached_makes_no_way_for_what_would_not_be_used() -> None:
    terminating = draining("10.0.0.2")._replace(pod="web-1")
    route = served(from_outside(WEB, endpoint_slice("web-1", [ready("10.0.0.1"), terminating])))[KEY]
    assert (route.cluster, route.unreachable) == ((), NO_POD)
    assert names(route.serving) == ["10.0.0.2:8080"]
    assert route.pods == ()


@pytest.mark.spec("T5")
def test_T5_reasons() -> None:
    slices = [
        endpoint_slice("web-1", [pod("10.0.0.1"), ready("10.0.0.2"), unready("10.0.0.3")]),
        endpoint_slice("web-2", [pod("10.0.0.1", "other")]),
    ]
    found, selection = port_selection(WEB, HTTP, IPV4, slices, NodeFacts(NODE), Reach())
    assert [(one.endpoint.name, why) for one, why in reasons(found, selection, zone="")] == [
        ("10.0.0.1:8080", None),
        ("10.0.0.2:8080", NO_POD),
        ("10.0.0.3:8080", "not ready"),
        ("10.0.0.1:8080", "duplicate of web-1"),
    ]
    assert selection.pods == (("10.0.0.1:8080", "web-0"),)


@pytest.mark.spec("E7")
def test_E7_the_pod_is_that_of_the_entry_that_counts() -> None:
    slices = [
        endpoint_slice("web-1", [draining("10.0.0.1")._replace(pod="old")]),
        endpoint_slice("web-2", [pod("10.0.0.1", "new")]),
    ]
    (one,) = candidates(slices, HTTP, IPV4, NODE).unique
    assert Reach().way(one, TCP) == Way("new")
    assert served(from_outside(WEB, *slices))[KEY].pods == (("10.0.0.1:8080", "new"),)


def test_a_pod_that_is_replaced_at_its_address_is_a_change() -> None:
    changing = from_outside(WEB, endpoint_slice("web-1", [pod("10.0.0.1", "old")]))
    before = served(changing)[KEY]
    fold(changing, endpoint_slice("web-1", [pod("10.0.0.1", "new")]))
    (route,) = changing.take().changed
    assert (route.cluster, route.pods) == (before.cluster, (("10.0.0.1:8080", "new"),))


def test_everything_is_derived_again_once_this_host_is_the_node() -> None:
    shop = service("shop")
    slices = endpoint_slice("web-1", [pod("10.0.0.1")]), endpoint_slice("shop-1", ["10.0.0.9"], of="shop")
    joining = from_outside(WEB, shop, *slices)
    assert joining.take().problems == ()
    assert cluster(joining, "default/shop:http/TCP/IPv4") == []
    node = Node(NODE, internal_ips=(HERE,))
    fold(joining, node)
    assert joining.reach is None
    changed = joining.take().changed
    assert sorted(route.name.name for route in changed) == ["shop", "web"]
    assert (cluster(joining), served(joining)[KEY].pods) == (["10.0.0.1:8080"], ())
    assert cluster(joining, "default/shop:http/TCP/IPv4") == ["10.0.0.9:8080"]
    fold(joining, node)
    assert joining.take().changed == ()
    fold(joining, Delete(node.ref))  # what was seen last goes on (rule T4)
    assert joining.take().changed == ()
    fold(joining, Node(NODE, internal_ips=("10.9.9.9",)))
    assert served(joining)[KEY].pods == (("10.0.0.1:8080", "web-0"),)


def test_another_node_says_nothing_of_this_host() -> None:
    staying = from_outside(WEB, endpoint_slice("web-1", [pod("10.0.0.1")]))
    fold(staying, Node("there", internal_ips=(HERE,)))
    assert staying.reach == Reach()


def test_each_family_has_its_pods() -> None:
    dual = replace(WEB, families=(IPV4, IPV6))
    addresses = LoopbackAddresses(ipv6=IPv6Network("fd77::/64"))
    four = endpoint_slice("web-4", [pod("10.0.0.1", "four")])
    six = endpoint_slice("web-6", [pod("fd00::1", "six")], family=IPV6)
    routes = served(from_outside(dual, four, six, addresses=addresses))
    assert routes[KEY].pods == (("10.0.0.1:8080", "four"),)
    assert routes["default/web:http/TCP/IPv6"].pods == (("[fd00::1]:8080", "six"),)
