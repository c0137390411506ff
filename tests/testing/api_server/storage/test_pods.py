"""Pods run at once, and are the endpoints of the Services that select them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.testing.api_server.storage.cluster import new_registry, refused
from userproxy.manifest.kinds import ENDPOINT_SLICE, POD, SERVICE
from userproxy.testing.api_server.statuses import StatusError
from userproxy.testing.api_server.storage.kubelet import POD_NETWORK
from userproxy.testing.api_server.storage.pods import backend_of
from userproxy.testing.api_server.storage.registry import Registry
from userproxy.testing.api_server.storage.writing import WriteOptions
from userproxy.testing.objects import BACKEND_ANNOTATION, pod, service


@pytest.fixture
def registry() -> Registry:
    return new_registry()


def slices(registry: Registry) -> list[tuple[list[str], list[int]]]:
    """The Pods and the port numbers of every slice."""
    found = []
    for raw in registry.store.objects(ENDPOINT_SLICE):
        listed, ports = raw["endpoints"], raw["ports"]
        assert isinstance(listed, list)
        assert isinstance(ports, list)
        found.append(([each["targetRef"]["name"] for each in listed], [port["port"] for port in ports]))
    return found


def endpoint(registry: Registry) -> dict[str, object]:
    (raw,) = registry.store.objects(ENDPOINT_SLICE)
    listed = raw["endpoints"]
    assert isinstance(listed, list)
    (only,) = listed
    assert isinstance(only, dict)
    return only


def web(name: str = "web-0", *ports: int | str, **spec: str) -> dict[str, object]:
    raw = pod(name, *ports, labels={"app": "web"})
    fields = raw["spec"]
    assert isinstance(fields, dict)
    return {**raw, "spec": {**fields, **spec}}


def test_a_new_pod_runs_is_ready_and_has_an_address_that_nobody_routes(registry: Registry) -> None:
    statuses = []
    for name in ("a", "b"):
        stored = registry.create(POD, "default", pod(name, 80)).object
        status = stored["status"]
        assert isinstance(status, dict)
        statuses.append(status)
        assert status["phase"] == "Running"
        assert [each["status"] for each in status["conditions"] if each["type"] == "Ready"] == ["True"]
        assert [each["name"] for each in status["containerStatuses"]] == ["main"]
    first, second = (ip_address(status["podIP"]) for status in statuses)
    assert first != second
    assert first in POD_NETWORK
    assert second in POD_NETWORK


def test_a_service_gets_slices_of_the_pods_that_it_selects(registry: Registry) -> None:
    registry.create(POD, "default", web("web-0"))
    registry.create(
        SERVICE, "default", service("web", {"port": 80, "targetPort": 8080}, selector={"app": "web"})
    )
    assert slices(registry) == [(["web-0"], [8080])]
    registry.create(POD, "default", web("web-1"))
    registry.create(POD, "default", pod("other", labels={"app": "other"}))
    registry.create(POD, "default", pod("unlabelled"))
    assert slices(registry) == [(["web-0", "web-1"], [8080])]
    registry.delete(POD, "default", "web-0")
    assert slices(registry) == [(["web-1"], [8080])]
    registry.delete(SERVICE, "default", "web")
    assert slices(registry) == []


def test_ports_that_are_named_are_looked_up_in_each_pod(registry: Registry) -> None:
    named = {"port": 80, "targetPort": "http"}
    registry.create(SERVICE, "default", service("web", named, selector={"app": "web"}))
    registry.create(POD, "default", web("web-0", "http:8080"))
    registry.create(POD, "default", web("web-1", "http:9090"))
    registry.create(POD, "default", web("web-2", "grpc:7070"))
    assert slices(registry) == [(["web-2"], []), (["web-0"], [8080]), (["web-1"], [9090])]


def test_an_endpoint_says_whether_its_pod_is_ready(registry: Registry) -> None:
    registry.create(SERVICE, "default", service("web", 80, selector={"app": "web"}))
    registry.create(POD, "default", web(nodeName="worker-1"))
    assert endpoint(registry)["conditions"] == {"ready": True, "serving": True, "terminating": False}
    assert endpoint(registry)["nodeName"] == "worker-1"
    status = {"phase": "Running", "podIP": "198.18.0.1", "conditions": [{"type": "Ready", "status": "False"}]}
    registry.replace(POD, "default", "web-0", {**web(), "status": status}, WriteOptions(), "status")
    assert endpoint(registry)["conditions"] == {"ready": False, "serving": False, "terminating": False}
    public = service("web", 80, selector={"app": "web"}, publishNotReadyAddresses=True)
    registry.replace(SERVICE, "default", "web", public)
    assert endpoint(registry)["conditions"] == {"ready": True, "serving": False, "terminating": False}
    registry.replace(
        POD, "default", "web-0", {**web(), "status": {"phase": "Failed"}}, WriteOptions(), "status"
    )
    assert slices(registry) == []


def test_a_pod_of_a_headless_service_has_a_hostname_if_it_names_the_service(registry: Registry) -> None:
    registry.create(SERVICE, "default", service("db", 5432, selector={"app": "web"}, clusterIP="None"))
    registry.create(POD, "default", web("db-0", hostname="db-0", subdomain="db"))
    assert endpoint(registry)["hostname"] == "db-0"
    (raw,) = registry.store.objects(ENDPOINT_SLICE)
    assert "service.kubernetes.io/headless" in str(raw["metadata"])
    registry.delete(POD, "default", "db-0")
    registry.create(POD, "default", web("db-1", hostname="db-1", subdomain="other"))
    assert "hostname" not in endpoint(registry)


def test_backends_are_annotations_of_a_pod() -> None:
    raw = pod("web-0", "http:8080", backends={8080: "127.0.0.1:9", 9090: "127.0.0.1:10"}, labels={"a": "b"})
    assert raw["metadata"] == {
        "name": "web-0",
        "namespace": "default",
        "labels": {"a": "b"},
        "annotations": {
            f"{BACKEND_ANNOTATION}8080": "127.0.0.1:9",
            f"{BACKEND_ANNOTATION}9090": "127.0.0.1:10",
        },
    }
    ports = [{"name": "http", "containerPort": 8080}, {"containerPort": 9090}]
    assert raw["spec"] == {"containers": [{"name": "main", "image": "none", "ports": ports}]}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(pod("Web_0"), "metadata.name", id="a name"),
        pytest.param(
            pod("web-0", annotations={f"{BACKEND_ANNOTATION}http": "127.0.0.1:1"}),
            'metadata.annotations: Invalid value: "backend.userproxy.dev/http": must be',
            id="a backend of no port",
        ),
        pytest.param(
            pod("web-0", backends={80: "127.0.0.1"}),
            'metadata.annotations[backend.userproxy.dev/80]: Invalid value: "127.0.0.1": must be HOST:PORT',
            id="a backend without a port",
        ),
        pytest.param(pod("web-0", backends={80: ":80"}), "must be HOST:PORT", id="a backend without a host"),
        pytest.param(pod("web-0", 70000), "spec.containers[0].ports[0].containerPort", id="a port"),
        pytest.param(
            {"metadata": {"name": "web-0"}, "spec": {"containers": []}},
            "spec.containers: Required value",
            id="no container",
        ),
    ],
)
def test_a_pod_that_breaks_a_rule_is_refused(
    registry: Registry, raw: dict[str, object], message: str
) -> None:
    with pytest.raises(StatusError) as refusal:
        registry.create(POD, "default", raw)
    assert refused(refusal) == (422, "Invalid")
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("127.0.0.1:9", ("127.0.0.1", 9)),
        ("[::1]:9", ("::1", 9)),
        ("web.local:9", ("web.local", 9)),
        ("x", None),
    ],
)
def test_what_stands_for_a_port(place: str, expected: tuple[str, int] | None) -> None:
    assert backend_of(pod("web-0", backends={80: place}), 80) == expected
    assert backend_of(pod("web-0", backends={80: place}), 81) is None
