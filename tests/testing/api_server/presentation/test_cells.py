"""The cells of each kind, as ``kubectl get`` shows them, also of objects that make no sense."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from userproxy.manifest.kinds import ENDPOINT_SLICE, ENDPOINTS, NAMESPACE, NODE, POD, SERVICE, Kind
from userproxy.testing.api_server.presentation.cells import COLUMNS, cells
from userproxy.testing.api_server.schema.served import SERVED
from userproxy.testing.objects import endpoint_slice, endpoints, node, pod, service

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def row(kind: Kind, raw: Mapping[str, object]) -> dict[str, object]:
    """The cells by the name of their column."""
    return dict(zip((column.name for column in COLUMNS[kind]), cells(kind, raw, NOW), strict=True))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(
            service("web", "http:80", 443, type="ClusterIP", clusterIPs=["10.0.0.1", "fd00::1"]),
            {"Type": "ClusterIP", "Cluster-IP": "10.0.0.1", "External-IP": "<none>", "Selector": "<none>"},
            id="ClusterIP",
        ),
        pytest.param(
            service("web", {"port": 80, "nodePort": 30001, "protocol": "TCP"}, type="NodePort"),
            {"Port(s)": "80:30001/TCP", "Cluster-IP": "<none>"},
            id="NodePort",
        ),
        pytest.param(
            service("web", externalIPs=["1.2.3.4", "5.6.7.8"], selector={"b": "2", "a": "1"}),
            {"External-IP": "1.2.3.4,5.6.7.8", "Port(s)": "<none>", "Selector": "a=1,b=2"},
            id="external IPs and selector",
        ),
        pytest.param(
            service("web", "80/TCP", type="LoadBalancer"),
            {"External-IP": "<pending>"},
            id="pending load balancer",
        ),
        pytest.param(
            service(
                "web",
                "80/TCP",
                type="LoadBalancer",
                externalIPs=["5.6.7.8"],
                status={"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "lb.example"}]}},
            ),
            {"External-IP": "1.2.3.4,lb.example,5.6.7.8", "Port(s)": "80/TCP"},
            id="load balancer",
        ),
        pytest.param(
            service("web", type="ExternalName", externalName="example.org"),
            {"Type": "ExternalName", "External-IP": "example.org"},
            id="ExternalName",
        ),
    ],
)
def test_services(raw: dict[str, object], expected: dict[str, object]) -> None:
    shown = row(SERVICE, raw)
    assert shown["Name"] == "web"
    assert {name: shown[name] for name in expected} == expected


def test_slices() -> None:
    few = row(ENDPOINT_SLICE, endpoint_slice("web", ["127.0.0.1:9001", "127.0.0.2:9001"]))
    assert (few["AddressType"], few["Ports"], few["Endpoints"]) == ("IPv4", "9001", "127.0.0.1,127.0.0.2")
    many = row(ENDPOINT_SLICE, endpoint_slice("web", [f"127.0.0.{n}:80" for n in range(1, 6)]))
    assert many["Endpoints"] == "127.0.0.1,127.0.0.2,127.0.0.3 + 2 more..."
    empty = row(ENDPOINT_SLICE, {"metadata": {"name": "x"}, "endpoints": None, "ports": [{"port": None}]})
    assert (empty["Ports"], empty["Endpoints"]) == ("*", "<unset>")


def test_endpoints() -> None:
    shown = row(ENDPOINTS, endpoints("web", ["127.0.0.1:80", "[::1]:80", "127.0.0.1:81", "127.0.0.2:81"]))
    assert shown["Endpoints"] == "127.0.0.1:80,[::1]:80,127.0.0.1:81 + 1 more..."
    assert row(ENDPOINTS, {"subsets": [{"addresses": [{"ip": "1.1.1.1"}]}]})["Endpoints"] == "1.1.1.1"
    assert row(ENDPOINTS, {"metadata": {"name": "web"}})["Endpoints"] == "<none>"


def test_namespaces() -> None:
    assert row(NAMESPACE, {"status": {"phase": "Active"}})["Status"] == "Active"


def test_nodes() -> None:
    raw = node(
        "n", internal_ips=["10.0.0.5"], labels={"node-role.kubernetes.io/worker": ""}, unschedulable=True
    )
    status = {
        "addresses": [{"type": "InternalIP", "address": "10.0.0.5"}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "nodeInfo": {"kubeletVersion": "v1.32.0", "osImage": "Linux"},
    }
    shown = row(NODE, {**raw, "status": status})
    assert (shown["Status"], shown["Roles"]) == ("Ready,SchedulingDisabled", "worker")
    assert (shown["Version"], shown["Internal-IP"], shown["External-IP"]) == ("v1.32.0", "10.0.0.5", "<none>")
    assert (shown["OS-Image"], shown["Kernel-Version"]) == ("Linux", "<unknown>")
    assert (
        row(NODE, {"status": {"conditions": [{"type": "Ready", "status": "False"}]}})["Status"] == "NotReady"
    )
    assert row(NODE, {})["Status"] == "Unknown"


@pytest.mark.parametrize("kind", SERVED, ids=lambda kind: kind.kind)
@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"metadata": None, "spec": 7, "status": [], "endpoints": {}, "ports": "x", "subsets": 1},
        {
            "spec": {"ports": [None, 1], "selector": [], "externalIPs": {}},
            "endpoints": [None],
            "subsets": [[]],
        },
        {"status": {"conditions": [{"type": [], "status": {}}], "addresses": [3]}, "metadata": {"labels": 1}},
    ],
)
def test_objects_that_make_no_sense_still_have_their_row(kind: Kind, raw: dict[str, object]) -> None:
    assert len(cells(kind, raw, NOW)) == len(COLUMNS[kind])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(
            None, {"Ready": "0/1", "Status": "<none>", "Restarts": "0", "IP": "<none>"}, id="nothing"
        ),
        pytest.param(
            {
                "phase": "Running",
                "podIP": "10.0.0.1",
                "containerStatuses": [{"ready": True, "restartCount": 2}, {"restartCount": None}],
            },
            {"Ready": "1/1", "Status": "Running", "Restarts": "2", "IP": "10.0.0.1", "Node": "worker-1"},
            id="running",
        ),
    ],
)
def test_pods(status: Mapping[str, object] | None, expected: dict[str, object]) -> None:
    found = row(POD, pod("web-0", 8080, status=status, nodeName="worker-1"))
    assert found | expected == found
