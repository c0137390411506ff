"""The rows that ``explain -o json`` prints: T5, T8, S1, S2, S3, S5, S7, and their form."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from tests.explain.scenario import scenario
from tests.routing.objects import (
    DNS,
    HTTP,
    IPV4,
    IPV6,
    NODE,
    TCP,
    UDP,
    endpoint_slice,
    fold,
    name,
    ready,
    served,
    service,
    state,
)
from userproxy.explain import ExplainEndpoint, ExplainRow, explain
from userproxy.model.endpoints import EndpointSlice, InvalidEndpoint, SlicePort
from userproxy.model.events import Rejected
from userproxy.model.names import Family
from userproxy.model.problems import Problem
from userproxy.model.routes import RouteKey
from userproxy.model.service import Service, ServicePortSpec, ServiceType, TrafficPolicy
from userproxy.routing import EphemeralAddresses, ReachPolicy

GOLDEN = Path(__file__).with_name("rows.json")
LOCAL = TrafficPolicy.LOCAL


@pytest.mark.spec("T1", "T2", "T3", "T5", "T8", "S1", "S2", "S3", "S5", "S6", "S7", "D7")
def test_golden_rows() -> None:
    rows = [row.as_json() for row in explain(scenario())]
    assert rows == json.loads(GOLDEN.read_text())


@pytest.mark.spec("T5")
def test_T5_how_each_endpoint_is_reached() -> None:
    """From outside of the cluster."""
    both = service("web", HTTP, DNS)
    slices = endpoint_slice(
        "web-1",
        [ready("10.0.0.1")._replace(pod="web-0"), ready("10.0.0.2")],
        ports=(SlicePort("http", TCP, 8080), SlicePort("dns", UDP, 53)),
    )
    http, dns = explain(state(both, slices, reach=ReachPolicy(remote=True)))
    no_pod = "no Pod behind this address: port-forward cannot reach it"
    udp = "UDP: port-forward carries TCP only"
    assert [(one.endpoint, one.reason, one.reached) for one in (*http.endpoints, *dns.endpoints)] == [
        ("10.0.0.1:8080", None, "pod web-0"),
        ("10.0.0.2:8080", no_pod, None),
        ("10.0.0.1:53", udp, None),
        ("10.0.0.2:53", no_pod, None),
    ]
    assert (http.cluster, http.unreachable) == (("10.0.0.1:8080",), None)
    assert (dns.cluster, dns.unreachable) == ((), f"{udp}; {no_pod}")


def test_fields_and_their_order_are_the_interface() -> None:
    expected = [
        *("namespace", "service", "port_name", "protocol", "family", "service_port"),
        *("listen_address", "listen_port", "ignored", "cluster_ip", "node_port"),
        *("external_ips", "load_balancer_ips", "source_ranges", "session_affinity_seconds"),
        *("internal_traffic_policy", "external_traffic_policy", "health_check_node_port"),
        *("cluster", "local", "endpoints", "unreachable"),
    ]
    assert [field.name for field in fields(ExplainRow)] == expected
    (row,) = explain(scenario(), name("elsewhere"))
    assert list(row.as_json()) == expected
    of_endpoint = ["endpoint", "ready", "serving", "terminating", "local", "reason", "reached"]
    assert [field.name for field in fields(ExplainEndpoint)] == of_endpoint


def test_plain_values_survive_json() -> None:
    rows = [row.as_json() for row in explain(scenario())]
    assert json.loads(json.dumps(rows)) == rows
    assert {type(row["family"]) for row in rows} == {str, type(None)}


def test_one_service_by_name() -> None:
    one = scenario()
    assert {(row.service, row.port_name) for row in explain(one, name("web"))} == {
        ("web", "http"),
        ("web", "dns"),
    }
    assert explain(one, name("unknown")) == ()
    assert explain(one, name("other/web")) == ()


def test_listening_tells_where_it_is_and_else_what_would_be_tried_first() -> None:
    def listening(key: RouteKey) -> tuple[str, int] | None:
        return ("127.9.9.9", 8080) if key.name.port_name == "http" else None

    http, dns = explain(scenario(), name("web"), listening)
    assert (http.listen_address, http.listen_port) == ("127.9.9.9", 8080)
    assert (dns.listen_address, dns.listen_port) == ("127.117.209.100", 53)


def test_L1_ephemeral_port_is_not_known_before_something_listens() -> None:
    http, _ = explain(scenario(EphemeralAddresses()), name("web"))
    assert (http.listen_address, http.listen_port) == ("127.0.0.1", None)


def test_rows_before_anything_was_taken_have_no_address() -> None:
    (row,) = explain(state(service(), endpoint_slice("web-1", ["10.0.0.1"])))
    assert (row.listen_address, row.listen_port, row.cluster) == (None, None, ("10.0.0.1:8080",))


@pytest.mark.parametrize(
    ("one", "families", "ports", "why"),
    [
        pytest.param(
            replace(service(), type=ServiceType.EXTERNAL_NAME, ports=(), families=()),
            [None], [""], "type ExternalName", id="S1 ExternalName without ports or families",
        ),
        pytest.param(
            replace(service(), type=ServiceType.EXTERNAL_NAME, families=()),
            [None], ["http"], "type ExternalName", id="S1 ExternalName with a port",
        ),
        pytest.param(
            replace(service("web", HTTP, DNS), headless=True, families=(IPV6, IPV4)),
            [IPV6, IPV4, IPV6, IPV4], ["http", "http", "dns", "dns"], "headless (clusterIP: None)",
            id="S1 headless, per port and family",
        ),
        pytest.param(
            replace(service(), headless=True, families_stated=False),
            [None], ["http"], "headless (clusterIP: None)", id="S1 headless that states no family",
        ),
        pytest.param(
            replace(service(), headless=True, ports=()), [IPV4], [""], "headless (clusterIP: None)",
            id="S1 headless without ports",
        ),
        pytest.param(
            replace(service(), service_proxy_name=""), [IPV4], ["http"],
            'label service.kubernetes.io/service-proxy-name = ""', id="S1 label",
        ),
    ],
)  # fmt: skip
def test_S1_ignored_services_have_rows_too(
    one: Service, families: list[Family | None], ports: list[str], why: str
) -> None:
    rows = explain(state(one, endpoint_slice("web-1", ["10.0.0.1"])))
    assert [row.family for row in rows] == families
    assert [row.port_name for row in rows] == ports
    for row in rows:
        assert row.ignored == why
        assert (row.listen_address, row.cluster, row.local) == (None, None, None)
        assert not row.endpoints or one.headless
        assert (row.protocol is None) is (row.service_port is None) is (row.port_name == "")


def test_S1_empty_cluster_ip_from_an_api_server() -> None:
    (row,) = explain(state(service(), cluster_ip_required=True))
    assert row.ignored == "clusterIP is empty"


def test_S7_ignored_service_says_so_even_of_an_sctp_port() -> None:
    rows = explain(scenario(), name("phone"))
    assert [row.ignored for row in rows] == ["SCTP is not supported"]


@pytest.mark.parametrize(
    ("one", "internal", "external"),
    [
        pytest.param(service(), "Cluster", None, id="ClusterIP"),
        pytest.param(
            replace(service(), external_ips=("192.0.2.1",)), "Cluster", "Cluster", id="external IPs"
        ),
        pytest.param(
            replace(service(), type=ServiceType.NODE_PORT, external_traffic_policy=LOCAL),
            "Cluster",
            "Local",
            id="NodePort",
        ),
        pytest.param(
            replace(service(), type=ServiceType.LOAD_BALANCER, internal_traffic_policy=LOCAL),
            "Local",
            "Cluster",
            id="LoadBalancer",
        ),
        pytest.param(
            replace(service(), type=ServiceType.EXTERNAL_NAME, external_ips=("192.0.2.1",)),
            None,
            None,
            id="ExternalName",
        ),
    ],
)
def test_policies_are_null_where_they_have_no_meaning(
    one: Service, internal: str | None, external: str | None
) -> None:
    (row,) = explain(state(one))
    assert (row.internal_traffic_policy, row.external_traffic_policy) == (internal, external)


def reasons_of(one: Service, *slices: EndpointSlice, zone_of: str = "") -> dict[str, str | None]:
    rows = explain(state(one, *slices), name(zone_of or "web"))
    return {endpoint.endpoint: endpoint.reason for row in rows for endpoint in row.endpoints}


def test_T5_wrong_family_only_where_the_service_has_no_row_of_it() -> None:
    six = endpoint_slice("web-6", ["fd00::1"], family=IPV6)
    assert reasons_of(service(), six) == {"[fd00::1]:8080": "wrong family"}
    both = replace(service(), families=(IPV4, IPV6))
    rows = explain(state(both, six))
    assert [len(row.endpoints) for row in rows] == [0, 0], "its own row says why the family is not served"
    assert rows[1].ignored is not None
    ephemeral = explain(state(both, six, addresses=EphemeralAddresses()))
    assert [[one.reason for one in row.endpoints] for row in ephemeral] == [[], [None]]


def test_T5_invalid_entries_show_with_the_slice_that_has_the_port() -> None:
    bad = (InvalidEndpoint("web.example", "not an IP address"),)
    matching = replace(endpoint_slice("a"), invalid=bad)
    other = replace(matching, name="b", ports=(matching.ports[0]._replace(name="other"),))
    assert reasons_of(service(), matching) == {"web.example": "invalid (not an IP address)"}
    assert reasons_of(service(), other) == {}
    wrong = replace(matching, invalid=(InvalidEndpoint("fd00::1", "wrong family"),))
    assert reasons_of(service(), wrong) == {"fd00::1": "wrong family"}


def test_T5_E2_FQDN_slices_are_not_shown() -> None:
    assert reasons_of(service(), endpoint_slice("a", ["10.0.0.1"], family=None)) == {}


@pytest.mark.spec("T6", "T8")
def test_sets_agree_with_the_routes_that_are_served() -> None:
    one = scenario()
    table = served(one)
    rows = [row for row in explain(one) if row.ignored is None]
    assert len(rows) == len(table)
    for row in rows:
        route = table[f"default/{row.service}:{row.port_name}/{row.protocol}/{row.family}"]
        for shown, actual in ((row.cluster, route.cluster), (row.local, route.local)):
            assert shown == (None if actual is None else tuple(str(endpoint) for endpoint in actual))
        used = {endpoint.endpoint for endpoint in row.endpoints if endpoint.reason is None}
        assert used == {*(row.cluster or ()), *(row.local or ())}


def test_S5_a_range_of_zero_lifts_the_limit_of_its_family() -> None:
    rows = explain(scenario(), name("shop"))
    assert [row.source_ranges for row in rows] == [("198.51.100.0/24",), None]


def test_D7_stale_service_is_explained_by_the_version_that_serves() -> None:
    one = state(service(), endpoint_slice("web-1", ["10.0.0.1"]))
    before = explain(one)
    fold(one, Rejected(service().ref, (Problem(service().ref, "spec.ports", "", "D7", "is bad"),)))
    assert explain(one) == before


def test_endpoints_are_sorted_and_a_used_one_comes_before_its_duplicate() -> None:
    slices = [
        endpoint_slice("b", ["10.0.0.2", "10.0.0.1"]),
        endpoint_slice("a", [ready("10.0.0.1", NODE)]),
    ]
    (row,) = explain(state(service(), *slices))
    shown = [(one.endpoint, one.local, one.reason) for one in row.endpoints]
    assert shown == [
        ("10.0.0.1:8080", True, None),
        ("10.0.0.1:8080", False, "duplicate of a"),
        ("10.0.0.2:8080", False, None),
    ]


def test_rows_come_by_service_then_port_then_family() -> None:
    ports = ServicePortSpec("z", TCP, 1), ServicePortSpec("a", TCP, 2)
    one = state(replace(service("web", *ports), families=(IPV6, IPV4)), service("api"), service("a/zoo"))
    rows = [(row.namespace, row.service, row.port_name, row.family) for row in explain(one)]
    assert rows == [
        ("a", "zoo", "http", IPV4),
        ("default", "api", "http", IPV4),
        ("default", "web", "z", IPV6),
        ("default", "web", "z", IPV4),
        ("default", "web", "a", IPV6),
        ("default", "web", "a", IPV4),
    ]
