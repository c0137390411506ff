"""What is served, from what a proxy tells."""

from __future__ import annotations

import asyncio

import pytest

from tests.discovery.objects import served_port, snapshot
from tests.option import with_workers
from userproxy import Addresses, MemorySource, Proxy, Settings
from userproxy.dataplane.intake import ListenerState
from userproxy.discovery import Alias, Served, ServedTable
from userproxy.model.names import Family, Protocol, ServicePortName
from userproxy.model.routes import Endpoint, Route
from userproxy.model.service import Service, ServicePortSpec, ServiceType
from userproxy.testing.objects import service

MAIL = Service("shop", "mail", type=ServiceType.EXTERNAL_NAME, external_name="mail.example.com")


def test_ports_and_aliases_in_order() -> None:
    ports = [
        snapshot("shop/web", 80, address="127.1.0.2", at=8080),
        snapshot("bank/dns", 53, port_name="dns", protocol=Protocol.UDP),
    ]
    served = Served.of(ports, {MAIL.key: MAIL})
    assert served.ports == (
        served_port("bank/dns", 53, port_name="dns", protocol=Protocol.UDP),
        served_port("shop/web", 80, address="127.1.0.2", at=8080),
    )
    assert [port.moved for port in served.ports] == [False, True]
    assert served.aliases == (Alias("shop", "mail", "mail.example.com"),)


def test_an_endpoint_of_a_headless_service_has_its_hostname() -> None:
    [port] = Served.of([snapshot("shop/db-0.db", 5432)], {}).ports
    assert (port.namespace, port.service, port.hostname) == ("shop", "db", "db-0")


@pytest.mark.parametrize(
    ("state", "at", "usable"),
    [
        (ListenerState.LISTENING, 80, True),
        (ListenerState.REFUSING, 80, False),
        (ListenerState.HOLDING, 80, False),
        (ListenerState.TAKEN, None, None),
        (ListenerState.DRAINING, 80, None),
    ],
)
def test_what_is_at_no_address_is_not_served(
    state: ListenerState, at: int | None, usable: bool | None
) -> None:
    ports = Served.of([snapshot("shop/web", 80, at=at, state=state)], {}).ports
    assert [port.usable for port in ports] == ([] if usable is None else [usable])


def test_changes_are_followed_and_those_that_matter_to_nobody_are_told_from_others() -> None:
    table = ServedTable()
    web, db = snapshot("shop/web"), snapshot("shop/db", 5432)
    assert table.update({web.key: (web,), db.key: (db,)}, {})
    assert not table.update({web.key: (web,)}, {})
    refusing = snapshot("shop/web", state=ListenerState.REFUSING)
    assert table.update({web.key: (refusing,)}, {})
    assert not table.update({}, {}), "nothing is in it"
    draining = snapshot("shop/db", 5432, state=ListenerState.DRAINING)
    assert table.update({db.key: (draining,)}, {})
    assert not table.update({db.key: ()}, {}), "it was gone"
    assert table.now({}) == Served((served_port("shop/web", usable=False),))


def test_a_port_knows_where_it_stands_in_its_service() -> None:
    ports = (ServicePortSpec("web", Protocol.TCP, 80), ServicePortSpec("admin", Protocol.TCP, 81))
    shop = Service("shop", "web", ports=ports)
    listened = [snapshot("shop/web", 81, port_name="admin"), snapshot("shop/web", 80, port_name="web")]
    served = Served.of(listened, {shop.key: shop})
    assert [(port.port_name, port.position) for port in served.ports] == [("admin", 1), ("web", 0)]


def planned_route(listen_port: int, *endpoints: Endpoint) -> Route:
    return Route(
        ServicePortName("shop", "web", ""), Family.IPV4, 80, "127.1.0.1", listen_port, (),
        cluster=endpoints, local=None, serving=endpoints, usable_anywhere=bool(endpoints),
    )  # fmt: skip


def test_what_a_proxy_would_serve() -> None:
    route = planned_route(80, Endpoint.of("10.0.0.1", 8080))
    assert Served.planned([route], {MAIL.key: MAIL}) == Served(
        (served_port("shop/web"),), (Alias("shop", "mail", "mail.example.com"),)
    )
    assert Served.planned([planned_route(80)], {}).ports == (served_port("shop/web", usable=False),)


def test_numbers_that_the_kernel_chooses_cannot_be_planned() -> None:
    with pytest.raises(ValueError, match="running proxy"):
        Served.planned([planned_route(0)], {})


@pytest.mark.proxied
async def test_a_proxy_tells_of_aliases_too() -> None:
    source = MemorySource()
    async with Proxy(source, settings=with_workers(Settings(addresses=Addresses.EPHEMERAL))) as proxy:
        await proxy.settled()
        changes = proxy.changes()
        assert await anext(changes) == {}
        waiting = asyncio.ensure_future(anext(changes))
        source.apply(service("mail", namespace="shop", type="ExternalName", externalName="mail.example.com"))
        assert await waiting == {}, "no service port changed"
        served = Served.of(proxy.snapshot().ports, proxy.services)
        assert served == Served(aliases=(Alias("shop", "mail", "mail.example.com"),))
        await changes.aclose()
