"""The kubelet's variables for Services."""

from __future__ import annotations

from tests.discovery.objects import served_port
from userproxy.discovery import Served, ServedPort
from userproxy.discovery.link_variables import link_variables
from userproxy.model.names import Protocol


def variables(*ports: ServedPort, namespaces: tuple[str, ...] = ("shop",)) -> dict[str, str]:
    found = link_variables(Served(tuple(sorted(ports))), namespaces)
    assert found.problems == ()
    return dict(found.variables)


def test_a_service_with_one_port() -> None:
    assert variables(served_port("shop/redis-primary", 6379)) == {
        "REDIS_PRIMARY_SERVICE_HOST": "127.1.0.1",
        "REDIS_PRIMARY_SERVICE_PORT": "6379",
        "REDIS_PRIMARY_PORT": "tcp://127.1.0.1:6379",
        "REDIS_PRIMARY_PORT_6379_TCP": "tcp://127.1.0.1:6379",
        "REDIS_PRIMARY_PORT_6379_TCP_PROTO": "tcp",
        "REDIS_PRIMARY_PORT_6379_TCP_PORT": "6379",
        "REDIS_PRIMARY_PORT_6379_TCP_ADDR": "127.1.0.1",
    }


def test_several_ports_and_the_first_that_the_service_states() -> None:
    found = variables(
        served_port("shop/web", 80, port_name="http", at=8080)._replace(position=0),
        served_port("shop/web", 53, port_name="a-dns", protocol=Protocol.UDP)._replace(position=1),
    )
    assert found == {
        "WEB_SERVICE_HOST": "127.1.0.1",
        "WEB_SERVICE_PORT": "8080",
        "WEB_SERVICE_PORT_HTTP": "8080",
        "WEB_SERVICE_PORT_A_DNS": "53",
        "WEB_PORT": "tcp://127.1.0.1:8080",
        "WEB_PORT_80_TCP": "tcp://127.1.0.1:8080",
        "WEB_PORT_80_TCP_PROTO": "tcp",
        "WEB_PORT_80_TCP_PORT": "8080",
        "WEB_PORT_80_TCP_ADDR": "127.1.0.1",
        "WEB_PORT_53_UDP": "udp://127.1.0.1:53",
        "WEB_PORT_53_UDP_PROTO": "udp",
        "WEB_PORT_53_UDP_PORT": "53",
        "WEB_PORT_53_UDP_ADDR": "127.1.0.1",
    }


def test_IPv6_addresses_stand_in_brackets_where_a_port_follows() -> None:
    found = variables(served_port("shop/web", address="fd00::1"))
    assert found["WEB_SERVICE_HOST"] == found["WEB_PORT_80_TCP_ADDR"] == "fd00::1"
    assert found["WEB_PORT"] == "tcp://[fd00::1]:80"


def test_a_service_with_two_families_is_reached_by_IPv4() -> None:
    found = variables(served_port("shop/web", address="fd00::1"), served_port("shop/web"))
    assert found["WEB_SERVICE_HOST"] == "127.1.0.1"


def test_only_services_of_the_namespaces_and_none_that_is_headless() -> None:
    assert variables(served_port("bank/web"), served_port("shop/db-0.db")) == {}


def test_of_two_services_the_one_whose_namespace_is_named_first_has_the_names() -> None:
    served = Served((served_port("bank/web", 81), served_port("shop/web", 80, address="127.1.0.2")))
    found = link_variables(served, ("shop", "bank"))
    assert dict(found.variables)["WEB_SERVICE_HOST"] == "127.1.0.2"
    [problem] = found.problems
    assert problem.startswith("WEB_SERVICE_HOST is of Service shop/web; ")
