"""Builders of raw objects."""

from __future__ import annotations

import pytest

from userproxy.model.decode import decode
from userproxy.model.events import Upsert
from userproxy.testing.objects import (
    Port,
    RawObject,
    endpoint_slice,
    endpoint_slices,
    endpoints,
    namespace,
    node,
    service,
    service_port,
)


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        pytest.param(80, {"port": 80}, id="number"),
        pytest.param("80", {"port": 80}, id="text"),
        pytest.param("53/UDP", {"port": 53, "protocol": "UDP"}, id="protocol"),
        pytest.param("http:80", {"name": "http", "port": 80}, id="name"),
        pytest.param("dns:53/UDP", {"name": "dns", "port": 53, "protocol": "UDP"}, id="both"),
        pytest.param({"port": 1, "nodePort": 30000}, {"port": 1, "nodePort": 30000}, id="raw"),
    ],
)
def test_ports(port: Port, expected: RawObject) -> None:
    assert service_port(port) == expected


@pytest.mark.parametrize("port", ["http", "http:", ""])
def test_text_that_is_no_port(port: str) -> None:
    with pytest.raises(ValueError, match="int"):
        service_port(port)


def test_a_service() -> None:
    raw = service(
        "web",
        80,
        ports=["b:81"],
        namespace="shop",
        labels={"a": "b"},
        annotations={"c": "d"},
        status={"loadBalancer": {}},
        type="LoadBalancer",
    )
    assert raw == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"a": "b"}, "annotations": {"c": "d"}},
        "spec": {"ports": [{"port": 80}, {"name": "b", "port": 81}], "type": "LoadBalancer"},
        "status": {"loadBalancer": {}},
    }


def test_a_slice() -> None:
    raw = endpoint_slice(
        "web",
        ["127.0.0.1:9000", "127.0.0.2:9000"],
        port_name="http",
        serving=True,
        terminating=True,
        zones=["z"],
        nodes=["n", "m"],
        nodeName="n",
    )
    endpoint = {
        "conditions": {"serving": True, "terminating": True},
        "hints": {"forZones": [{"name": "z"}], "forNodes": [{"name": "n"}, {"name": "m"}]},
        "nodeName": "n",
    }
    assert raw == {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "web",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": ["127.0.0.1"], **endpoint},
            {"addresses": ["127.0.0.2"], **endpoint},
        ],
        "ports": [{"name": "http", "protocol": "TCP", "port": 9000}],
    }


def test_a_slice_is_ready_unless_it_says_otherwise_and_may_be_empty() -> None:
    assert endpoint_slice("web", ["[::1]:80"])["endpoints"] == [
        {"addresses": ["::1"], "conditions": {"ready": True}}
    ]
    empty = endpoint_slice("web", [])
    assert (empty["addressType"], empty["endpoints"], empty["ports"]) == ("IPv4", [], [])


@pytest.mark.parametrize("addresses", [["127.0.0.1:1", "127.0.0.1:2"], ["127.0.0.1:1", "[::1]:1"]])
def test_one_slice_has_one_port_and_one_family(addresses: list[str]) -> None:
    with pytest.raises(ValueError, match="use endpoint_slices"):
        endpoint_slice("web", addresses)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        pytest.param(2, "IPv4 at port 1, IPv4 at port 2: use", id="two"),
        pytest.param(3, "IPv4 at port 1, IPv4 at port 2, IPv4 at port 3: use", id="three"),
        pytest.param(500, "IPv4 at port 1, IPv4 at port 2, IPv4 at port 3 and 497 more: use", id="many"),
    ],
)
def test_of_many_ports_that_do_not_go_together_three_are_shown(number: int, shown: str) -> None:
    with pytest.raises(ValueError, match=f"^a slice has one family and port number, not {shown}"):
        endpoint_slice("web", [f"127.0.0.1:{port}" for port in range(1, number + 1)])


def test_slices_for_any_addresses() -> None:
    one, two, three = endpoint_slices(
        "web", ["127.0.0.1:1", "127.0.0.1:2", "[::1]:1", "127.0.0.2:1"], ready=False
    )
    names = [raw["metadata"] for raw in (one, two, three)]
    assert [metadata["name"] for metadata in names if isinstance(metadata, dict)] == [
        "web-1",
        "web-2",
        "web-3",
    ]
    assert [len(raw["endpoints"]) for raw in (one, two, three) if isinstance(raw["endpoints"], list)] == [
        2,
        1,
        1,
    ]
    assert three["addressType"] == "IPv6"
    (empty,) = endpoint_slices("web", [], name="none")
    assert empty["endpoints"] == []


def test_endpoints_with_names_and_pods_of_their_own() -> None:
    raw = endpoint_slice(
        "db", ["127.0.0.1:1", "127.0.0.2:1"], namespace="shop", hostnames=["db-0", ""], pods=["", "db-1"]
    )
    pod = {"kind": "Pod", "name": "db-1", "namespace": "shop"}
    assert raw["endpoints"] == [
        {"addresses": ["127.0.0.1"], "conditions": {"ready": True}, "hostname": "db-0"},
        {"addresses": ["127.0.0.2"], "conditions": {"ready": True}, "targetRef": pod},
    ]


def test_names_and_pods_go_with_their_addresses_into_several_slices() -> None:
    several = endpoint_slices("db", ["127.0.0.1:1", "[::1]:1", "127.0.0.2:1"], hostnames="abc", pods="xyz")
    found = [
        (entry["hostname"], entry["targetRef"]["name"])
        for raw in several
        for entry in raw["endpoints"]  # type: ignore[attr-defined] # a raw object has values of any type
    ]
    assert found == [("a", "x"), ("c", "z"), ("b", "y")]


@pytest.mark.parametrize("given", [{"hostnames": ["a"]}, {"pods": ["a", "b", "c"]}], ids=str)
def test_as_many_names_as_addresses(given: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match="argument 2"):
        endpoint_slice("db", ["127.0.0.1:1", "127.0.0.2:1"], **given)  # type: ignore[arg-type] # the rest is of any type


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:http", ""])
def test_text_that_is_no_endpoint(address: str) -> None:
    with pytest.raises(ValueError, match="no ip:port"):
        endpoint_slice("web", [address])


def test_hints_are_lists() -> None:
    with pytest.raises(ValueError, match="lists of names"):
        endpoint_slice("web", ["127.0.0.1:80"], zones="z")


def test_endpoints() -> None:
    raw = endpoints("web", ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1"], port_name="http", protocol="UDP")
    assert raw["subsets"] == [
        {
            "addresses": [{"ip": "127.0.0.1"}, {"ip": "127.0.0.2"}],
            "ports": [{"name": "http", "port": 1, "protocol": "UDP"}],
        },
        {"addresses": [{"ip": "127.0.0.1"}], "ports": [{"name": "http", "port": 2, "protocol": "UDP"}]},
    ]


def test_nodes_and_namespaces() -> None:
    raw = node("n", zone="z", internal_ips=["10.0.0.1"], labels={"a": "b"}, unschedulable=True)
    assert raw["metadata"] == {"name": "n", "labels": {"topology.kubernetes.io/zone": "z", "a": "b"}}
    assert raw["spec"] == {"unschedulable": True}
    assert raw["status"] == {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}
    assert namespace("shop")["metadata"] == {"name": "shop"}


@pytest.mark.parametrize(
    "raw", [service("web", 80), endpoint_slice("web", ["127.0.0.1:80"]), node("n", zone="z")]
)
def test_what_is_built_decodes_without_a_problem(raw: RawObject) -> None:
    decoded = decode({**raw})
    assert isinstance(decoded, Upsert)
    assert [problem for problem in decoded.problems if problem.field != "ports[0].name"] == []
