"""Records as the Kubernetes DNS specification 1.1 has them, and what is said where there are none."""

from __future__ import annotations

import pytest
from dns.flags import AA

from tests.discovery.dns.served import ask, directory, lines, responder, status
from tests.discovery.objects import snapshot

ZONE = "cluster.local."
SOA = "SOA ns.dns.cluster.local. hostmaster.cluster.local. 7 7200 1800 86400 5"

RECORDS = [
    ("2.2 schema version", "dns-version", "TXT", ["dns-version.{z} TXT \"1.1.0\""]),
    ("2.3.1 A", "web.shop.svc", "A", ["web.shop.svc.{z} A 127.1.0.1"]),
    ("2.3.1 AAAA", "web.shop.svc", "AAAA", ["web.shop.svc.{z} AAAA fd00::1"]),
    (
        "2.3.2 SRV: the number that is listened on",
        "_http._tcp.web.shop.svc", "SRV",
        [
            "_http._tcp.web.shop.svc.{z} SRV 0 100 80 web.shop.svc.{z}",
            "_http._tcp.web.shop.svc.{z} SRV 0 100 8080 web.shop.svc.{z}",
        ],
    ),
    (
        "2.3.2 SRV over UDP", "_dns._udp.web.shop.svc", "SRV",
        ["_dns._udp.web.shop.svc.{z} SRV 0 100 53 web.shop.svc.{z}"],
    ),
    (
        "SRV of a port without a name", "bare.shop.svc", "SRV",
        ["bare.shop.svc.{z} SRV 0 100 90 bare.shop.svc.{z}"],
    ),
    (
        "2.4.1 headless: the endpoints that are ready", "db.shop.svc", "A",
        ["db.shop.svc.{z} A 127.2.0.1", "db.shop.svc.{z} A 127.2.0.2"],
    ),
    ("headless: all when none is ready", "idle.shop.svc", "A", ["idle.shop.svc.{z} A 127.2.0.4"]),
    ("2.4.1 an endpoint's own name", "db-1.db.shop.svc", "A", ["db-1.db.shop.svc.{z} A 127.2.0.2"]),
    ("an endpoint that is not ready", "db-2.db.shop.svc", "A", ["db-2.db.shop.svc.{z} A 127.2.0.3"]),
    (
        "2.4.2 headless SRV", "_pg._tcp.db.shop.svc", "SRV",
        [
            "_pg._tcp.db.shop.svc.{z} SRV 0 100 15432 db-1.db.shop.svc.{z}",
            "_pg._tcp.db.shop.svc.{z} SRV 0 100 5432 db-0.db.shop.svc.{z}",
        ],
    ),
    ("2.5 external name", "mail.shop.svc", "A", ["mail.shop.svc.{z} CNAME mail.example.com."]),
    ("2.5 asked for itself", "old.shop.svc", "CNAME", ["old.shop.svc.{z} CNAME web.shop.svc.{z}"]),
    (
        "external name that is inside", "old.shop.svc", "A",
        ["old.shop.svc.{z} CNAME web.shop.svc.{z}", "web.shop.svc.{z} A 127.1.0.1"],
    ),
    ("the apex", "", "NS", ["{z} NS ns.dns.{z}"]),
    ("the apex", "", "SOA", ["{z} " + SOA]),
    ("the server's own name", "ns.dns", "A", ["ns.dns.{z} A 127.0.0.1"]),
    ("any", "web.shop.svc", "ANY", ['web.shop.svc.{z} HINFO "RFC8482" ""']),
    ("any of an alias", "mail.shop.svc", "ANY", ['mail.shop.svc.{z} HINFO "RFC8482" ""']),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind", "wanted"), [row[1:] for row in RECORDS], ids=[row[0] for row in RECORDS]
)
def test_a_name_has_its_records(name: str, kind: str, wanted: list[str]) -> None:
    found = ask(f"{name}.{ZONE}" if name else ZONE, kind)
    assert status(found) == "NOERROR"
    assert found.flags & AA
    assert lines(found.answer) == [line.format(z=ZONE) for line in wanted]
    assert not found.authority


REVERSE = [
    ("2.3.3 of a Service", "1.0.1.127", ["1.0.1.127.in-addr.arpa. PTR web.shop.svc.cluster.local."]),
    ("2.4.3 of an endpoint", "1.0.2.127", ["1.0.2.127.in-addr.arpa. PTR db-0.db.shop.svc.cluster.local."]),
    ("the apex of a range", "1.127", ["1.127.in-addr.arpa. NS ns.dns.cluster.local."]),
]


@pytest.mark.parametrize(("name", "wanted"), [row[1:] for row in REVERSE], ids=[row[0] for row in REVERSE])
def test_an_address_has_its_name(name: str, wanted: list[str]) -> None:
    kind = "PTR" if name.count(".") == 3 else "NS"
    assert lines(ask(f"{name}.in-addr.arpa.", kind).answer) == wanted


NOTHING = [
    ("no IPv6 address", "bare.shop.svc.cluster.local.", "AAAA", "NOERROR"),
    ("a type that nothing has", "web.shop.svc.cluster.local.", "MX", "NOERROR"),
    ("a namespace", "shop.svc.cluster.local.", "A", "NOERROR"),
    ("a namespace of aliases alone", "away.svc.cluster.local.", "A", "NOERROR"),
    ("an alias of an address", "number.away.svc.cluster.local.", "A", "NOERROR"),
    ("all namespaces", "svc.cluster.local.", "ANY", "NOERROR"),
    ("a protocol", "_tcp.web.shop.svc.cluster.local.", "SRV", "NOERROR"),
    ("above the server", "dns.cluster.local.", "A", "NOERROR"),
    ("the apex", "cluster.local.", "A", "NOERROR"),
    ("part of an address", "1.1.127.in-addr.arpa.", "PTR", "NXDOMAIN"),
    ("part of an address", "0.1.127.in-addr.arpa.", "PTR", "NOERROR"),
    ("no such Service", "none.shop.svc.cluster.local.", "A", "NXDOMAIN"),
    ("no such namespace", "none.svc.cluster.local.", "A", "NXDOMAIN"),
    ("no such endpoint", "db-9.db.shop.svc.cluster.local.", "A", "NXDOMAIN"),
    ("an endpoint of nothing", "db-0.web.shop.svc.cluster.local.", "A", "NXDOMAIN"),
    ("no such port", "_no._tcp.web.shop.svc.cluster.local.", "SRV", "NXDOMAIN"),
    ("a port over another protocol", "_http._udp.web.shop.svc.cluster.local.", "SRV", "NXDOMAIN"),
    ("a protocol without a port", "_tcp.bare.shop.svc.cluster.local.", "SRV", "NXDOMAIN"),
    ("a port without a name", "_._tcp.bare.shop.svc.cluster.local.", "SRV", "NXDOMAIN"),
    ("below a Service", "a.b.web.shop.svc.cluster.local.", "A", "NXDOMAIN"),
    ("pods' names by address", "10-0-0-1.shop.pod.cluster.local.", "A", "NXDOMAIN"),
    ("an address that nobody has", "9.9.9.127.in-addr.arpa.", "PTR", "NXDOMAIN"),
    ("no address", "x.0.1.127.in-addr.arpa.", "PTR", "NXDOMAIN"),
    ("an octet with a dot in it", "we\\.b.shop.svc.cluster.local.", "A", "NXDOMAIN"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind", "wanted"), [row[1:] for row in NOTHING], ids=[f"{row[0]}-{row[3]}" for row in NOTHING]
)
def test_what_is_not_there_is_proved_by_the_zones_soa(name: str, kind: str, wanted: str) -> None:
    found = ask(name, kind)
    assert status(found) == wanted
    assert not found.answer
    [proof] = lines(found.authority)
    apex, _, rest = proof.partition(" ")
    assert rest == SOA
    assert name.endswith(apex)


@pytest.mark.parametrize(
    "name", ["example.com.", "local.", ".", "1.0.0.127.in-addr.arpa.", "127.in-addr.arpa."]
)
def test_other_names_are_refused(name: str) -> None:
    found = ask(name)
    assert status(found) == "REFUSED"
    assert not found.flags & AA
    assert not found.answer
    assert not found.authority


def test_records_are_those_of_now_however_often_they_were_asked_for() -> None:
    served = directory()
    of = responder(served)
    name = "bare.shop.svc.cluster.local."
    for address in ("127.1.0.2", "127.9.9.9"):
        port = snapshot("shop/bare", 90, address=address)
        served.update({port.key: (port,)}, {}, {})
        for _ in range(2):
            assert lines(ask(name, of=of).answer) == [f"{name} A {address}"]
    served.update({port.key: ()}, {}, {})
    assert status(ask(name, of=of)) == "NXDOMAIN"


def test_letters_have_no_case_and_come_back_as_they_were_asked() -> None:
    found = ask("wEb.ShOp.sVc.CLUSTER.local.")
    assert lines(found.answer) == ["wEb.ShOp.sVc.CLUSTER.local. A 127.1.0.1"]
    assert found.question[0].name.to_text() == "wEb.ShOp.sVc.CLUSTER.local."


def test_addresses_of_what_srv_names_come_along() -> None:
    assert lines(ask("_pg._tcp.db.shop.svc.cluster.local.", "SRV").additional) == [
        "db-0.db.shop.svc.cluster.local. A 127.2.0.1",
        "db-1.db.shop.svc.cluster.local. A 127.2.0.2",
    ]


def test_an_alias_of_nothing_is_no_name_and_one_of_itself_a_failure() -> None:
    found = ask("lost.shop.svc.cluster.local.")
    assert status(found) == "NXDOMAIN"  # RFC 6604
    assert lines(found.answer) == ["lost.shop.svc.cluster.local. CNAME none.shop.svc.cluster.local."]
    assert status(ask("round.shop.svc.cluster.local.")) == "SERVFAIL"


SEARCH = [
    ("web.", "web.shop"), ("web.shop.", "web.shop"), ("web.shop.svc.", "web.shop"),
    ("db-0.db.", "db-0.db.shop"), ("db-0.db.shop.", "db-0.db.shop"), ("only.", "only.bank"),
    ("WEB.", "web.shop"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "wanted"), SEARCH)
def test_short_names_are_those_of_pods_in_the_namespaces_that_were_named(name: str, wanted: str) -> None:
    served = directory()
    served.update({port.key: (port,) for port in (snapshot("bank/web"), snapshot("bank/only"))}, {}, {})
    of = responder(served, search=["shop", "bank"])
    alias, address = ask(name, of=of).answer
    assert lines([alias]) == [f"{name} CNAME {wanted}.svc.cluster.local."]
    assert lines([address])[0].startswith(f"{wanted}.svc.cluster.local. A 127.")


def test_short_names_with_nothing_to_them_are_others_to_answer() -> None:
    for name in ("svc.", "shop.", "none.", "example.com."):
        assert status(ask(name, of=responder(search=["shop"]))) == "REFUSED"
    assert status(ask("web.")) == "REFUSED"


def test_a_short_name_has_the_proof_of_the_full_one() -> None:
    found = ask("bare.", "AAAA", of=responder(search=["shop"]))
    assert status(found) == "NOERROR"
    assert lines(found.answer) == ["bare. CNAME bare.shop.svc.cluster.local."]
    assert lines(found.authority) == [f"cluster.local. {SOA}"]
