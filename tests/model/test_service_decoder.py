"""A Service as a whole: type, affinity, policies, health check, labels, what is no change."""

from __future__ import annotations

import pytest

from tests.model.raw import decoded_service, place, places, port, refusal, service
from userproxy.model.decode import decode_service
from userproxy.model.names import Family, NamespacedName, ObjectRef, Protocol
from userproxy.model.problems import Severity
from userproxy.model.service import (
    Balancer,
    PortOptions,
    Service,
    ServicePortSpec,
    ServiceType,
    TrafficPolicy,
)

CLUSTER, LOCAL = TrafficPolicy.CLUSTER, TrafficPolicy.LOCAL


def test_a_full_service() -> None:
    raw = service(
        metadata={
            "name": "web",
            "namespace": "prod",
            "creationTimestamp": "2024-05-01T12:00:00Z",
            "annotations": {"userproxy.dev/balancer": "consistent-hash"},
            "labels": {"app": "web"},
        },
        type="LoadBalancer",
        clusterIP="10.96.0.1",
        clusterIPs=["10.96.0.1", "fd00::1"],
        ipFamilies=["IPv4", "IPv6"],
        ipFamilyPolicy="RequireDualStack",
        ports=[port(443, "https", nodePort=30443)],
        sessionAffinity="ClientIP",
        sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}},
        internalTrafficPolicy="Local",
        externalTrafficPolicy="Local",
        allocateLoadBalancerNodePorts=False,
        externalIPs=["192.0.2.1"],
        loadBalancerSourceRanges=["198.51.100.0/24"],
        healthCheckNodePort=30999,
        publishNotReadyAddresses=True,
        trafficDistribution="PreferClose",
        selector={"app": "web"},
        status={"loadBalancer": {"ingress": [{"ip": "203.0.113.1", "ipMode": "VIP"}]}, "conditions": []},
    )
    decoded, problems = decoded_service(raw)
    assert problems == ()
    assert decoded == Service(
        namespace="prod",
        name="web",
        type=ServiceType.LOAD_BALANCER,
        ports=(
            ServicePortSpec(
                "https", Protocol.TCP, 443, 30443, PortOptions(balancer=Balancer.CONSISTENT_HASH)
            ),
        ),
        headless=False,
        cluster_ips=((Family.IPV4, "10.96.0.1"), (Family.IPV6, "fd00::1")),
        families=(Family.IPV4, Family.IPV6),
        session_affinity_s=60,
        internal_traffic_policy=LOCAL,
        external_traffic_policy=LOCAL,
        allocate_node_ports=False,
        external_ips=("192.0.2.1",),
        load_balancer_ips=("203.0.113.1",),
        source_ranges=("198.51.100.0/24",),
        health_check_node_port=30999,
        service_proxy_name=None,
        creation_timestamp="2024-05-01T12:00:00Z",
    )
    assert decoded.key == NamespacedName("prod", "web")
    assert decoded.ref == ObjectRef("Service", "prod", "web")


def test_the_least_service() -> None:
    raw = {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {"name": "web"},
        "spec": {"ports": [{"port": 80}]},
    }
    decoded, problems = decoded_service(raw)
    assert decoded == Service("default", "web", ports=(ServicePortSpec("", Protocol.TCP, 80),))
    assert problems == ()


NOT_RELEVANT = [
    pytest.param(service(metadata={"labels": {"app": "other"}}), id="labels"),
    pytest.param(service(metadata={"annotations": {"example.com/a": "b"}}), id="other annotations"),
    pytest.param(service(metadata={"resourceVersion": "999", "uid": "x"}), id="resourceVersion"),
    pytest.param(service(metadata={"managedFields": [{"manager": "kubectl"}]}), id="managedFields"),
    pytest.param(service(metadata={"ownerReferences": [{}], "finalizers": ["x"]}), id="owners"),
    pytest.param(service(metadata={"labels": None, "annotations": None}), id="null labels"),
    pytest.param(service(selector={"app": "other"}), id="selector"),
    pytest.param(service(trafficDistribution="PreferClose"), id="trafficDistribution"),
    pytest.param(service(publishNotReadyAddresses=True), id="S9 publishNotReadyAddresses"),
    pytest.param(service(ports=[port(targetPort="other", appProtocol="h2c")]), id="S9 targetPort"),
    pytest.param(service(ipFamilyPolicy="SingleStack", clusterIPs=["10.96.0.1"]), id="completed addresses"),
    pytest.param(service(ipFamilies=["IPv4"]), id="completed families"),
    pytest.param(service(sessionAffinityConfig={"clientIP": {"timeoutSeconds": 5}}), id="unused affinity"),
    pytest.param(service(healthCheckNodePort=30999), id="unused health check"),
    pytest.param(service(status={"conditions": [{"type": "Ready"}]}), id="status"),
]


@pytest.mark.parametrize("changed", NOT_RELEVANT)
@pytest.mark.spec("S11", "S9")
def test_S11_what_means_nothing_for_a_proxy_gives_an_equal_value(changed: dict[str, object]) -> None:
    assert changed != service()
    assert decode_service(changed) == decode_service(service())


@pytest.mark.parametrize(
    "change",
    [
        {"ports": [port(81)]},
        {"ports": [port(80, "other")]},
        {"ports": [port(80, "http", "UDP")]},
        {"clusterIP": "10.96.0.2"},
        {"clusterIP": "None"},
        {"type": "ExternalName"},
        {"sessionAffinity": "ClientIP"},
        {"internalTrafficPolicy": "Local"},
        {"externalTrafficPolicy": "Local"},
        {"externalIPs": ["192.0.2.1"]},
        {"loadBalancerSourceRanges": ["10.0.0.0/8"]},
    ],
    ids=repr,
)
@pytest.mark.spec("S11")
def test_S11_what_means_something_gives_another_value(change: dict[str, object]) -> None:
    assert decoded_service(service(change))[0] != decoded_service(service())[0]


@pytest.mark.parametrize("service_type", list(ServiceType))
@pytest.mark.spec("S1", "D1")
def test_S1_types(service_type: ServiceType) -> None:
    decoded, problems = decoded_service(service(type=service_type.value, externalName="db.example.com"))
    assert (decoded.type, problems) == (service_type, ())


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.spec("D1")
def test_D1_absent_choices_have_their_defaults(value: object) -> None:
    decoded, problems = decoded_service(
        service(type=value, sessionAffinity=value, externalTrafficPolicy=value, internalTrafficPolicy=value)
    )
    assert decoded.type is ServiceType.CLUSTER_IP
    assert decoded.session_affinity_s is None
    assert (decoded.external_traffic_policy, decoded.internal_traffic_policy) == (CLUSTER, CLUSTER)
    assert problems == ()


@pytest.mark.parametrize(
    "field", ["type", "sessionAffinity", "internalTrafficPolicy", "externalTrafficPolicy"]
)
@pytest.mark.parametrize("value", ["local", "None ", 7, True, [], {}], ids=repr)
@pytest.mark.spec("D7")
def test_D7_an_unknown_choice_is_a_warning_and_the_default(field: str, value: object) -> None:
    decoded, (problem,) = decoded_service(service({field: value}))
    assert decoded == decoded_service(service())[0]
    assert problem.field == f"spec.{field}"
    assert problem.severity is Severity.WARNING


LABEL = "service.kubernetes.io/service-proxy-name"


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        pytest.param({LABEL: "other"}, "other", id="a name"),
        pytest.param({LABEL: ""}, "", id="empty still counts"),
        pytest.param({LABEL: None}, "", id="null is the empty text"),
        pytest.param({LABEL: "a\n" + "b" * 10**6}, r"a\n" + "b" * 76 + "…", id="strange, made safe to show"),
        pytest.param({"app": "web"}, None, id="absent"),
        pytest.param(
            {"service.kubernetes.io/headless": ""}, None, id="the headless label means nothing here"
        ),
    ],
)
@pytest.mark.spec("S1")
def test_S1_service_proxy_name(labels: dict[str, object], name: str | None) -> None:
    decoded, problems = decoded_service(service(metadata={"labels": labels}))
    assert (decoded.service_proxy_name, decoded.headless, problems) == (name, False, ())


@pytest.mark.parametrize("value", [7, True, [], {}], ids=repr)
@pytest.mark.spec("D7")
def test_D7_a_label_that_is_no_text_refuses_the_service(value: object) -> None:
    event = decode_service(service(metadata={"labels": {LABEL: value}}))
    assert [problem.field for problem in refusal(event)] == [f"metadata.labels[{LABEL}]"]


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        pytest.param(None, 10800, id="D1 default"),
        pytest.param({"clientIP": None}, 10800, id="D1 default, null inside"),
        pytest.param({"clientIP": {"timeoutSeconds": None}}, 10800, id="D1 default, null"),
        pytest.param({"clientIP": {"timeoutSeconds": 1}}, 1, id="B2 shortest"),
        pytest.param({"clientIP": {"timeoutSeconds": 86400}}, 86400, id="B2 longest"),
    ],
)
@pytest.mark.spec("B2", "D1")
def test_B2_affinity_timeout(config: object, seconds: int) -> None:
    decoded, problems = decoded_service(service(sessionAffinity="ClientIP", sessionAffinityConfig=config))
    assert (decoded.session_affinity_s, problems) == (seconds, ())


@pytest.mark.parametrize("value", [0, -1, 86401, 1.5, "60", True, [], {}], ids=repr)
@pytest.mark.spec("B2")
def test_B2_a_bad_timeout_is_a_warning_and_the_default(value: object) -> None:
    config = {"clientIP": {"timeoutSeconds": value}}
    decoded, (problem,) = decoded_service(service(sessionAffinity="ClientIP", sessionAffinityConfig=config))
    assert decoded.session_affinity_s == 10800
    assert (problem.field, problem.rule) == ("spec.sessionAffinityConfig.clientIP.timeoutSeconds", "B2")
    assert problem.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("service_type", "policy", "number", "expected", "wrong"),
    [
        ("LoadBalancer", "Local", 30999, 30999, False),
        ("LoadBalancer", "Local", None, None, False),
        ("LoadBalancer", "Local", 0, None, True),
        ("LoadBalancer", "Local", 70000, None, True),
        ("LoadBalancer", "Local", "30999", None, True),
        ("LoadBalancer", "Local", True, None, True),
        ("LoadBalancer", "Cluster", 30999, None, False),
        ("LoadBalancer", "Cluster", 0, None, False),
        ("NodePort", "Local", 30999, None, False),
        ("NodePort", "Local", 0, None, False),
        ("ClusterIP", "Local", 30999, None, False),
    ],
)
@pytest.mark.spec("S6")
def test_S6_health_check_node_port(
    service_type: str, policy: str, number: object, expected: int | None, wrong: bool
) -> None:
    raw = service(type=service_type, externalTrafficPolicy=policy, healthCheckNodePort=number)
    decoded, problems = decoded_service(raw)
    assert decoded.health_check_node_port == expected
    assert [problem.field for problem in problems] == (["spec.healthCheckNodePort"] if wrong else [])
    assert all(problem.rule == "S6" and problem.severity is Severity.ERROR for problem in problems)


@pytest.mark.parametrize(
    ("value", "allocate", "wrong"),
    [(None, True, False), (True, True, False), (False, False, False), ("no", True, True), (0, True, True)],
)
@pytest.mark.spec("D1")
def test_D1_allocate_load_balancer_node_ports(value: object, allocate: bool, wrong: bool) -> None:
    raw = service(type="LoadBalancer", allocateLoadBalancerNodePorts=value)
    decoded, problems = decoded_service(raw)
    assert decoded.allocate_node_ports is allocate
    assert [problem.field for problem in problems] == (
        ["spec.allocateLoadBalancerNodePorts"] if wrong else []
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z"),
        ("2024-05-01T14:00:00+02:00", "2024-05-01T12:00:00Z"),
        ("2024-05-01T23:00:00-03:00", "2024-05-02T02:00:00Z"),
        ("2024-05-01T12:00:00.123456Z", "2024-05-01T12:00:00Z"),
        (None, ""),
        ("", ""),
    ],
)
@pytest.mark.spec("S10")
def test_S10_creation_times_sort_as_text(text: object, expected: str) -> None:
    decoded, problems = decoded_service(service(metadata={"creationTimestamp": text}))
    assert (decoded.creation_timestamp, problems) == (expected, ())


@pytest.mark.parametrize(
    "value",
    ["yesterday", "2024-05-01", "2024-05-01T12:00:00", "2024-13-01T12:00:00Z", "0001-01-01T00:00:00+02:00",
     "9999-12-31T23:59:59-02:00", 1714564800, True, [], {}, "2" * 10**6],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
@pytest.mark.spec("S10")
def test_S10_a_bad_creation_time_counts_as_none(value: object) -> None:
    decoded, (problem,) = decoded_service(service(metadata={"creationTimestamp": value}))
    assert decoded.creation_timestamp == ""
    assert (problem.field, problem.rule) == ("metadata.creationTimestamp", "S10")


def test_one_bad_entry_of_each_list_changes_nothing_else() -> None:
    good = service(
        type="LoadBalancer",
        externalIPs=["192.0.2.1"],
        loadBalancerSourceRanges=["10.0.0.0/8"],
        status={"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}},
    )
    bad = service(
        metadata={"annotations": {"userproxy.dev/hold": "soon"}},
        type="LoadBalancer",
        externalIPs=["x", "192.0.2.1"],
        loadBalancerSourceRanges=["y", "10.0.0.0/8"],
        status={"loadBalancer": {"ingress": [{"ip": "z"}, {"ip": "203.0.113.1"}]}},
    )
    expected, nothing = decoded_service(good)
    decoded, problems = decoded_service(bad)
    assert nothing == ()
    assert decoded == expected
    assert places(problems) == [
        ("metadata.annotations[userproxy.dev/hold]", "soon", ""),
        ("spec.externalIPs[0]", "x", "S3"),
        ("status.loadBalancer.ingress[0].ip", "z", "S3"),
        ("spec.loadBalancerSourceRanges[0]", "y", "S3"),
    ]


def test_a_problem_names_object_origin_field_value_and_rule() -> None:
    event = decode_service(service(ports=[port(70000)]), origin="web.yaml, document 2")
    (problem,) = refusal(event)
    assert str(problem) == (
        "web.yaml, document 2: Service default/web: spec.ports[0].port = 70000: "
        "must be a number from 1 to 65535; the Service is refused [D7]"
    )
    assert place(problem) == ("spec.ports[0].port", "70000", "D7")


@pytest.mark.spec("S1")
@pytest.mark.parametrize(
    ("value", "expected"),
    [("db.example.com", "db.example.com"), ("DB.example.com.", "db.example.com"), ("localhost", "localhost")],
)
def test_an_external_name_is_lower_case_without_its_last_dot(value: str, expected: str) -> None:
    decoded, problems = decoded_service(service(type="ExternalName", externalName=value))
    assert (decoded.external_name, problems) == (expected, ())


@pytest.mark.spec("S1")
@pytest.mark.parametrize("value", ["", "a b", "-x.example", "a..b", f"{'a.' * 127}ab", "xn--\u00e4"])
def test_an_external_name_that_is_no_dns_name_stands_for_nothing(value: str) -> None:
    decoded, (problem,) = decoded_service(service(type="ExternalName", externalName=value))
    assert decoded.external_name == ""
    assert (problem.field, problem.rule) == ("spec.externalName", "S1")


def test_an_external_name_means_nothing_to_other_types() -> None:
    decoded, problems = decoded_service(service(externalName="db.example.com"))
    assert (decoded.external_name, problems) == ("", ())
