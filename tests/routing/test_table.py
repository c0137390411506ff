"""Routes in force and the differences between tables: rules S11, S12, E9."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.routing.objects import DNS, HTTP, IPV4, TCP, UDP, name, service
from userproxy.model.routes import Route
from userproxy.model.service import ServicePortSpec, TrafficPolicy
from userproxy.routing.derivation import route_of
from userproxy.routing.selection import Selection, Topology
from userproxy.routing.table import Difference, RouteTable

WEB = name("web")
NOTHING = Selection(Topology.NONE, (), None, (), False)


def route(port: ServicePortSpec = HTTP, host: str = "127.1.1.1") -> Route:
    return route_of(service("web", port), port, IPV4, NOTHING, host, port.port)


@pytest.mark.parametrize(
    ("before", "after", "changed", "removed", "kind"),
    [
        pytest.param([], [route()], ["http/TCP"], [], "added", id="new Service"),
        pytest.param([route()], [route()], [], [], "", id="S11 the same again"),
        pytest.param([route()], [], [], ["http/TCP"], "removed", id="L6 gone"),
        pytest.param(
            [route()],
            [route(replace(HTTP, port=81))],
            ["http/TCP"],
            [],
            "changed",
            id="S12 another number under the same name",
        ),
        pytest.param(
            [route()],
            [route(ServicePortSpec("web", TCP, 80))],
            ["web/TCP"],
            ["http/TCP"],
            "changed",
            id="S12 port renamed, same number",
        ),
        pytest.param(
            [route()],
            [route(replace(HTTP, protocol=UDP))],
            ["http/UDP"],
            ["http/TCP"],
            "changed",
            id="S12 another protocol",
        ),
        pytest.param(
            [route()], [route(host="127.1.1.2")], ["http/TCP"], [], "changed", id="S12 another address"
        ),
        pytest.param(
            [route(), route(DNS)],
            [route()],
            [],
            ["dns/UDP"],
            "changed",
            id="S12 second port goes, the first is not touched",
        ),
        pytest.param(
            [route()],
            [replace(route(), session_affinity_s=60, internal_traffic_policy=TrafficPolicy.LOCAL)],
            ["http/TCP"],
            [],
            "changed",
            id="S12 affinity and policy",
        ),
    ],
)
@pytest.mark.spec("S11", "S12")
def test_difference_of_two_tables(
    before: list[Route], after: list[Route], changed: list[str], removed: list[str], kind: str
) -> None:
    table = RouteTable()
    table.replace(WEB, before, Difference())
    old = dict(table.routes)
    difference = Difference()
    table.replace(WEB, after, difference)
    assert [f"{one.name.port_name}/{one.name.protocol}" for one in difference.changed] == changed
    assert [f"{key.name.port_name}/{key.name.protocol}" for key in difference.removed] == removed
    for one in ("added", "changed", "removed"):
        assert getattr(difference, f"{one}_services") == ([WEB] if one == kind else [])
    for key in difference.removed:
        del old[key]
    assert old | {one.key: one for one in difference.changed} == table.routes


def test_S12_affinity_or_policy_change_keeps_the_listener() -> None:
    one = service("web", replace(HTTP, options=replace(HTTP.options, hold_s=5.0)))
    policy = replace(one, internal_traffic_policy=TrafficPolicy.LOCAL, session_affinity_s=60)
    old, new = (route_of(each, each.ports[0], IPV4, NOTHING, "127.1.1.1", 80) for each in (service(), policy))
    assert old != new
    assert (old.key, old.listen_host, old.listen_port) == (new.key, new.listen_host, new.listen_port)


def test_E9_a_service_without_routes_leaves_nothing() -> None:
    table = RouteTable()
    table.replace(WEB, [route()], Difference())
    table.replace(WEB, [], Difference())
    table.replace(name("api"), [], Difference())
    assert not table.routes
    assert not table._keys
