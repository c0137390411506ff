"""What is refused of EndpointSlices, Endpoints and Nodes when they are written."""

from __future__ import annotations

import pytest

from userproxy.manifest.defaults import complete
from userproxy.manifest.validation import validate


def errors(raw: dict[str, object], previous: dict[str, object] | None = None) -> list[str]:
    return [str(error) for error in validate(complete(raw), previous)]


def endpoint_slice(**fields: object) -> dict[str, object]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "web-1"},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"]}],
        "ports": [{"port": 80}],
        **fields,
    }


def endpoint(**fields: object) -> dict[str, object]:
    return endpoint_slice(endpoints=[{"addresses": ["10.0.0.1"], **fields}])


def addresses(*texts: object, address_type: str = "IPv4") -> dict[str, object]:
    return endpoint_slice(addressType=address_type, endpoints=[{"addresses": list(texts)}])


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(endpoint_slice(), id="plain"),
        pytest.param(endpoint_slice(endpoints=None, ports=None), id="E13 empty"),
        pytest.param(addresses("127.0.0.1"), id="loopback, which a real server refuses"),
        pytest.param(addresses("::1", address_type="IPv6"), id="loopback of IPv6"),
        pytest.param(addresses("a.example", address_type="FQDN"), id="E2 FQDN"),
        pytest.param(addresses("10.0.0.1", "10.0.0.2"), id="E3 two addresses"),
        pytest.param(
            endpoint_slice(ports=[{"port": None}, {"name": "a", "port": 70000}]), id="E4 any number"
        ),
        pytest.param(endpoint_slice(endpoints=[{"addresses": ["10.0.0.1"]}] * 1000), id="1000 endpoints"),
        pytest.param(
            endpoint(hostname="a", nodeName="n.example", hints={"forZones": [{"name": "z"}]}), id="all fields"
        ),
    ],
)
@pytest.mark.spec("E2", "E3", "E4", "E13")
def test_slice_is_accepted(raw: dict[str, object]) -> None:
    assert errors(raw) == []


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(
            endpoint_slice(addressType=None), "addressType: Required value", id="D2 no address type"
        ),
        pytest.param(
            endpoint_slice(addressType="IP"), 'addressType: Unsupported value: "IP"', id="address type"
        ),
        pytest.param(
            endpoint_slice(endpoints=[{"addresses": ["10.0.0.1"]}] * 1001),
            "endpoints: Too many: 1001: must have at most 1000 items",
            id="1001 endpoints",
        ),
        pytest.param(
            endpoint_slice(ports=[{"name": f"p{n}", "port": n} for n in range(1, 102)]),
            "ports: Too many: 101: must have at most 100 items",
            id="101 ports",
        ),
        pytest.param(
            endpoint_slice(endpoints="x"), 'endpoints: Invalid value: "x": must be a list', id="no list"
        ),
        pytest.param(endpoint_slice(endpoints=[3]), "endpoints[0]: Invalid value: 3", id="no object"),
        pytest.param(addresses(), "endpoints[0].addresses: Required value", id="no address"),
        pytest.param(
            addresses(*["10.0.0.1"] * 101), "endpoints[0].addresses: Too many: 101", id="101 addresses"
        ),
        pytest.param(
            addresses("a.example"),
            'endpoints[0].addresses[0]: Invalid value: "a.example": must be an IPv4 address',
            id="host name",
        ),
        pytest.param(addresses("fd00::1"), "endpoints[0].addresses[0]: Invalid value", id="the other family"),
        pytest.param(addresses(3), "endpoints[0].addresses[0]: Invalid value: 3", id="address is a number"),
        pytest.param(addresses("0.0.0.0"), "endpoints[0].addresses[0]: Invalid value", id="unspecified"),
        pytest.param(addresses("169.254.1.1"), "endpoints[0].addresses[0]: Invalid value", id="link-local"),
        pytest.param(
            addresses("224.0.0.1"), "endpoints[0].addresses[0]: Invalid value", id="local multicast"
        ),
        pytest.param(
            addresses("10", address_type="FQDN"),
            "endpoints[0].addresses[0]: Invalid value",
            id="no domain name",
        ),
        pytest.param(endpoint(hostname="A"), "endpoints[0].hostname: Invalid value", id="hostname"),
        pytest.param(endpoint(nodeName="a b"), "endpoints[0].nodeName: Invalid value", id="node name"),
        pytest.param(
            endpoint(hints={"forZones": [{"name": f"z{n}"} for n in range(9)]}),
            "endpoints[0].hints.forZones: Too many: 9",
            id="nine zones",
        ),
        pytest.param(
            endpoint(hints={"forZones": [{"name": "z"}, {"name": "z"}]}),
            'endpoints[0].hints.forZones[1].name: Duplicate value: "z"',
            id="zone twice",
        ),
        pytest.param(
            endpoint(hints={"forNodes": [{}]}),
            "endpoints[0].hints.forNodes[0].name: Invalid value",
            id="no node",
        ),
        pytest.param(endpoint_slice(ports=[{"name": "A"}]), "ports[0].name: Invalid value", id="port name"),
        pytest.param(endpoint_slice(ports=[{}, {}]), "ports[1].name: Duplicate value", id="port name twice"),
        pytest.param(
            endpoint_slice(ports=[{"protocol": "x"}]), "ports[0].protocol: Unsupported", id="protocol"
        ),
        pytest.param(
            endpoint_slice(ports=[{"appProtocol": "a b"}]),
            "ports[0].appProtocol: Invalid",
            id="application protocol",
        ),
    ],
)
@pytest.mark.spec("D2")
def test_slice_is_refused(raw: dict[str, object], error: str) -> None:
    (found,) = errors(raw)
    assert found.startswith(error)


@pytest.mark.spec("E2")
def test_the_address_type_of_a_slice_does_not_change() -> None:
    old = endpoint_slice(addressType="IPv6", endpoints=[])
    assert errors(endpoint_slice(), complete(old)) == [
        'addressType: Invalid value: "IPv4": field is immutable'
    ]


def endpoints(**fields: object) -> dict[str, object]:
    subset = {"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}], **fields}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "web"}, "subsets": [subset]}


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(endpoints(), "", id="plain"),
        pytest.param(endpoints(addresses=[{"ip": "127.0.0.1"}]), "", id="loopback"),
        pytest.param(
            endpoints(addresses=[{"ip": "10.0.0.1", "hostname": "a", "nodeName": "n.a"}]), "", id="all fields"
        ),
        pytest.param(
            endpoints(ports=[{"port": 1, "appProtocol": "a b"}]),
            "subsets[0].ports[0].appProtocol: Invalid",
            id="application protocol",
        ),
        pytest.param(endpoints(addresses=[], notReadyAddresses=[{"ip": "10.0.0.1"}]), "", id="none is ready"),
        pytest.param(
            endpoints(addresses=[]), "subsets[0]: Required value: must specify addresses", id="no addresses"
        ),
        pytest.param(
            endpoints(addresses=[{"ip": "a"}]), "subsets[0].addresses[0].ip: Invalid value", id="no IP"
        ),
        pytest.param(endpoints(addresses=[3]), "subsets[0].addresses[0]: Invalid value: 3", id="no object"),
        pytest.param(
            endpoints(addresses=[{"ip": "10.0.0.1", "hostname": "A"}]),
            "subsets[0].addresses[0].hostname: Invalid",
            id="hostname",
        ),
        pytest.param(
            endpoints(addresses=[{"ip": "10.0.0.1", "nodeName": ""}]),
            "subsets[0].addresses[0].nodeName: Invalid",
            id="node name",
        ),
        pytest.param(endpoints(ports=[{"port": 0}]), "subsets[0].ports[0].port: Invalid value: 0", id="port"),
        pytest.param(
            endpoints(ports=[{"port": 1, "name": "a"}, {"port": 2}]),
            "subsets[0].ports[1].name: Required value",
            id="name of the second port",
        ),
        pytest.param(
            endpoints(ports=[{"port": 1, "protocol": "x"}]),
            "subsets[0].ports[0].protocol: Unsupported",
            id="protocol",
        ),
        pytest.param({**endpoints(), "subsets": 3}, "subsets: Invalid value: 3", id="no list"),
    ],
)
@pytest.mark.spec("D6")
def test_endpoints(raw: dict[str, object], error: str) -> None:
    found = errors(raw)
    assert len(found) == bool(error)
    assert "".join(found).startswith(error)


def node(**spec: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": spec}


TAINT = {"key": "example.com/a", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(node(), "", id="plain"),
        pytest.param(node(podCIDR="10.0.0.0/24", podCIDRs=["10.0.0.0/24", "fd00::/64"]), "", id="pod ranges"),
        pytest.param(node(taints=[TAINT, {**TAINT, "effect": "NoExecute", "value": "x"}]), "", id="taints"),
        pytest.param(node(podCIDRs=["x"]), "spec.podCIDRs[0]: Invalid value", id="no range"),
        pytest.param(
            node(podCIDRs=["10.0.0.0/24", "10.1.0.0/24"]),
            "spec.podCIDRs[1]: Invalid value",
            id="two of a family",
        ),
        pytest.param(
            node(podCIDR="10.1.0.0/24", podCIDRs=["10.0.0.0/24"]),
            "spec.podCIDRs[0]: Invalid",
            id="two opinions",
        ),
        pytest.param(
            node(taints=[{**TAINT, "key": "a b"}]), "spec.taints[0].key: Invalid value", id="taint key"
        ),
        pytest.param(
            node(taints=[{**TAINT, "value": "a b"}]), "spec.taints[0].value: Invalid value", id="taint value"
        ),
        pytest.param(
            node(taints=[{**TAINT, "effect": "x"}]), "spec.taints[0].effect: Unsupported", id="effect"
        ),
        pytest.param(node(taints=[TAINT, TAINT]), "spec.taints[1]: Duplicate value", id="taint twice"),
    ],
)
def test_node(raw: dict[str, object], error: str) -> None:
    found = errors(raw)
    assert len(found) == bool(error)
    assert "".join(found).startswith(error)


def test_pod_ranges_of_a_node_do_not_change() -> None:
    old = node(podCIDRs=["10.0.0.0/24"])
    assert errors(node(podCIDRs=["10.0.1.0/24"]), old) == [
        "spec.podCIDRs: Forbidden: may not change once set"
    ]
    assert errors(old, node()) == []
    assert errors(old, old) == []
