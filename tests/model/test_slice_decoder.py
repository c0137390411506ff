"""An EndpointSlice as a whole: owner, family, ports, what is no change (rules E1, E2, E4, E10, E13)."""

from __future__ import annotations

import pytest

from tests.model.raw import decoded_slice, endpoint, endpoint_slice, places, port, refusal
from userproxy.model.decode import decode_endpoint_slice
from userproxy.model.endpoints import EndpointSlice, SliceEndpoint, SlicePort
from userproxy.model.findings import shorten
from userproxy.model.names import Family, NamespacedName, ObjectRef, Protocol
from userproxy.model.problems import Severity

TCP, UDP = Protocol.TCP, Protocol.UDP
LABEL = "kubernetes.io/service-name"


def test_a_full_slice() -> None:
    raw = endpoint_slice(
        metadata={"namespace": "prod", "name": "web-abc", "labels": {LABEL: "web", "app": "web"}},
        ports=[port(8080, appProtocol="http")],
        endpoints=[
            endpoint(
                "10.0.0.1",
                hostname="web-0",
                targetRef={"kind": "Pod", "name": "web-0"},
                zone="eu-1a",
                deprecatedTopology={"a": "b"},
                hints={"forZones": [{"name": "eu-1a"}], "forNodes": [{"name": "node-1"}]},
            )
        ],
    )
    decoded, problems = decoded_slice(raw)
    assert problems == ()
    assert decoded == EndpointSlice(
        namespace="prod",
        name="web-abc",
        service_name="web",
        address_type=Family.IPV4,
        ports=(SlicePort("http", TCP, 8080),),
        endpoints=(
            SliceEndpoint("10.0.0.1", True, True, False, "node-1", ("eu-1a",), ("node-1",), "web-0", "web-0"),
        ),
    )
    assert decoded.key == NamespacedName("prod", "web-abc")
    assert decoded.service == NamespacedName("prod", "web")
    assert decoded.ref == ObjectRef("EndpointSlice", "prod", "web-abc")


@pytest.mark.parametrize("labels", [None, {}, {"app": "web"}, {LABEL: ""}, {LABEL: None}], ids=repr)
@pytest.mark.spec("E1")
def test_E1_a_slice_without_its_label_belongs_to_no_service_and_says_so(labels: object) -> None:
    decoded, (problem,) = decoded_slice(endpoint_slice((endpoint(),), metadata={"labels": labels}))
    assert decoded.service_name == ""
    assert len(decoded.endpoints) == 1
    assert (problem.field, problem.rule) == (f"metadata.labels[{LABEL}]", "E1")
    assert problem.severity is Severity.WARNING


@pytest.mark.parametrize("name", ["Web", "a.b", "a" * 64, "a b", "x\n", "a" * 10**6], ids=shorten)
@pytest.mark.spec("E1")
def test_E1_a_label_that_can_name_no_service_is_none(name: str) -> None:
    decoded, (problem,) = decoded_slice(endpoint_slice(metadata={"labels": {LABEL: name}}))
    assert decoded.service_name == ""
    assert (problem.value, problem.rule) == (shorten(name), "E1")


@pytest.mark.parametrize("value", [7, True, [], {}], ids=repr)
@pytest.mark.spec("D7", "E1")
def test_D7_a_label_that_is_no_text_refuses_the_slice(value: object) -> None:
    event = decode_endpoint_slice(endpoint_slice(metadata={"labels": {LABEL: value}}))
    assert [problem.field for problem in refusal(event)] == [f"metadata.labels[{LABEL}]"]


@pytest.mark.parametrize("value", ["", "true", None, 7], ids=repr)
@pytest.mark.spec("E1")
def test_E1_a_slice_of_a_headless_service_is_marked(value: object) -> None:
    headless = {"service.kubernetes.io/headless": value}
    decoded, problems = decoded_slice(endpoint_slice(metadata={"labels": {LABEL: "web", **headless}}))
    assert (decoded.headless, decoded.service_name, problems) == (True, "web", ())
    nameless, problems = decoded_slice(endpoint_slice(metadata={"labels": headless}))
    assert (nameless.headless, nameless.service_name, problems) == (True, "", ())
    assert decoded_slice(endpoint_slice())[0].headless is False


@pytest.mark.parametrize(
    ("address_type", "address", "family"),
    [("IPv4", "10.0.0.1", Family.IPV4), ("IPv6", "fd00::1", Family.IPV6)],
)
@pytest.mark.spec("E2")
def test_E2_families(address_type: str, address: str, family: Family) -> None:
    decoded, problems = decoded_slice(endpoint_slice((endpoint(address),), addressType=address_type))
    assert (decoded.address_type, problems) == (family, ())
    assert [found.address for found in decoded.endpoints] == [address]


@pytest.mark.spec("E2")
def test_E2_host_names_are_ignored_without_a_word() -> None:
    decoded, problems = decoded_slice(endpoint_slice((endpoint("web.example.com"), None), addressType="FQDN"))
    assert (decoded.address_type, decoded.endpoints, decoded.invalid, problems) == (None, (), (), ())


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.spec("D2", "D7")
def test_D2_the_address_type_is_required(value: object) -> None:
    event = decode_endpoint_slice(endpoint_slice(addressType=value))
    assert places(refusal(event)) == [("addressType", "", "D2")]


@pytest.mark.parametrize("value", ["ipv4", "IP", "IPv5", 4, True, [], {}, ["IPv4"]], ids=repr)
@pytest.mark.spec("D7")
def test_D7_a_bad_address_type_refuses_the_slice(value: object) -> None:
    event = decode_endpoint_slice(endpoint_slice((endpoint(),), addressType=value))
    assert [problem.field for problem in refusal(event)] == ["addressType"]


@pytest.mark.parametrize("field", ["ports", "endpoints"])
@pytest.mark.parametrize("value", [7, True, "x", "", {}, {"addresses": ["10.0.0.1"]}], ids=repr)
@pytest.mark.spec("D7")
def test_D7_a_list_that_is_no_list_refuses_the_slice(field: str, value: object) -> None:
    event = decode_endpoint_slice({**endpoint_slice(), field: value})
    assert [problem.field for problem in refusal(event)] == [field]


@pytest.mark.parametrize("field", ["ports", "endpoints"])
@pytest.mark.parametrize("absent", [True, False])
@pytest.mark.spec("E13")
def test_E13_null_or_no_ports_and_endpoints_are_valid_and_empty(field: str, absent: bool) -> None:
    raw = endpoint_slice((endpoint(),))
    empty = decode_endpoint_slice({**raw, field: []})
    raw[field] = None
    if absent:
        del raw[field]
    decoded, problems = decoded_slice(raw)
    assert getattr(decoded, field) == ()
    assert problems == ()
    assert decode_endpoint_slice(raw) == empty


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(port(8080), SlicePort("http", TCP, 8080), id="plain"),
        pytest.param(port(53, "dns", "UDP"), SlicePort("dns", UDP, 53), id="UDP"),
        pytest.param(port(9000, "x", "SCTP"), SlicePort("x", Protocol.SCTP, 9000), id="SCTP"),
        pytest.param(port(1, ""), SlicePort("", TCP, 1), id="empty name, smallest number"),
        pytest.param(port(65535), SlicePort("http", TCP, 65535), id="largest number"),
        pytest.param({"name": "a", "port": 80}, SlicePort("a", TCP, 80), id="D2 protocol absent"),
        pytest.param(port(80, "a", None), SlicePort("a", TCP, 80), id="D2 protocol null"),
        pytest.param(port(80, "a", ""), SlicePort("a", TCP, 80), id="D2 protocol empty"),
    ],
)
@pytest.mark.spec("E4", "D2")
def test_E4_good_ports(entry: object, expected: SlicePort) -> None:
    decoded, problems = decoded_slice(endpoint_slice(ports=[entry]))
    assert (decoded.ports, problems) == ((expected,), ())


@pytest.mark.parametrize(
    ("entry", "field", "value", "rule"),
    [
        pytest.param(port(80, None), ".name", "", "E4", id="E4 name null"),
        pytest.param({"port": 80}, ".name", "", "E4", id="E4 name absent"),
        pytest.param(port(None), ".port", "", "E4", id="E4 number null, all ports"),
        pytest.param({"name": "a"}, ".port", "", "E4", id="E4 number absent"),
        pytest.param(port(0), ".port", "0", "E4", id="E4 number 0"),
        pytest.param(port(70000), ".port", "70000", "D7", id="number too large"),
        pytest.param(port(-1), ".port", "-1", "D7", id="number negative"),
        pytest.param(port("80"), ".port", "80", "D7", id="number is text"),
        pytest.param(port(80.0), ".port", "80.0", "D7", id="number is a fraction"),
        pytest.param(port(True), ".port", "true", "D7", id="number is true"),
        pytest.param(port(False), ".port", "false", "D7", id="number is false"),
        pytest.param(port([80]), ".port", "list of 1", "D7", id="number is a list"),
        pytest.param(port(80, 7), ".name", "7", "D7", id="name is a number"),
        pytest.param(port(80, "A b\n"), ".name", r"A b\n", "D7", id="name is strange"),
        pytest.param(port(80, "a", "tcp"), ".protocol", "tcp", "D7", id="protocol in lower case"),
        pytest.param(port(80, "a", 6), ".protocol", "6", "D7", id="protocol is a number"),
        pytest.param(None, "", "null", "D7", id="null"),
        pytest.param(80, "", "80", "D7", id="number"),
        pytest.param([80], "", "list of 1", "D7", id="list"),
    ],
)
@pytest.mark.spec("E4", "D7")
def test_E4_D7_a_bad_port_is_left_out_alone(entry: object, field: str, value: str, rule: str) -> None:
    good, _ = decoded_slice(endpoint_slice((endpoint(),)))
    decoded, problems = decoded_slice(endpoint_slice((endpoint(),), ports=[entry, port(8080)]))
    assert decoded == good
    assert places(problems) == [(f"ports[0]{field}", value, rule)]
    assert problems[0].severity is Severity.ERROR


@pytest.mark.spec("E10")
def test_E10_order_of_ports_and_a_port_twice_are_no_change() -> None:
    ports = [port(8080, "b"), port(8080, "a"), port(53, "a", "UDP"), port(8081, "a")]
    expected = decode_endpoint_slice(endpoint_slice(ports=ports))
    assert decode_endpoint_slice(endpoint_slice(ports=ports[::-1])) == expected
    assert decode_endpoint_slice(endpoint_slice(ports=[*ports, ports[0]])) == expected
    decoded, _ = decoded_slice(endpoint_slice(ports=ports))
    assert decoded.ports == (
        SlicePort("a", TCP, 8080),
        SlicePort("a", TCP, 8081),
        SlicePort("a", UDP, 53),
        SlicePort("b", TCP, 8080),
    )


LAST_CHANGE = "endpoints.kubernetes.io/last-change-trigger-time"


@pytest.mark.parametrize(
    "metadata",
    [
        {"resourceVersion": "999", "generation": 7, "uid": "x", "managedFields": [{}]},
        {"annotations": {LAST_CHANGE: "2024-05-01T12:00:00Z"}},
        {"labels": {LABEL: "web", "app": "other"}},
        {"annotations": None, "ownerReferences": [{"kind": "Service"}], "creationTimestamp": "x"},
    ],
    ids=lambda metadata: next(iter(metadata)),
)
@pytest.mark.spec("E10")
def test_E10_metadata_alone_is_no_change(metadata: dict[str, object]) -> None:
    expected = decode_endpoint_slice(endpoint_slice((endpoint(),)))
    assert decode_endpoint_slice(endpoint_slice((endpoint(),), metadata=metadata)) == expected


@pytest.mark.parametrize(("count", "warned"), [(1000, False), (1001, True), (20_000, True)])
def test_a_slice_larger_than_the_api_allows_is_served_with_a_warning(count: int, warned: bool) -> None:
    entries = [endpoint(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}") for number in range(count)]
    decoded, problems = decoded_slice(endpoint_slice(entries))
    assert len(decoded.endpoints) == count
    assert [(problem.field, problem.value, problem.severity) for problem in problems] == (
        [("endpoints", f"list of {count}", Severity.WARNING)] if warned else []
    )


@pytest.mark.spec("D7")
def test_D7_twenty_thousand_bad_endpoints_leave_the_good_one_and_few_words() -> None:
    decoded, problems = decoded_slice(endpoint_slice([*[endpoint("web")] * 20_000, endpoint("10.0.0.1")]))
    assert [found.address for found in decoded.endpoints] == ["10.0.0.1"]
    assert len(decoded.invalid) == 20_000
    assert len(problems) == 101
    assert problems[-1].message == "has 19901 more problems, which are not shown"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    event = decode_endpoint_slice(
        endpoint_slice((endpoint("x"),), metadata={"name": "A"}, addressType="IPv5", ports=[port(70000)])
    )
    assert [problem.field for problem in refusal(event)] == ["metadata.name", "addressType", "ports[0].port"]
