"""What an update of a Service keeps and drops, before it is completed (rule D4)."""

from __future__ import annotations

import copy

import pytest

from userproxy.manifest.service_updates import carry_over

CLUSTER: dict[str, object] = {
    "type": "ClusterIP",
    "clusterIP": "10.0.0.1",
    "clusterIPs": ["10.0.0.1"],
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
    "internalTrafficPolicy": "Cluster",
    "ports": [{"name": "http", "port": 80}],
}
NODE: dict[str, object] = {
    **CLUSTER,
    "type": "NodePort",
    "externalTrafficPolicy": "Cluster",
    "ports": [{"name": "http", "port": 80, "nodePort": 30080}, {"name": "b", "port": 81, "nodePort": 30081}],
}
LOCAL: dict[str, object] = {
    **NODE,
    "type": "LoadBalancer",
    "externalTrafficPolicy": "Local",
    "healthCheckNodePort": 31000,
    "allocateLoadBalancerNodePorts": True,
    "loadBalancerClass": "example.com/a",
}


def carried(spec: object, old: object) -> dict[str, object]:
    raws = {"spec": spec}, {"spec": old}
    before = copy.deepcopy(raws)
    result = carry_over(*raws)["spec"]
    assert raws == before
    assert isinstance(result, dict)
    return result


def without(spec: dict[str, object], *fields: str) -> dict[str, object]:
    return {name: value for name, value in spec.items() if name not in fields}


@pytest.mark.parametrize(
    ("spec", "old", "field", "value"),
    [
        pytest.param({}, CLUSTER, "clusterIP", "10.0.0.1", id="address kept"),
        pytest.param({"clusterIP": ""}, CLUSTER, "clusterIPs", ["10.0.0.1"], id="empty address kept"),
        pytest.param(None, CLUSTER, "ipFamilyPolicy", "SingleStack", id="policy kept, without a spec"),
        pytest.param({"clusterIP": "None"}, CLUSTER, "clusterIPs", ["None"], id="another address is meant"),
        pytest.param(
            {"clusterIP": "10.0.0.1", "clusterIPs": ["x"]},
            CLUSTER,
            "clusterIPs",
            ["x"],
            id="stated list stays",
        ),
        pytest.param(
            {"type": "NodePort", "ports": [{"name": "b", "port": 82}]},
            NODE,
            "ports",
            [{"name": "b", "port": 82, "nodePort": 30081}],
            id="node port kept by name",
        ),
        pytest.param(
            {
                "type": "NodePort",
                "ports": [{"name": "b", "port": 1}, {"name": "c", "port": 2, "nodePort": 30081}],
            },
            NODE,
            "ports",
            [{"name": "b", "port": 1}, {"name": "c", "port": 2, "nodePort": 30081}],
            id="node port that another port states now",
        ),
        pytest.param(
            {"type": "LoadBalancer", "ports": [{"name": "http", "port": 80}]},
            NODE,
            "ports",
            [{"name": "http", "port": 80, "nodePort": 30080}],
            id="node port kept from NodePort to LoadBalancer",
        ),
        pytest.param(
            {"type": "LoadBalancer", "externalTrafficPolicy": "Local"},
            LOCAL,
            "healthCheckNodePort",
            31000,
            id="health check port kept",
        ),
    ],
)
def test_D4_kept(spec: object, old: object, field: str, value: object) -> None:
    assert carried(spec, old)[field] == value


@pytest.mark.parametrize(
    ("spec", "old", "gone"),
    [
        pytest.param(
            {**CLUSTER, "type": "ExternalName"},
            CLUSTER,
            ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"],
            id="to ExternalName",
        ),
        pytest.param(
            {**NODE, "type": "ClusterIP"}, NODE, ["externalTrafficPolicy"], id="NodePort to ClusterIP"
        ),
        pytest.param(
            {**LOCAL, "type": "NodePort"},
            LOCAL,
            ["healthCheckNodePort", "allocateLoadBalancerNodePorts", "loadBalancerClass"],
            id="LoadBalancer to NodePort",
        ),
        pytest.param(
            {**LOCAL, "externalTrafficPolicy": "Cluster"},
            LOCAL,
            ["healthCheckNodePort"],
            id="Local to Cluster",
        ),
        pytest.param({"type": "ExternalName"}, CLUSTER, ["clusterIP"], id="nothing is kept for ExternalName"),
        pytest.param({}, {"type": "ExternalName", "clusterIP": "x"}, ["clusterIP"], id="nor from it"),
        pytest.param(
            {"type": "ClusterIP", "externalIPs": [], "externalTrafficPolicy": "Cluster"},
            {"externalIPs": ["1.2.3.4"], "externalTrafficPolicy": "Cluster"},
            ["externalTrafficPolicy"],
            id="without external IPs",
        ),
    ],
)
def test_D4_dropped(spec: dict[str, object], old: dict[str, object], gone: list[str]) -> None:
    result = carried(spec, old)
    assert result.keys().isdisjoint(gone)
    assert result.keys() >= without(spec, *gone).keys()


def test_D4_node_ports_go_with_the_type_unless_one_is_new() -> None:
    assert carried({**NODE, "type": "ClusterIP"}, NODE)["ports"] == [
        {"name": "http", "port": 80},
        {"name": "b", "port": 81},
    ]
    new = [{"name": "http", "port": 80, "nodePort": 30099}]
    assert carried({**NODE, "type": "ClusterIP", "ports": new}, NODE)["ports"] == new


def test_D4_what_the_update_changes_itself_stays_for_validation() -> None:
    spec = {**LOCAL, "type": "ExternalName", "clusterIP": "10.0.0.9", "healthCheckNodePort": 1}
    result = carried({**spec, "externalTrafficPolicy": "Cluster"}, LOCAL)
    assert result["clusterIP"] == "10.0.0.9"
    one_of_two = {**CLUSTER, "type": "ExternalName", "clusterIPs": ["10.0.0.1", "fd00::1"]}
    assert carried(one_of_two, CLUSTER)["clusterIP"] == "10.0.0.1"
    assert result["healthCheckNodePort"] == 1
    assert result["externalTrafficPolicy"] == "Cluster"


def test_D4_the_load_balancer_status_goes_with_the_type() -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}, "conditions": []}
    updated = carry_over({"spec": {"type": "NodePort"}, "status": status}, {"spec": LOCAL})
    assert updated["status"] == {"loadBalancer": {}, "conditions": []}
    assert carry_over({"spec": LOCAL, "status": status}, {"spec": LOCAL})["status"] == status


@pytest.mark.parametrize(("spec", "old"), [("x", CLUSTER), (CLUSTER, "x"), ([], []), (None, None)])
def test_D4_what_is_no_spec_is_left_alone(spec: object, old: object) -> None:
    assert carry_over({"spec": spec}, {"spec": old}) == {"spec": spec}
