"""Addresses that Services have while events come and go: rule L1."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

from tests.routing.objects import (
    BAD,
    DNS,
    HTTP,
    IPV4,
    IPV6,
    KEY,
    SCTP,
    WEB,
    WEB_1,
    fold,
    served,
    service,
    state,
)
from userproxy.model.events import Delete, Rejected
from userproxy.model.service import ServicePortSpec
from userproxy.routing import EphemeralAddresses, LoopbackAddresses


def test_L1_first_sync_gives_addresses_in_order_of_names() -> None:
    services = [service(f"svc-{number}") for number in range(260)]
    plan = IPv4Network("127.5.0.0/24")
    forth = served(state(*services, addresses=LoopbackAddresses(plan)))
    back = served(state(*reversed(services), addresses=LoopbackAddresses(plan)))
    assert forth == back
    assert len(forth) == 254
    last = sorted(str(one.key) for one in services)[254:]
    assert not [key for key in forth if key.split(":")[0] in last], "those whose names sort last have none"


def test_L1_service_without_an_address_gets_the_first_that_is_free() -> None:
    services = [service(f"svc-{number:03}") for number in range(255)]
    one = state(*services, addresses=LoopbackAddresses(IPv4Network("127.5.0.0/24")))
    table = served(one)
    assert [problem.object.name for problem in one.problems] == ["svc-254"]
    fold(one, Delete(services[7].ref))
    after = served(one)
    assert (
        after["default/svc-254:http/TCP/IPv4"].listen_host
        == table["default/svc-007:http/TCP/IPv4"].listen_host
    )
    assert one.problems == ()


def test_L1_holder_keeps_its_address_while_its_service_is_wanted() -> None:
    one = state(WEB, WEB_1)
    (host,) = {route.listen_host for route in served(one).values()}
    for event in (
        Delete(WEB_1.ref),
        service("web", replace(HTTP, port=81)),
        service("web", DNS),
        Rejected(WEB.ref, (BAD,)),
    ):
        fold(one, event)
        assert {route.listen_host for route in served(one).values()} == {host}


def test_L1_all_ports_of_a_service_share_its_address() -> None:
    table = served(state(service("web", HTTP, DNS), service("api", HTTP)))
    assert len(table) == 3
    assert len({route.listen_host for route in table.values()}) == 2
    assert table[KEY].listen_port == 80
    assert table["default/web:dns/UDP/IPv4"].listen_port == 53


def test_L1_ephemeral_ports() -> None:
    plan = EphemeralAddresses()
    table = served(state(replace(WEB, families=(IPV4, IPV6)), service("api"), addresses=plan))
    assert {(route.listen_host, route.listen_port) for route in table.values()} == {
        ("127.0.0.1", 0),
        ("::1", 0),
    }
    assert {route.service_port for route in table.values()} == {80}


def test_L1_service_without_a_served_port_holds_no_address() -> None:
    plan = LoopbackAddresses()
    served(state(service("web", ServicePortSpec("sig", SCTP, 9)), WEB_1, addresses=plan))
    assert not plan.release(WEB.key, IPV4)
