"""What goes to a worker and comes from it says the same on the other side, every field of it."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import IPv4Network

import orjson
import pytest

from tests.dataplane.harness import route
from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import EndpointSnapshot, PortSnapshot
from userproxy.dataplane.traffic import TrafficSnapshot
from userproxy.model.names import Family, Protocol, ServicePortName
from userproxy.model.routes import Endpoint, Route
from userproxy.model.service import Balancer, PortOptions, TrafficPolicy
from userproxy.settings import DialSettings, Limits, Settings, UdpSettings
from userproxy.workers.assignment import Assignment
from userproxy.workers.report_codec import (
    port_from,
    port_to,
    settings_from,
    settings_to,
    traffic_from,
    traffic_to,
)
from userproxy.workers.route_codec import route_from, route_to

ONE, OTHER = Endpoint.of("10.0.0.1", 80), Endpoint.of("fd00::1", 8080)
FULL = Route(
    name=ServicePortName("shop", "web", "http", Protocol.UDP),
    family=Family.IPV6,
    service_port=80,
    listen_host="::1",
    listen_port=8080,
    stated_ports=((Protocol.TCP, 80), (Protocol.UDP, 53)),
    cluster=(ONE, OTHER),
    local=(OTHER,),
    serving=(ONE,),
    usable_anywhere=True,
    internal_traffic_policy=TrafficPolicy.LOCAL,
    external_traffic_policy=TrafficPolicy.LOCAL,
    session_affinity_s=10,
    options=PortOptions(Balancer.CONSISTENT_HASH, 1.5, 2.5, 3.5, 4),
    pods=(("10.0.0.1:80", "web-0"), ("[fd00::1]:8080", "web-1")),
    unreachable="UDP: port-forward carries TCP only",
)
PORT = PortSnapshot(
    key=FULL.key, service_port=80, listen_host="::1", listen_port=8080, state=ListenerState.HOLDING,
    reason="why", endpoints=(EndpointSnapshot("10.0.0.1:80", True, 1, 2, 3, 4, 5, 6, 0.5),), open=6, held=7,
    accepted=8, ends=(("--", 9),), dropped=(("no endpoint", 10),),
)  # fmt: skip


def through(value: object) -> list[object]:
    """As the other side reads it."""
    wire: list[object] = orjson.loads(orjson.dumps(value))
    return wire


@pytest.mark.parametrize(
    "sent", [FULL, route(), route(ONE), route(ONE, OTHER)], ids=["every field", "empty", "one", "two"]
)
def test_a_route(sent: Route) -> None:
    received = route_from(through(route_to(sent)))
    assert received == sent
    assert received.options == sent.options
    assert type(received.family) is Family  # not the text that equals it


def test_no_field_of_a_route_is_left_out() -> None:
    """A field that is new must be sent too: with all values unlike the defaults, it cannot hide."""
    for value in (FULL, FULL.options):
        for field in fields(value):
            assert getattr(value, field.name) != field.default, field.name


def test_an_assignment() -> None:
    sent = Assignment(FULL, 3, "::1", 8081, "port 8080 is taken", 2, True)
    assert Assignment.from_wire(through(sent.to_wire())) == sent


def test_a_service_port() -> None:
    assert port_from(through(port_to(PORT))) == PORT


def test_a_connection() -> None:
    sent = TrafficSnapshot(FULL.key, "127.0.0.1:1", "10.0.0.1:80", "web-0", 1, 2, 3.5, "transferring")
    received = traffic_from(through(traffic_to(sent)))
    assert received == sent
    assert type(received.key.family) is Family


def test_the_settings_that_a_data_plane_reads() -> None:
    sent = Settings(
        loopback_range=IPv4Network("127.9.0.0/16"),
        dial=DialSettings((1.0, 2.0), 3.0),
        udp=UdpSettings(1.0, 2.0, 3, 4),
        limits=Limits(1, 2, 3, 4, 5),
    )
    wire = orjson.loads(orjson.dumps(settings_to(sent)))
    assert settings_from(wire) == sent
    assert settings_from(orjson.loads(orjson.dumps(settings_to(Settings())))) == Settings()
