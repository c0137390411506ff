"""A cluster in small, and what is asked of it, as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dns.message import Message, QueryMessage, from_wire, make_query
from dns.rcode import Rcode
from dns.rcode import to_text as rcode_text
from dns.rdatatype import to_text as kind_text
from dns.rrset import RRset

from tests.discovery.objects import snapshot
from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.discovery.dns.directory import Directory
from userproxy.discovery.dns.responder import Responder
from userproxy.discovery.dns.zones import Zones
from userproxy.model.names import NamespacedName, Protocol
from userproxy.model.routes import RouteKey

SERIAL = 7
EXTERNAL = {
    NamespacedName("shop", "mail"): "mail.example.com",
    NamespacedName("shop", "old"): "web.shop.svc.cluster.local",
    NamespacedName("shop", "round"): "round.shop.svc.cluster.local",
    NamespacedName("shop", "lost"): "none.shop.svc.cluster.local",
    NamespacedName("away", "number"): "192.0.2.1",
}
PORTS = [
    snapshot("shop/web", port_name="http", address="127.1.0.1", at=8080),
    snapshot("shop/web", port_name="http", address="fd00::1"),
    snapshot("shop/web", 53, port_name="dns", protocol=Protocol.UDP, address="127.1.0.1"),
    snapshot("shop/bare", 90, address="127.1.0.2"),
    snapshot("shop/db-0.db", 5432, port_name="pg", address="127.2.0.1"),
    snapshot("shop/db-1.db", 5432, port_name="pg", address="127.2.0.2", at=15432),
    snapshot("shop/db-2.db", 5432, port_name="pg", address="127.2.0.3", state=ListenerState.REFUSING),
    snapshot("shop/idle-0.idle", 1, port_name="x", address="127.2.0.4", state=ListenerState.REFUSING),
]


def by_key(ports: Iterable[PortSnapshot]) -> dict[RouteKey, tuple[PortSnapshot, ...]]:
    found: dict[RouteKey, tuple[PortSnapshot, ...]] = {}
    for port in ports:
        found[port.key] = (*found.get(port.key, ()), port)
    return found


def directory(
    ports: Iterable[PortSnapshot] = PORTS, external: Mapping[NamespacedName, str] = EXTERNAL
) -> Directory:
    filled = Directory(SERIAL - 1)
    filled.update(by_key(ports), {}, external)
    return filled


def zones(served: Directory | None = None, search: Sequence[str] = ()) -> Zones:
    return Zones(
        served if served is not None else directory(),
        domain="cluster.local",
        server="127.0.0.1",
        search=search,
    )


def responder(
    served: Directory | None = None, *, search: Sequence[str] = (), forwards: bool = False
) -> Responder:
    made = Responder(zones(served, search), forwards=forwards)
    made.synced = True
    return made


def query(name: str, kind: str = "A", *, edns: int | bool = False, payload: int = 1232) -> QueryMessage:
    return make_query(name, kind, use_edns=edns, payload=payload)


def ask(
    name: str, kind: str = "A", *, of: Responder | None = None, udp: bool = True, edns: int | bool = False
) -> Message:
    """The answer to one question."""
    response = (of or responder()).respond(query(name, kind, edns=edns).to_wire(), udp=udp)
    assert isinstance(response, bytes)
    return from_wire(response)


def lines(rrsets: Iterable[RRset]) -> list[str]:
    """Name, type and data of each record, sorted."""
    return sorted(f"{rrset.name} {kind_text(rrset.rdtype)} {rdata}" for rrset in rrsets for rdata in rrset)


def status(message: Message) -> str:
    return rcode_text(Rcode(message.rcode()))
