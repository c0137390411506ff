"""What is refused of a Service when it is written (rules D5, S3, S5, S6, S8)."""

from __future__ import annotations

import pytest

from userproxy.manifest.defaults import complete
from userproxy.manifest.validation import validate

HTTP: dict[str, object] = {"name": "http", "port": 80}
DNS: list[dict[str, object]] = [
    {"name": "dns", "port": 53, "protocol": "UDP"},
    {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
]


def service(**spec: object) -> dict[str, object]:
    raw = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"ports": [HTTP], **spec},
    }
    return complete(raw)


def errors(raw: dict[str, object], previous: dict[str, object] | None = None) -> list[str]:
    return [str(error) for error in validate(raw, previous)]


LOCAL: dict[str, object] = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}


@pytest.mark.spec("D5", "S3", "S5", "S6", "S8")
@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="plain"),
        pytest.param({"clusterIP": "None", "ports": []}, id="headless without ports"),
        pytest.param(
            {"type": "ExternalName", "externalName": "a.example.", "ports": None}, id="ExternalName"
        ),
        pytest.param({"ports": DNS}, id="two protocols on one port"),
        pytest.param({"ports": [{"port": 80, "targetPort": "http-1"}]}, id="named target"),
        pytest.param({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30000}]}, id="node port"),
        pytest.param(
            {"type": "NodePort", "ports": [{**port, "nodePort": 30053} for port in DNS]},
            id="one node port, two protocols",
        ),
        pytest.param(
            {**LOCAL, "healthCheckNodePort": 30001, "loadBalancerClass": "a.b/c"}, id="LoadBalancer"
        ),
        pytest.param(
            {"type": "LoadBalancer", "loadBalancerSourceRanges": [" 10.0.0.0/8 ", "fd00::/8"]}, id="ranges"
        ),
        pytest.param({"clusterIPs": ["10.0.0.1", "fd00::1"]}, id="two families"),
        pytest.param({"sessionAffinity": "ClientIP"}, id="affinity"),
        pytest.param({"externalIPs": ["1.2.3.4", "2001:db8::1"]}, id="external IPs"),
        pytest.param({"trafficDistribution": "PreferClose"}, id="distribution"),
        pytest.param(
            {"ports": [{"port": 80, "appProtocol": "kubernetes.io/h2c"}]}, id="application protocol"
        ),
        pytest.param({"ports": [{"port": 80, "protocol": "SCTP"}]}, id="SCTP"),
    ],
)
def test_accepted(spec: dict[str, object]) -> None:
    assert errors(service(**spec)) == []


@pytest.mark.parametrize(
    ("ports", "error"),
    [
        pytest.param([], "spec.ports: Required value", id="none"),
        pytest.param(None, "spec.ports: Required value", id="null"),
        pytest.param("x", 'spec.ports: Invalid value: "x": must be a list', id="no list"),
        pytest.param([3], "spec.ports[0]: Invalid value: 3: must be an object", id="no object"),
        pytest.param(
            [{"port": 0, "targetPort": 1}],
            "spec.ports[0].port: Invalid value: 0: must be from 1 to 65535",
            id="port 0",
        ),
        pytest.param(
            [{"port": 65536, "targetPort": 1}], "spec.ports[0].port: Invalid value: 65536", id="port 65536"
        ),
        pytest.param([{"port": True}], "spec.ports[0].port: Invalid value: true", id="port true"),
        pytest.param([{}], "spec.ports[0].port: Invalid value: null", id="no port"),
        pytest.param([HTTP, {"port": 81}], "spec.ports[1].name: Required value", id="name of the second"),
        pytest.param(
            [{**HTTP, "name": "Http"}], 'spec.ports[0].name: Invalid value: "Http"', id="upper case"
        ),
        pytest.param(
            [HTTP, {**HTTP, "port": 81}], 'spec.ports[1].name: Duplicate value: "http"', id="name twice"
        ),
        pytest.param(
            [HTTP, {**HTTP, "name": "b"}], "spec.ports[1].port: Duplicate value: 80: for TCP", id="port twice"
        ),
        pytest.param(
            [{**HTTP, "protocol": "tcp"}],
            'spec.ports[0].protocol: Unsupported value: "tcp": supported values: "TCP", "UDP", "SCTP"',
            id="protocol",
        ),
        pytest.param(
            [{**HTTP, "targetPort": 70000}],
            "spec.ports[0].targetPort: Invalid value: 70000",
            id="target port",
        ),
        pytest.param(
            [{**HTTP, "targetPort": "a--b"}], "spec.ports[0].targetPort", id="target with two hyphens"
        ),
        pytest.param(
            [{**HTTP, "targetPort": "123"}], "spec.ports[0].targetPort", id="target without a letter"
        ),
        pytest.param([{**HTTP, "targetPort": "a" * 16}], "spec.ports[0].targetPort", id="target of 16"),
        pytest.param([{**HTTP, "targetPort": False}], "spec.ports[0].targetPort", id="target false"),
        pytest.param(
            [{**HTTP, "nodePort": 30000}],
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
            id="node port of ClusterIP",
        ),
        pytest.param(
            [{**HTTP, "appProtocol": "a b"}], "spec.ports[0].appProtocol", id="application protocol"
        ),
    ],
)
def test_D5_ports(ports: object, error: str) -> None:
    (found,) = errors(service(ports=ports))
    assert found.startswith(error)


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        pytest.param({"type": "x"}, 'spec.type: Unsupported value: "x"', id="type"),
        pytest.param({"selector": {"a": "b c"}}, "spec.selector: Invalid value", id="selector"),
        pytest.param({"type": "ExternalName"}, "spec.externalName: Required value", id="no external name"),
        pytest.param(
            {"type": "ExternalName", "externalName": "a_b"},
            "spec.externalName: Invalid value",
            id="external name",
        ),
        pytest.param(
            {"type": "ExternalName", "externalName": "a", "ipFamilies": ["IPv4"]},
            "spec.ipFamilies: Forbidden",
            id="families of ExternalName",
        ),
        pytest.param(
            {"type": "NodePort", "clusterIP": "None"},
            "spec.clusterIPs[0]: Invalid value",
            id="headless NodePort",
        ),
        pytest.param(
            {"sessionAffinity": "x"}, 'spec.sessionAffinity: Unsupported value: "x"', id="unknown affinity"
        ),
        pytest.param(
            {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}}},
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be from 1 to",
            id="affinity is too long",
        ),
        pytest.param(
            {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}},
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
            id="affinity of 0",
        ),
        pytest.param(
            {"internalTrafficPolicy": "local"}, "spec.internalTrafficPolicy: Unsupported", id="internal"
        ),
        pytest.param(
            {"type": "NodePort", "externalTrafficPolicy": "x"},
            "spec.externalTrafficPolicy: Unsupported",
            id="external",
        ),
        pytest.param(
            {"externalTrafficPolicy": "Local"},
            "spec.externalTrafficPolicy: Invalid value",
            id="nothing external",
        ),
        pytest.param(
            {"type": "LoadBalancer", "healthCheckNodePort": 30000},
            "spec.healthCheckNodePort: Invalid value: 30000: may only be set",
            id="health check without Local",
        ),
        pytest.param(
            {**LOCAL, "healthCheckNodePort": 70000},
            "spec.healthCheckNodePort: Invalid value: 70000",
            id="health check",
        ),
        pytest.param(
            {"loadBalancerSourceRanges": ["10.0.0.0/8"]},
            "spec.loadBalancerSourceRanges: Forbidden",
            id="ranges",
        ),
        pytest.param(
            {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0"]},
            "spec.loadBalancerSourceRanges[0]: Invalid value",
            id="no range",
        ),
        pytest.param({"loadBalancerClass": "a"}, "spec.loadBalancerClass: Forbidden", id="class"),
        pytest.param(
            {"type": "LoadBalancer", "loadBalancerClass": "a b"},
            "spec.loadBalancerClass: Invalid",
            id="bad class",
        ),
        pytest.param(
            {"allocateLoadBalancerNodePorts": True},
            "spec.allocateLoadBalancerNodePorts: Forbidden",
            id="allocate",
        ),
        pytest.param(
            {"type": "LoadBalancer", "ports": [{"port": 10250}]},
            "spec.ports[0].port: Invalid value: 10250: may not be the port of the kubelet",
            id="port of the kubelet",
        ),
        pytest.param(
            {"clusterIPs": ["10.0.0.1", "fd00::1", "10.0.0.1"], "ipFamilies": ["IPv4", "IPv6"]},
            'spec.clusterIPs: Invalid value: ["10.0.0.1", "fd00::1", "10.0.0.1"]: may only hold up to 2',
            id="three addresses",
        ),
        pytest.param(
            {"trafficDistribution": "x"}, "spec.trafficDistribution: Unsupported", id="distribution"
        ),
        pytest.param({"externalIPs": ["x"]}, "spec.externalIPs[0]: Invalid value", id="external IP"),
        pytest.param({"externalIPs": ["127.0.0.1"]}, "spec.externalIPs[0]: Invalid value", id="loopback"),
        pytest.param({"externalIPs": ["0.0.0.0"]}, "spec.externalIPs[0]: Invalid value", id="unspecified"),
        pytest.param({"externalIPs": ["fe80::1"]}, "spec.externalIPs[0]: Invalid value", id="link-local"),
        pytest.param({"clusterIP": "x"}, "spec.clusterIPs[0]: Invalid value", id="no cluster address"),
        pytest.param(
            {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.2"]},
            "spec.clusterIPs: Invalid value",
            id="two opinions",
        ),
        pytest.param(
            {"clusterIPs": ["10.0.0.1", "10.0.0.2"]}, "spec.clusterIPs: Invalid value", id="two of one family"
        ),
        pytest.param(
            {"clusterIPs": ["None", "10.0.0.2"]}, "spec.clusterIPs: Invalid value", id="None and more"
        ),
        pytest.param(
            {"clusterIP": "10.0.0.1", "ipFamilies": ["IPv6"]},
            "spec.clusterIPs[0]: Invalid value",
            id="other family",
        ),
        pytest.param({"ipFamilies": ["IPv5"]}, "spec.ipFamilies[0]: Unsupported value", id="family"),
        pytest.param({"ipFamilyPolicy": "x"}, "spec.ipFamilyPolicy: Unsupported value", id="family policy"),
    ],
)
@pytest.mark.spec("S3", "S5", "S6", "S8")
def test_refused(spec: dict[str, object], error: str) -> None:
    (found,) = errors(service(**spec))
    assert found.startswith(error)


def test_an_object_that_is_not_complete_is_looked_at_all_the_same() -> None:
    spec = {"type": "ClusterIP", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "x"]}
    raw = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    assert "spec.clusterIPs[1]" in [error.field for error in validate(raw)]


STORED: dict[str, object] = {"clusterIPs": ["10.0.0.1", "fd00::1"]}


@pytest.mark.parametrize(
    ("old", "new", "fields"),
    [
        pytest.param({}, {"clusterIP": "10.0.0.1"}, [], id="the first address"),
        pytest.param({"clusterIP": "10.0.0.1"}, STORED, [], id="a second address"),
        pytest.param(STORED, {"clusterIPs": ["10.0.0.1"]}, [], id="the second address goes"),
        pytest.param(
            {"clusterIP": "10.0.0.1"}, {"clusterIP": "10.0.0.2"}, ["spec.clusterIPs[0]"], id="another address"
        ),
        pytest.param(
            STORED,
            {"clusterIPs": ["10.0.0.1", "fd00::2"]},
            ["spec.clusterIPs[1]"],
            id="another second address",
        ),
        pytest.param(
            {"clusterIP": "10.0.0.1"},
            {"clusterIP": "fd00::1"},
            ["spec.clusterIPs[0]", "spec.ipFamilies[0]"],
            id="another family",
        ),
        pytest.param(
            {"clusterIP": "10.0.0.1"}, {"clusterIP": "None"}, ["spec.clusterIPs[0]"], id="it turns headless"
        ),
        pytest.param({"clusterIP": "10.0.0.1"}, {}, ["spec.clusterIPs[0]", "spec.ipFamilies[0]"], id="unset"),
        pytest.param(
            {"clusterIP": "10.0.0.1"}, {"type": "ExternalName", "externalName": "a"}, [], id="to ExternalName"
        ),
        pytest.param(
            {**LOCAL, "healthCheckNodePort": 30001},
            {**LOCAL, "healthCheckNodePort": 30002},
            ["spec.healthCheckNodePort"],
            id="another health check port",
        ),
        pytest.param(
            {**LOCAL, "healthCheckNodePort": 30001},
            {**LOCAL, "healthCheckNodePort": 30001},
            [],
            id="the same health check port",
        ),
        pytest.param(LOCAL, {**LOCAL, "healthCheckNodePort": 30001}, [], id="the first health check port"),
        pytest.param(
            {**LOCAL, "healthCheckNodePort": 30001},
            {"type": "LoadBalancer"},
            [],
            id="no health check any more",
        ),
        pytest.param(
            {"type": "LoadBalancer", "loadBalancerClass": "a.b/c"},
            {"type": "NodePort"},
            [],
            id="no LoadBalancer any more",
        ),
        pytest.param(STORED, STORED, [], id="the same two addresses"),
        pytest.param(
            {"type": "LoadBalancer"},
            {"type": "LoadBalancer", "loadBalancerClass": "a.b/c"},
            ["spec.loadBalancerClass"],
            id="a class later",
        ),
    ],
)
@pytest.mark.spec("D4")
def test_what_an_update_may_not_change(
    old: dict[str, object], new: dict[str, object], fields: list[str]
) -> None:
    assert [error.field for error in validate(service(**new), service(**old))] == fields
