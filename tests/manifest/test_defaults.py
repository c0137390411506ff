"""Completing objects as the API server does (rules D1, D2, D3)."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.manifest.defaults import complete
from userproxy.model.names import Family

ABSENT = object()


def service(**spec: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def at(raw: object, path: str) -> object:
    """The value at ``spec.ports.0.name``, or ABSENT."""
    for step in path.split("."):
        if isinstance(raw, Mapping):
            raw = raw.get(step, ABSENT)
        elif isinstance(raw, list) and step.isdigit() and int(step) < len(raw):
            raw = raw[int(step)]
        else:
            return ABSENT
    return raw


CLIENT_IP = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, {"spec.type": "ClusterIP", "spec.sessionAffinity": "None"}, id="type and affinity"),
        pytest.param({"type": None, "sessionAffinity": ""}, {"spec.type": "ClusterIP"}, id="null and empty"),
        pytest.param(
            {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}},
            {"spec.sessionAffinityConfig": ABSENT},
            id="affinity None drops its config",
        ),
        pytest.param({"sessionAffinity": "ClientIP"}, {CLIENT_IP: 10800}, id="ClientIP fills the time"),
        pytest.param(
            {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": None}}},
            {CLIENT_IP: 10800},
            id="ClientIP with a null time",
        ),
        pytest.param(
            {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}},
            {CLIENT_IP: 0},
            id="a stated time stays, 0 too",
        ),
        pytest.param(
            {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": "9"}}},
            {CLIENT_IP: "9"},
            id="a time of the wrong type stays",
        ),
        pytest.param({}, {"spec.internalTrafficPolicy": "Cluster"}, id="internal policy"),
        pytest.param(
            {"internalTrafficPolicy": "Local"}, {"spec.internalTrafficPolicy": "Local"}, id="internal stated"
        ),
        pytest.param(
            {"type": "ExternalName"},
            {
                "spec.internalTrafficPolicy": ABSENT,
                "spec.externalTrafficPolicy": ABSENT,
                "spec.ipFamilies": ABSENT,
                "spec.sessionAffinity": "None",
            },
            id="ExternalName has no policies",
        ),
        pytest.param({}, {"spec.externalTrafficPolicy": ABSENT}, id="no external policy for ClusterIP"),
        pytest.param(
            {"externalIPs": []}, {"spec.externalTrafficPolicy": ABSENT}, id="no external policy, no IPs"
        ),
        pytest.param(
            {"externalIPs": ["1.2.3.4"]},
            {"spec.externalTrafficPolicy": "Cluster"},
            id="external policy for ClusterIP with external IPs",
        ),
        pytest.param(
            {"type": "NodePort"},
            {"spec.externalTrafficPolicy": "Cluster", "spec.allocateLoadBalancerNodePorts": ABSENT},
            id="external policy for NodePort",
        ),
        pytest.param(
            {"type": "LoadBalancer"},
            {"spec.externalTrafficPolicy": "Cluster", "spec.allocateLoadBalancerNodePorts": True},
            id="LoadBalancer",
        ),
        pytest.param(
            {
                "type": "LoadBalancer",
                "allocateLoadBalancerNodePorts": False,
                "externalTrafficPolicy": "Local",
            },
            {"spec.externalTrafficPolicy": "Local", "spec.allocateLoadBalancerNodePorts": False},
            id="LoadBalancer, stated",
        ),
    ],
)
def test_D1_type_affinity_and_policies(spec: dict[str, object], expected: dict[str, object]) -> None:
    completed = complete(service(**spec))
    assert {path: at(completed, path) for path in expected} == expected


@pytest.mark.parametrize(
    ("port", "completed"),
    [
        pytest.param({"port": 80}, {"port": 80, "protocol": "TCP", "targetPort": 80}, id="both"),
        pytest.param(
            {"port": 80, "targetPort": 0, "protocol": ""},
            {"port": 80, "protocol": "TCP", "targetPort": 80},
            id="0 and empty",
        ),
        pytest.param(
            {"port": 80, "targetPort": None},
            {"port": 80, "protocol": "TCP", "targetPort": 80},
            id="null",
        ),
        pytest.param(
            {"port": 80, "targetPort": "", "protocol": "UDP"},
            {"port": 80, "protocol": "UDP", "targetPort": 80},
            id="empty name",
        ),
        pytest.param(
            {"port": 80, "targetPort": "http"},
            {"port": 80, "protocol": "TCP", "targetPort": "http"},
            id="named target",
        ),
        pytest.param(
            {"port": 80, "targetPort": False},
            {"port": 80, "protocol": "TCP", "targetPort": False},
            id="false is not 0",
        ),
        pytest.param({"port": "80"}, {"port": "80", "protocol": "TCP"}, id="port of the wrong type"),
        pytest.param(None, None, id="no object"),
    ],
)
def test_D1_service_ports(port: object, completed: object) -> None:
    assert at(complete(service(ports=[port])), "spec.ports") == [completed]


FAMILIES = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, (ABSENT,) * 4, id="without an address nothing is invented"),
        pytest.param({"clusterIP": "", "clusterIPs": []}, ("", [], ABSENT, ABSENT), id="empty ones"),
        pytest.param(
            {"ipFamilies": ["IPv6"]}, (ABSENT, ABSENT, ["IPv6"], ABSENT), id="families without an address"
        ),
        pytest.param(
            {"clusterIP": "10.0.0.1"}, ("10.0.0.1", ["10.0.0.1"], ["IPv4"], "SingleStack"), id="singular"
        ),
        pytest.param(
            {"clusterIPs": ["fd00::1"]}, ("fd00::1", ["fd00::1"], ["IPv6"], "SingleStack"), id="plural"
        ),
        pytest.param(
            {"clusterIPs": ["fd00::1", "10.0.0.1"]},
            ("fd00::1", ["fd00::1", "10.0.0.1"], ["IPv6", "IPv4"], "RequireDualStack"),
            id="two",
        ),
        pytest.param(
            {"clusterIPs": ["10.0.0.1", "fd00::1"], "ipFamilyPolicy": "PreferDualStack"},
            ("10.0.0.1", ["10.0.0.1", "fd00::1"], ["IPv4", "IPv6"], "PreferDualStack"),
            id="a stated policy stays",
        ),
        pytest.param(
            {"clusterIPs": ["10.0.0.1", "fd00::1"], "ipFamilies": ["IPv4"]},
            ("10.0.0.1", ["10.0.0.1", "fd00::1"], ["IPv4", "IPv6"], "RequireDualStack"),
            id="the missing family is added",
        ),
        pytest.param(
            {"clusterIP": "10.0.0.1", "ipFamilies": ["IPv6"]},
            ("10.0.0.1", ["10.0.0.1"], ["IPv6"], "SingleStack"),
            id="a stated family stays, right or wrong",
        ),
        pytest.param(
            {"clusterIPs": ("10.0.0.1",)},
            ("10.0.0.1", ("10.0.0.1",), ["IPv4"], "SingleStack"),
            id="a tuple from a call",
        ),
        pytest.param(
            {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "fd00::1"]},
            ("10.0.0.1", ["10.0.0.1", "fd00::1"], ["IPv4", "IPv6"], "RequireDualStack"),
            id="both stated",
        ),
        pytest.param(
            {"clusterIP": "10.0.0.1", "clusterIPs": []},
            ("10.0.0.1", ["10.0.0.1"], ["IPv4"], "SingleStack"),
            id="singular and an empty list",
        ),
        pytest.param({"clusterIPs": {"a": 1}}, (ABSENT, {"a": 1}, ABSENT, ABSENT), id="an object"),
        pytest.param({"clusterIP": "nine"}, ("nine", ["nine"], ABSENT, ABSENT), id="no address"),
        pytest.param({"clusterIPs": "10.0.0.1"}, (ABSENT, "10.0.0.1", ABSENT, ABSENT), id="no list"),
        pytest.param({"clusterIP": 10}, (10, ABSENT, ABSENT, ABSENT), id="no text"),
        pytest.param({"clusterIPs": [10]}, (ABSENT, [10], ABSENT, ABSENT), id="no text in the list"),
        pytest.param(
            {"clusterIP": "10.0.0.1", "ipFamilies": "IPv4"},
            ("10.0.0.1", ["10.0.0.1"], "IPv4", ABSENT),
            id="families are no list",
        ),
    ],
)
def test_D1_cluster_ips_and_families(spec: dict[str, object], expected: tuple[object, ...]) -> None:
    completed = complete(service(**spec))
    assert tuple(at(completed, f"spec.{field}") for field in FAMILIES) == expected


SELECTOR = {"selector": {"app": "web"}}


@pytest.mark.parametrize(
    ("spec", "families", "policy"),
    [
        pytest.param({}, ["IPv4", "IPv6"], "RequireDualStack", id="without a selector: both"),
        pytest.param(SELECTOR, ["IPv4"], "SingleStack", id="with a selector: one"),
        pytest.param({"ipFamilies": ["IPv6"]}, ["IPv6", "IPv4"], "RequireDualStack", id="the other is added"),
        pytest.param({"ipFamilyPolicy": "SingleStack"}, ["IPv4"], "SingleStack", id="one when it says so"),
        pytest.param(
            {"ipFamilyPolicy": "PreferDualStack"}, ["IPv4", "IPv6"], "PreferDualStack", id="prefers both"
        ),
        pytest.param(
            {**SELECTOR, "ipFamilyPolicy": "PreferDualStack"},
            ["IPv4"],
            "PreferDualStack",
            id="with a selector the cluster decides",
        ),
        pytest.param({"ipFamilies": ["IPv6", "IPv4"]}, ["IPv6", "IPv4"], "RequireDualStack", id="two stated"),
        pytest.param({"ipFamilies": ["IPv9"]}, ["IPv9"], "RequireDualStack", id="an unknown family stays"),
        pytest.param({"ipFamilies": [["x"]]}, [["x"]], "RequireDualStack", id="no text"),
        pytest.param(
            {**SELECTOR, "ipFamilies": ["IPv6", "IPv4"]},
            ["IPv6", "IPv4"],
            "RequireDualStack",
            id="both stated",
        ),
    ],
)
def test_D1_headless_families(spec: dict[str, object], families: list[object], policy: str) -> None:
    completed = complete(service(clusterIP="None", **spec))
    assert at(completed, "spec.clusterIPs") == ["None"]
    assert at(completed, "spec.ipFamilies") == families
    assert at(completed, "spec.ipFamilyPolicy") == policy


def test_D1_headless_follows_the_family_of_the_cluster() -> None:
    completed = complete(service(clusterIPs=["None"], **SELECTOR), default_family=Family.IPV6)
    assert at(completed, "spec.clusterIP") == "None"
    assert at(completed, "spec.ipFamilies") == ["IPv6"]


@pytest.mark.spec("D1", "S4")
def test_load_balancer_addresses_are_VIPs_unless_stated() -> None:
    status = {
        "loadBalancer": {
            "ingress": [{"ip": "1.2.3.4"}, {"ip": "5.6.7.8", "ipMode": "Proxy"}, {"hostname": "a"}]
        }
    }
    raw = {**service(type="LoadBalancer"), "status": status}
    ingress = at(complete(raw), "status.loadBalancer.ingress")
    assert ingress == [
        {"ip": "1.2.3.4", "ipMode": "VIP"},
        {"ip": "5.6.7.8", "ipMode": "Proxy"},
        {"hostname": "a"},
    ]
    assert at(complete({**raw, "spec": {}}), "status") == status
    assert at(complete({**raw, "status": {"loadBalancer": None}}), "status") == {"loadBalancer": None}


@pytest.mark.parametrize(
    ("port", "completed"),
    [
        pytest.param({"port": 80}, {"port": 80, "name": "", "protocol": "TCP"}, id="both"),
        pytest.param({"name": None, "protocol": None}, {"name": "", "protocol": "TCP"}, id="null"),
        pytest.param({"name": "a", "protocol": "UDP"}, {"name": "a", "protocol": "UDP"}, id="stated"),
        pytest.param(
            {"name": "a", "protocol": ""}, {"name": "a", "protocol": ""}, id="an empty protocol is bad"
        ),
        pytest.param("x", "x", id="no object"),
    ],
)
def test_D2_slice_ports(port: object, completed: object) -> None:
    raw = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {}, "ports": [port]}
    assert complete(raw)["ports"] == [completed]
    assert "addressType" not in complete(raw)


def test_D2_endpoints_ports() -> None:
    raw = {"apiVersion": "v1", "kind": "Endpoints", "subsets": [{"ports": [{"port": 80}, None]}, 3]}
    assert complete(raw)["subsets"] == [{"ports": [{"port": 80, "protocol": "TCP"}, None]}, 3]


@pytest.mark.parametrize(
    ("metadata", "namespace"),
    [
        pytest.param({"name": "web"}, "default", id="absent"),
        pytest.param({"namespace": None}, "default", id="null"),
        pytest.param({"namespace": ""}, "default", id="empty"),
        pytest.param({"namespace": "prod"}, "prod", id="stated"),
        pytest.param({"namespace": 3}, 3, id="wrong type stays"),
        pytest.param(None, "default", id="no metadata"),
        pytest.param("web", ABSENT, id="metadata of the wrong type stays"),
    ],
)
def test_D3_namespace(metadata: object, namespace: object) -> None:
    for kind in ({"apiVersion": "v1", "kind": "Service"}, {"apiVersion": "v1", "kind": "Endpoints"}):
        assert at(complete({**kind, "metadata": metadata}), "metadata.namespace") == namespace


def test_D3_cluster_scoped_kinds_get_no_namespace() -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}
    assert complete(node) == node


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param({"apiVersion": "v1", "kind": "Pod", "metadata": {}}, id="kind that is not read"),
        pytest.param({"apiVersion": "v2", "kind": "Service", "metadata": {}}, id="another version"),
        pytest.param({"apiVersion": 1, "kind": []}, id="no text"),
        pytest.param({}, id="nothing"),
    ],
)
def test_D3_what_is_not_read_stays_as_it_is(raw: dict[str, object]) -> None:
    assert complete(raw) == raw


def test_a_namespace_is_active_and_labelled_with_its_name() -> None:
    completed = complete(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod", "labels": {"a": "b"}}}
    )
    assert at(completed, "metadata.labels") == {"a": "b", "kubernetes.io/metadata.name": "prod"}
    assert at(completed, "status.phase") == "Active"
    assert (
        at(complete({"apiVersion": "v1", "kind": "Namespace", "metadata": {}}), "metadata.labels") is ABSENT
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 80)
    | st.floats()
    | st.sampled_from(
        ["", "None", "ClientIP", "LoadBalancer", "ClusterIP", "10.0.0.1", "fd00::1", "IPv4", "x"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["clientIP", "loadBalancer", "ingress", "port", "ports"]), inner)
    ),
    max_leaves=8,
)
SPEC_FIELDS = (
    "type", "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "ports", "selector", "externalIPs",
    "sessionAffinity", "sessionAffinityConfig", "internalTrafficPolicy", "allocateLoadBalancerNodePorts",
)  # fmt: skip
OBJECTS = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["v1", "discovery.k8s.io/v1"]) | JSON,
        "kind": st.sampled_from(["Service", "EndpointSlice", "Endpoints", "Namespace", "Node"]) | JSON,
    },
    optional={
        "metadata": st.dictionaries(st.sampled_from(["name", "namespace", "labels"]), JSON) | JSON,
        "spec": st.dictionaries(st.sampled_from(SPEC_FIELDS), JSON) | JSON,
        "status": JSON,
        "ports": JSON,
        "subsets": JSON,
    },
)


@pytest.mark.spec("D1", "D2", "D3")
@settings(deadline=None)
@given(OBJECTS)
def test_completing_never_raises_changes_no_input_and_is_done_at_once(raw: dict[str, object]) -> None:
    before = copy.deepcopy(raw)
    completed = complete(raw)
    assert repr(raw) == repr(before)
    assert repr(complete(completed)) == repr(completed)
