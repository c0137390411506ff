"""Lines of a hosts file: which names stand for which address."""

from __future__ import annotations

import pytest

from tests.discovery.objects import served_port
from userproxy.discovery import Alias, Served, ServedPort
from userproxy.discovery.host_names import hosts_lines
from userproxy.model.names import Protocol


def lines(*ports: ServedPort, namespaces: tuple[str, ...] = (), taken: tuple[str, ...] = ()) -> list[str]:
    """All lines; nothing must be left out."""
    served = Served(tuple(sorted(ports)))
    found = hosts_lines(served, namespaces=namespaces, cluster_domain="cluster.local", taken=taken)
    assert found.problems == ()
    return [str(line) for line in found.lines]


def test_a_service_has_three_names_and_a_short_one_where_it_is_asked_for() -> None:
    web, api = served_port("shop/web"), served_port("bank/api", address="127.1.0.2")
    assert lines(web, api, namespaces=("shop",)) == [
        "127.1.0.2\tapi.bank.svc.cluster.local api.bank.svc api.bank",
        "127.1.0.1\tweb.shop.svc.cluster.local web.shop.svc web.shop web",
    ]


def test_the_cluster_domain_ends_the_full_name() -> None:
    found = hosts_lines(Served((served_port("shop/web"),)), cluster_domain="k8s.example")
    assert found.lines[0].names == ("web.shop.svc.k8s.example", "web.shop.svc", "web.shop")


def test_ports_of_one_address_are_one_line_that_tells_of_those_that_moved() -> None:
    ports = [
        served_port("shop/web", 80, port_name="http", at=8080),
        served_port("shop/web", 443, port_name="https", at=8443),
        served_port("shop/web", 9090, port_name="metrics", protocol=Protocol.UDP),
    ]
    [line] = lines(*ports)
    assert line.endswith(" web.shop  # 80/TCP is at port 8080, 443/TCP is at port 8443")


def test_both_families_have_a_line_each() -> None:
    found = lines(served_port("shop/web"), served_port("shop/web", address="fd00::1"))
    assert [line.partition("\t")[0] for line in found] == ["127.1.0.1", "fd00::1"]


def test_endpoints_of_a_headless_service_have_names_and_its_own_name_stands_for_all() -> None:
    db = [
        served_port("shop/db-0.db", 5432, address="127.1.0.1"),
        served_port("shop/db-1.db", 5432, address="127.1.0.2"),
    ]
    assert lines(*db, namespaces=("shop",)) == [
        "127.1.0.1\tdb.shop.svc.cluster.local db.shop.svc db.shop db",
        "127.1.0.2\tdb.shop.svc.cluster.local db.shop.svc db.shop db",
        "127.1.0.1\tdb-0.db.shop.svc.cluster.local db-0.db.shop.svc db-0.db.shop db-0.db",
        "127.1.0.2\tdb-1.db.shop.svc.cluster.local db-1.db.shop.svc db-1.db.shop db-1.db",
    ]


@pytest.mark.parametrize(
    ("usable", "expected"),
    [
        ((True, False), ["127.1.0.1"]),
        ((False, False), ["127.1.0.1", "127.1.0.2"]),
    ],
)
def test_a_headless_service_stands_for_those_that_are_ready_if_any_is(
    usable: tuple[bool, bool], expected: list[str]
) -> None:
    db = [
        served_port("shop/db-0.db", address="127.1.0.1", usable=usable[0]),
        served_port("shop/db-1.db", address="127.1.0.2", usable=usable[1]),
    ]
    found = hosts_lines(Served(tuple(db)), cluster_domain="cluster.local").lines
    assert [line.address for line in found if "db.shop" in line.names] == expected
    assert [line.address for line in found if "db-1.db.shop" in line.names] == ["127.1.0.2"]


def problems(*ports: ServedPort, namespaces: tuple[str, ...] = (), taken: tuple[str, ...] = ()) -> list[str]:
    served = Served(tuple(sorted(ports)))
    found = hosts_lines(served, namespaces=namespaces, cluster_domain="cluster.local", taken=taken)
    names = [name for line in found.lines for name in line.names]
    assert len(names) == len(set(names)), "no name is given twice"
    return list(found.problems)


def test_of_two_short_names_the_namespace_that_is_named_first_has_it() -> None:
    web = [served_port("shop/web"), served_port("bank/web", address="127.1.0.2")]
    assert problems(*web, namespaces=("shop", "bank")) == [
        "web: is the name of Service shop/web; for Service bank/web use web.bank.svc.cluster.local"
    ]


def test_the_more_complete_form_of_a_name_wins() -> None:
    """An endpoint's short name looks like a Service's with its namespace."""
    ports = [served_port("shop/db-0.db"), served_port("db/db-0", address="127.1.0.2")]
    assert problems(*ports, namespaces=("shop",)) == [
        "db-0.db: is the name of Service db/db-0; for endpoint db-0 of Service shop/db use"
        " db-0.db.shop.svc.cluster.local"
    ]
    odd = [served_port("svc/web.shop"), served_port("shop/web", address="127.1.0.2")]
    assert [one.partition(":")[0] for one in problems(*odd)] == ["web.shop.svc"]


def test_localhost_is_no_name_of_a_service() -> None:
    assert problems(served_port("shop/localhost"), namespaces=("shop",)) == [
        "localhost: stands for this host; for Service shop/localhost use localhost.shop.svc.cluster.local"
    ]


def test_a_name_that_somebody_else_gave_an_address_is_left_to_them() -> None:
    assert problems(served_port("shop/web"), taken=("web.shop",)) == [
        "web.shop: the file has an address for it already; for Service shop/web use"
        " web.shop.svc.cluster.local"
    ]


def test_an_alias_cannot_be_in_a_hosts_file() -> None:
    found = hosts_lines(
        Served(aliases=(Alias("shop", "mail", "mail.example.com"),)), cluster_domain="cluster.local"
    )
    assert found.lines == ()
    assert found.problems == ()
    [note] = found.notes
    assert note.startswith("mail.shop: stands for mail.example.com, ")
