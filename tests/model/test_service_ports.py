"""Ports of a Service: any bad one refuses the Service whole (rules D5, D7)."""

from __future__ import annotations

import pytest

from tests.model.raw import decoded_service, places, port, refusal, service
from userproxy.model.decode import decode_service
from userproxy.model.findings import shorten
from userproxy.model.names import Protocol
from userproxy.model.problems import Severity
from userproxy.model.service import ServicePortSpec, ServiceType

TCP, UDP, SCTP = Protocol.TCP, Protocol.UDP, Protocol.SCTP


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        pytest.param([port(1)], [("http", TCP, 1)], id="smallest number"),
        pytest.param([port(65535)], [("http", TCP, 65535)], id="largest number"),
        pytest.param([{"port": 80}], [("", TCP, 80)], id="D1 name and protocol absent"),
        pytest.param([port(80, None, None)], [("", TCP, 80)], id="D1 name and protocol null"),
        pytest.param([port(80, "", "")], [("", TCP, 80)], id="D1 name and protocol empty"),
        pytest.param(
            [port(53, "dns", "UDP"), port(53, "dns-tcp")],
            [("dns", UDP, 53), ("dns-tcp", TCP, 53)],
            id="D5 one number for two protocols",
        ),
        pytest.param(
            [port(80, "b"), port(79, "a"), port(81, "c")],
            [("b", TCP, 80), ("a", TCP, 79), ("c", TCP, 81)],
            id="ports keep their order",
        ),
        pytest.param((port(80),), [("http", TCP, 80)], id="a tuple from a Python call"),
        pytest.param([port(80, "a" * 63)], [("a" * 63, TCP, 80)], id="longest name"),
    ],
)
@pytest.mark.spec("D1", "D5")
def test_D5_good_ports(ports: object, expected: list[tuple[str, Protocol, int]]) -> None:
    decoded, problems = decoded_service(service(ports=ports))
    assert [(spec.name, spec.protocol, spec.port) for spec in decoded.ports] == expected
    assert problems == ()


@pytest.mark.spec("S9")
def test_S9_target_port_is_never_read() -> None:
    expected, _ = decoded_service(service())
    targets: list[object] = [8080, "http", "no port", None, [], {}, 70000]
    for target in targets:
        assert decoded_service(service(ports=[port(targetPort=target, appProtocol=5)])) == (expected, ())


MISSING_PORTS = [{"ports": None}, {"ports": []}, {"ports": ()}]


@pytest.mark.parametrize("spec", MISSING_PORTS, ids=repr)
@pytest.mark.spec("D5")
def test_D5_a_service_needs_a_port(spec: dict[str, object]) -> None:
    assert places(refusal(decode_service(service(spec)))) == [("spec.ports", "", "D5")]


@pytest.mark.parametrize("spec", MISSING_PORTS, ids=repr)
@pytest.mark.parametrize(
    "without", [{"clusterIP": "None"}, {"type": "ExternalName", "externalName": "example.com"}], ids=repr
)
@pytest.mark.spec("D5")
def test_D5_headless_and_external_name_need_none(spec: dict[str, object], without: dict[str, object]) -> None:
    decoded, problems = decoded_service(service({**spec, **without}))
    assert (decoded.ports, problems) == ((), ())


@pytest.mark.parametrize("raw", [{}, {"spec": None}, {"spec": {}}], ids=repr)
@pytest.mark.spec("D5")
def test_D5_a_service_without_a_spec_is_refused(raw: dict[str, object]) -> None:
    event = decode_service({"kind": "Service", "apiVersion": "v1", "metadata": {"name": "web"}, **raw})
    assert places(refusal(event)) == [("spec.ports", "", "D5")]


@pytest.mark.parametrize("spec", [7, True, "x", [], [{}]], ids=repr)
@pytest.mark.spec("D7")
def test_D7_a_spec_that_is_no_object_refuses_the_service(spec: object) -> None:
    assert "spec" in [problem.field for problem in refusal(decode_service({**service(), "spec": spec}))]


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        pytest.param(
            [port(80, ""), port(81, "b")], [("spec.ports[0].name", "", "D5")], id="one of two has no name"
        ),
        pytest.param(
            [port(80, ""), port(81, "")],
            [("spec.ports[0].name", "", "D5"), ("spec.ports[1].name", "", "D5")],
            id="two have no name",
        ),
        pytest.param([port(80, "a"), port(81, "a")], [("spec.ports[1].name", "a", "D5")], id="same name"),
        pytest.param(
            [port(53, "a"), port(53, "a", "UDP")],
            [("spec.ports[1].name", "a", "D5")],
            id="same name, other protocol",
        ),
        pytest.param([port(80, "a"), port(80, "b")], [("spec.ports[1].port", "80", "D5")], id="same number"),
        pytest.param(
            [port(80, "a"), port(81, "b"), port(80, "c")],
            [("spec.ports[2].port", "80", "D5")],
            id="same number, one between",
        ),
    ],
)
@pytest.mark.spec("D5")
def test_D5_ports_that_are_not_distinct(ports: object, expected: list[tuple[str, str, str]]) -> None:
    assert places(refusal(decode_service(service(ports=ports)))) == expected


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        (port(80, "a", nodePort=30080), port(81, "b", nodePort=30080), True),
        (port(80, "a", nodePort=30080), port(81, "b", "UDP", nodePort=30080), False),
        (port(80, "a", nodePort=30080), port(81, "b", nodePort=30081), False),
        (port(80, "a", nodePort=0), port(81, "b", nodePort=0), False),
        (port(80, "a"), port(81, "b"), False),
    ],
)
@pytest.mark.spec("D5")
def test_D5_node_ports_are_distinct_for_a_protocol(first: object, second: object, refused: bool) -> None:
    event = decode_service(service(type="NodePort", ports=[first, second]))
    expected = [("spec.ports[1].nodePort", "30080", "D5")] if refused else []
    assert places(event.problems) == expected


@pytest.mark.parametrize("entry", [{"name": "http"}, port(None)], ids=repr)
@pytest.mark.spec("D7")
def test_D7_a_missing_number_refuses_the_service(entry: object) -> None:
    (problem,) = refusal(decode_service(service(ports=[entry])))
    assert (problem.field, problem.value) == ("spec.ports[0].port", "")
    assert problem.message == "is missing; the Service is refused"


BAD_NUMBERS = [-1, 65536, 70000, 80.0, "80", "http", True, False, [], {}, 10**5000]


@pytest.mark.parametrize("number", [0, *BAD_NUMBERS], ids=shorten)
@pytest.mark.spec("D7")
def test_D7_a_bad_number_refuses_the_service(number: object) -> None:
    (problem,) = refusal(decode_service(service(ports=[port(number)])))
    assert (problem.field, problem.rule, problem.severity) == ("spec.ports[0].port", "D7", Severity.ERROR)
    assert len(problem.value) <= 80


@pytest.mark.parametrize("number", BAD_NUMBERS, ids=shorten)
@pytest.mark.parametrize("service_type", ["ClusterIP", "NodePort"])
@pytest.mark.spec("D7")
def test_D7_a_bad_node_port_refuses_the_service(number: object, service_type: str) -> None:
    event = decode_service(service(type=service_type, ports=[port(nodePort=number)]))
    assert [problem.field for problem in refusal(event)] == ["spec.ports[0].nodePort"]


@pytest.mark.parametrize("number", [None, 0])
def test_a_node_port_that_is_none_is_not_stated(number: object) -> None:
    decoded, problems = decoded_service(service(type="NodePort", ports=[port(nodePort=number)]))
    assert (decoded.ports[0].node_port, problems) == (None, ())


@pytest.mark.parametrize("service_type", ["NodePort", "LoadBalancer"])
def test_a_stated_node_port(service_type: str) -> None:
    decoded, problems = decoded_service(service(type=service_type, ports=[port(nodePort=30080)]))
    assert (decoded.ports[0].node_port, problems) == (30080, ())


@pytest.mark.parametrize("service_type", ["ClusterIP", "ExternalName"])
@pytest.mark.spec("D1")
def test_D1_a_node_port_of_a_type_without_is_left_out(service_type: str) -> None:
    raw = service(type=service_type, ports=[port(nodePort=30080)], externalName="db.example.com")
    decoded, (problem,) = decoded_service(raw)
    assert decoded.ports == (ServicePortSpec("http", TCP, 80),)
    assert (problem.field, problem.severity) == ("spec.ports[0].nodePort", Severity.WARNING)


@pytest.mark.parametrize("name", ["A", "a_b", "a.b", "-a", "a" * 64, "a b", "\n", 7, True, [], {}], ids=repr)
@pytest.mark.spec("D7")
def test_D7_a_bad_port_name_refuses_the_service(name: object) -> None:
    event = decode_service(service(ports=[port(80, name)]))
    assert [problem.field for problem in refusal(event)] == ["spec.ports[0].name"]


@pytest.mark.parametrize("protocol", ["tcp", "HTTP", "TCP ", 6, True, [], {}], ids=repr)
@pytest.mark.spec("D7")
def test_D7_a_bad_protocol_refuses_the_service(protocol: object) -> None:
    event = decode_service(service(ports=[port(80, "http", protocol)]))
    assert [problem.field for problem in refusal(event)] == ["spec.ports[0].protocol"]


@pytest.mark.parametrize("entry", [None, 80, "80", True, [], [80]], ids=repr)
@pytest.mark.spec("D7")
def test_D7_a_port_that_is_no_object_refuses_the_service(entry: object) -> None:
    event = decode_service(service(ports=[port(80), entry]))
    assert [problem.field for problem in refusal(event)] == ["spec.ports[1]"]


@pytest.mark.parametrize("ports", [80, "80", True, {}, {"port": 80}], ids=repr)
@pytest.mark.spec("D7")
def test_D7_ports_that_are_no_list_refuse_the_service(ports: object) -> None:
    for cluster_ip in ("10.96.0.1", "None"):
        event = decode_service(service(ports=ports, clusterIP=cluster_ip))
        assert [problem.field for problem in refusal(event)] == ["spec.ports"]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    event = decode_service(
        service(
            metadata={"name": "Web"}, ports=[port(0, "A", "tcp"), port(70000, "b"), None], externalIPs=["x"]
        )
    )
    assert [problem.field for problem in refusal(event)] == [
        "metadata.name",
        "spec.ports[0].name",
        "spec.ports[0].protocol",
        "spec.ports[0].port",
        "spec.ports[1].port",
        "spec.ports[2]",
        "spec.externalIPs[0]",
    ]


@pytest.mark.spec("S7")
def test_S7_an_sctp_port_is_kept_with_a_warning_and_the_others_are_untouched() -> None:
    ports = [port(80), port(9000, "tunnel", "SCTP", nodePort=30900), port(80, "udp", "UDP")]
    decoded, problems = decoded_service(service(type="NodePort", ports=ports))
    assert decoded.ports == (
        ServicePortSpec("http", TCP, 80),
        ServicePortSpec("tunnel", SCTP, 9000, 30900),
        ServicePortSpec("udp", UDP, 80),
    )
    (problem,) = problems
    assert (problem.field, problem.value, problem.rule) == ("spec.ports[1].protocol", "SCTP", "S7")
    assert problem.severity is Severity.WARNING
    assert "not supported" in problem.message


def test_ten_thousand_ports_of_one_name_are_refused_in_bounded_words() -> None:
    event = decode_service(service(type=ServiceType.NODE_PORT.value, ports=[port()] * 10_000))
    assert len(refusal(event)) == 101
