"""Which service port is meant by a Service, a port's name and a family."""

from __future__ import annotations

import pytest

from userproxy.dataplane.service_index import ServiceIndex
from userproxy.model.names import Family, NamespacedName, Protocol, ServicePortName
from userproxy.model.routes import RouteKey

WEB = NamespacedName("shop", "web")


def key(port_name: str, family: Family = Family.IPV4) -> RouteKey:
    return RouteKey(ServicePortName("shop", "web", port_name, Protocol.TCP), family)


def index(*keys: RouteKey) -> ServiceIndex:
    found = ServiceIndex()
    for one in keys:
        found.add(one)
    return found


def test_the_only_port_needs_no_name() -> None:
    found = index(key("http"), key("http", Family.IPV6))
    assert found.only(WEB, "", None) == key("http")
    assert found.only(WEB, "http", "IPv6") == key("http", Family.IPV6)


@pytest.mark.parametrize(
    ("port_name", "family", "says"),
    [
        ("", None, r"shop/web: which port of \['http', 'metrics'\]\?"),
        ("admin", None, "shop/web:admin: not served"),
        ("http", "IPv6", "shop/web:http: not served"),
    ],
)
def test_none_or_several_are_refused(port_name: str, family: str | None, says: str) -> None:
    with pytest.raises(KeyError, match=says):
        index(key("http"), key("metrics")).only(WEB, port_name, family)


def test_what_was_removed_is_not_meant() -> None:
    found = index(key("http"), key("metrics"))
    found.remove(key("metrics"))
    assert found.only(WEB, "", None) == key("http")
    found.remove(key("http"))
    with pytest.raises(KeyError, match="not served"):
        found.only(WEB, "", None)
