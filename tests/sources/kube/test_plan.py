"""What is listed and watched, and with which selectors."""

from __future__ import annotations

from userproxy.sources.kube.plan import node_collection, node_name, served_collections
from userproxy.sources.kube.resources import ENDPOINT_SLICES, SERVICES, Collection


def test_R1_S1_E1_the_selectors_are_kube_proxys() -> None:
    services, slices = served_collections((), "", exclude_foreign=True, exclude_headless=True)

    assert (services.name, services.path) == ("services", "/api/v1/services")
    assert services.label_selector == "!service.kubernetes.io/service-proxy-name"
    assert services.field_selector == "spec.clusterIP!=None"
    assert (slices.name, slices.path) == ("endpointslices", "/apis/discovery.k8s.io/v1/endpointslices")
    assert slices.label_selector == "!service.kubernetes.io/headless"
    assert slices.field_selector == ""


def test_R1_the_users_selector_chooses_services_only() -> None:
    services, slices = served_collections((), "team in (a,b)", exclude_foreign=True, exclude_headless=True)
    assert services.label_selector == "!service.kubernetes.io/service-proxy-name,team in (a,b)"
    assert slices.label_selector == "!service.kubernetes.io/headless"


def test_S1_E1_headless_services_are_watched_where_their_endpoints_are_served() -> None:
    services, slices = served_collections((), "", exclude_foreign=True, exclude_headless=False)
    assert services == Collection(SERVICES, label_selector="!service.kubernetes.io/service-proxy-name")
    assert slices == Collection(ENDPOINT_SLICES)


def test_R1_explain_sees_ignored_services_too() -> None:
    plan = served_collections((), "team=a", exclude_foreign=False, exclude_headless=False)
    assert list(plan) == [
        Collection(SERVICES, label_selector="team=a"),
        Collection(ENDPOINT_SLICES),
    ]


def test_R1_each_namespace_is_followed_on_its_own() -> None:
    plan = list(served_collections(("a", "b", "a"), "", exclude_foreign=True, exclude_headless=True))
    assert [collection.path for collection in plan] == [
        "/api/v1/namespaces/a/services",
        "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices",
        "/api/v1/namespaces/b/services",
        "/apis/discovery.k8s.io/v1/namespaces/b/endpointslices",
    ]
    assert [collection.name for collection in plan] == [
        "services/a",
        "endpointslices/a",
        "services/b",
        "endpointslices/b",
    ]


def test_a_namespace_cannot_leave_its_place_in_the_path() -> None:
    assert Collection(SERVICES, "../x?y").path == "/api/v1/namespaces/..%2Fx%3Fy/services"


def test_N2_only_this_node_is_watched() -> None:
    node = node_collection("worker-1")
    assert (node.path, node.field_selector) == ("/api/v1/nodes", "metadata.name=worker-1")
    assert node_name(node) == "worker-1"


def test_R3_R4_queries() -> None:
    collection = Collection(SERVICES, field_selector="f")
    assert collection.list_query("0", 500) == {"fieldSelector": "f", "resourceVersion": "0", "limit": "500"}
    assert collection.list_query("", None) == {"fieldSelector": "f"}
    assert collection.continue_query(500, "tok") == {"fieldSelector": "f", "limit": "500", "continue": "tok"}
    assert collection.watch_query("7", 300) == {
        "fieldSelector": "f",
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "7",
        "timeoutSeconds": "300",
    }
