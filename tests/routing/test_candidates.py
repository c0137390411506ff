"""What slices say of a service port: rules E2, E4, E6, E7, E11, E13."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.routing.objects import (
    HTTP,
    IPV4,
    IPV6,
    NODE,
    TCP,
    UDP,
    draining,
    endpoint_slice,
    names,
    ready,
    unready,
)
from userproxy.model.endpoints import EndpointSlice, SliceEndpoint, SlicePort
from userproxy.model.service import ServicePortSpec
from userproxy.routing.candidates import candidates


def found(*slices: EndpointSlice, port: ServicePortSpec = HTTP, node: str = NODE) -> list[str] | None:
    return names(one.endpoint for one in candidates(slices, port, IPV4, node).unique)


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        pytest.param([SlicePort("http", TCP, 8080)], ["10.0.0.1:8080"], id="E4 name and protocol match"),
        pytest.param([SlicePort("web", TCP, 8080)], [], id="E4 other name"),
        pytest.param([SlicePort("http", UDP, 8080)], [], id="E4 other protocol"),
        pytest.param([SlicePort("", TCP, 80)], [], id="E4 no name, same number"),
        pytest.param(
            [SlicePort("admin", TCP, 1), SlicePort("http", TCP, 2)], ["10.0.0.1:2"], id="E4 one of several"
        ),
        pytest.param([], [], id="E13 no ports"),
    ],
)
@pytest.mark.spec("E4", "E13")
def test_port_is_matched_by_name_and_protocol(ports: list[SlicePort], expected: list[str]) -> None:
    assert found(endpoint_slice("web-1", ["10.0.0.1"], ports=ports)) == expected


def test_E4_slices_of_one_service_may_give_different_numbers() -> None:
    old = endpoint_slice("web-1", ["10.0.0.1"], ports=[SlicePort("http", TCP, 8080)])
    new = endpoint_slice("web-2", ["10.0.0.1"], ports=[SlicePort("http", TCP, 9090)])
    assert found(old, new) == ["10.0.0.1:8080", "10.0.0.1:9090"]


def test_E4_unnamed_port_matches_the_unnamed_one() -> None:
    one = endpoint_slice("web-1", ["10.0.0.1"], ports=[SlicePort("", TCP, 8080)])
    assert found(one, port=ServicePortSpec("", TCP, 80)) == ["10.0.0.1:8080"]


def test_E13_slice_without_endpoints_is_valid_and_empty() -> None:
    assert found(endpoint_slice("web-1", [])) == []


def test_E2_each_family_has_its_own_slices() -> None:
    slices = [endpoint_slice("a", ["10.0.0.1"]), endpoint_slice("b", ["fd00::1"], family=IPV6)]
    six = candidates(slices, HTTP, IPV6, NODE).unique
    assert found(*slices) == ["10.0.0.1:8080"]
    assert names(one.endpoint for one in six) == ["[fd00::1]:8080"]


@pytest.mark.parametrize(
    ("node_of_endpoint", "node", "local"),
    [
        pytest.param("here", "here", True, id="E6 same node"),
        pytest.param("there", "here", False, id="E6 other node"),
        pytest.param("", "here", False, id="E6 no node name"),
        pytest.param("", "", False, id="E6 no node name on either side"),
    ],
)
def test_E6_local_means_the_same_node_name(node_of_endpoint: str, node: str, local: bool) -> None:
    one = endpoint_slice("web-1", [ready("10.0.0.1", node_of_endpoint)])
    assert [c.local for c in candidates([one], HTTP, IPV4, node).unique] == [local]


A = "10.0.0.1"


@pytest.mark.parametrize(
    ("entries", "winner"),
    [
        pytest.param({"s1": draining(A), "s2": ready(A)}, "s2", id="E7 ready beats terminating"),
        pytest.param({"s1": draining(A), "s2": unready(A)}, "s2", id="E7 unready beats terminating"),
        pytest.param({"s1": unready(A), "s2": ready(A)}, "s1", id="E7 first name, though unready"),
        pytest.param({"s10": ready(A), "s2": ready(A)}, "s10", id="E7 names sort as text"),
        pytest.param({"s1": draining(A, serving=False), "s2": draining(A)}, "s1", id="E7 both terminating"),
        pytest.param(
            {"s1": ready(A)._replace(terminating=True), "s2": unready(A)}, "s2", id="E7 T9 still terminating"
        ),
        pytest.param({"s1": draining(A), "s2": ready(A), "s3": ready(A)}, "s2", id="E7 three slices"),
    ],
)
def test_E7_one_of_duplicates_counts(entries: dict[str, SliceEndpoint], winner: str) -> None:
    slices = [endpoint_slice(slice_name, [entry]) for slice_name, entry in entries.items()]
    for order in permutations(slices):
        result = candidates(order, HTTP, IPV4, NODE)
        assert [(c.slice_name, c.conditions) for c in result.unique] == [(winner, entries[winner])]
        losers = sorted((c.slice_name, beaten_by) for c, beaten_by in result.duplicates)
        assert losers == [(one, winner) for one in sorted(entries) if one != winner]


def test_E7_E11_order_inside_a_slice_never_decides() -> None:
    entries = [unready(A), ready(A, "there"), ready(A, "here"), draining(A)]
    for order in permutations(entries):
        result = candidates([endpoint_slice("web-1", order)], HTTP, IPV4, NODE)
        assert [c.conditions for c in result.unique] == [ready(A, "here")]
        assert len(result.duplicates) == 3


def test_E7_same_address_on_another_port_is_no_duplicate() -> None:
    ports = [SlicePort("http", TCP, 8080), SlicePort("http", TCP, 8081)]
    assert found(endpoint_slice("web-1", [A], ports=ports)) == [f"{A}:8080", f"{A}:8081"]


def test_E11_endpoints_are_sorted_by_their_text() -> None:
    assert found(endpoint_slice("web-1", ["10.0.0.9", "10.0.0.10"]), endpoint_slice("web-2", [A])) == [
        "10.0.0.10:8080",
        "10.0.0.1:8080",
        "10.0.0.9:8080",
    ]
