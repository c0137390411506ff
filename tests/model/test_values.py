"""The values that all rooms speak: text, order, and the little they derive."""

from __future__ import annotations

import pytest

from userproxy.model.names import Family, NamespacedName, ObjectRef, Protocol, ServicePortName
from userproxy.model.problems import Problem
from userproxy.model.routes import Endpoint, Route, RouteChanges, RouteKey
from userproxy.model.service import TrafficPolicy

NAME = ServicePortName("default", "web", "http")
A, B = Endpoint.of("10.0.0.1", 80), Endpoint.of("10.0.0.2", 80)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (NAME, "default/web:http/TCP"),
        (ServicePortName("default", "dns", "", Protocol.UDP), "default/dns/UDP"),
        (RouteKey(NAME, Family.IPV6), "default/web:http/TCP/IPv6"),
        (NamespacedName("default", "web"), "default/web"),
        (ObjectRef("Service", "default", "web"), "Service default/web"),
        (ObjectRef("Node", "", "node-1"), "Node node-1"),
        (A, "10.0.0.1:80"),
        (Endpoint.of("fd00::1", 80), "[fd00::1]:80"),
        (Problem(ObjectRef("Node", "", "node-1"), "", "", "", "is odd"), "Node node-1: is odd"),
    ],
    ids=str,
)
def test_text(value: object, text: str) -> None:
    assert str(value) == text


@pytest.mark.spec("E11")
def test_E11_endpoints_sort_by_their_text() -> None:
    texts = ["10.0.0.10:80", "10.0.0.1:80", "10.0.0.1:443", "[fd00::1]:80", "10.0.0.2:80"]
    endpoints = [Endpoint(text, "", 0) for text in texts]
    assert [endpoint.name for endpoint in sorted(endpoints)] == sorted(texts)


def route(
    internal: TrafficPolicy, cluster: tuple[Endpoint, ...] | None, local: tuple[Endpoint, ...] | None
) -> Route:
    return Route(
        NAME,
        Family.IPV4,
        80,
        "127.1.2.3",
        8080,
        ((Protocol.TCP, 80),),
        cluster,
        local,
        serving=(A, B),
        usable_anywhere=True,
        internal_traffic_policy=internal,
    )


@pytest.mark.parametrize(
    ("policy", "cluster", "local", "expected"),
    [
        (TrafficPolicy.CLUSTER, (A, B), None, (A, B)),
        (TrafficPolicy.CLUSTER, (A, B), (A,), (A, B)),
        (TrafficPolicy.LOCAL, None, (A,), (A,)),
        (TrafficPolicy.LOCAL, (A, B), (), ()),
        (TrafficPolicy.LOCAL, None, None, ()),
    ],
)
@pytest.mark.spec("T6")
def test_T6_internal_traffic_follows_its_policy(
    policy: TrafficPolicy,
    cluster: tuple[Endpoint, ...] | None,
    local: tuple[Endpoint, ...] | None,
    expected: tuple[Endpoint, ...],
) -> None:
    chosen = route(policy, cluster, local)
    assert chosen.internal == expected
    assert chosen.key == RouteKey(NAME, Family.IPV4)


def test_a_difference_is_true_when_it_says_something() -> None:
    problem = Problem(ObjectRef("Node", "", "node-1"), "", "", "", "is odd")
    assert not RouteChanges(7)
    assert not RouteChanges(7, more=True)
    assert RouteChanges(7, removed=(RouteKey(NAME, Family.IPV4),))
    assert RouteChanges(7, problems=(problem,))
    assert RouteChanges(7, cleared=(problem,))
