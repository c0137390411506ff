"""What controllers do at once: slices mirrored from Endpoints, namespaces cleared."""

from __future__ import annotations

import pytest

from tests.testing.api_server.storage.cluster import new_registry, refused
from userproxy.manifest.kinds import ENDPOINT_SLICE, ENDPOINTS, NAMESPACE, NODE, SERVICE
from userproxy.testing.api_server.statuses import StatusError
from userproxy.testing.api_server.storage.registry import Registry
from userproxy.testing.api_server.storage.store import metadata_of, with_metadata
from userproxy.testing.objects import endpoint_slice, endpoints, namespace, node, service


@pytest.fixture
def registry() -> Registry:
    return new_registry()


def addresses(registry: Registry) -> list[tuple[object, list[object]]]:
    """Address type and addresses of every slice."""
    found = []
    for raw in registry.store.objects(ENDPOINT_SLICE):
        listed = raw["endpoints"]
        assert isinstance(listed, list)
        found.append((raw["addressType"], [endpoint["addresses"][0] for endpoint in listed]))
    return sorted(found, key=str)


def test_D6_endpoints_become_slices_of_each_family_and_follow_their_changes(registry: Registry) -> None:
    registry.create(SERVICE, "default", service("web", 80))
    registry.create(ENDPOINTS, "default", endpoints("web", ["127.0.0.1:80", "[::1]:80"]))
    assert addresses(registry) == [("IPv4", ["127.0.0.1"]), ("IPv6", ["::1"])]
    registry.replace(ENDPOINTS, "default", "web", endpoints("web", ["127.0.0.2:80"]))
    assert addresses(registry) == [("IPv4", ["127.0.0.2"])]
    (mirrored,) = registry.store.objects(ENDPOINT_SLICE)
    labels = metadata_of(mirrored)["labels"]
    assert isinstance(labels, dict)
    assert labels["kubernetes.io/service-name"] == "web"
    assert metadata_of(mirrored)["uid"]


def test_D6_deleted_endpoints_take_their_slices_along_and_no_others(registry: Registry) -> None:
    registry.create(SERVICE, "default", service("web", 80))
    registry.create(ENDPOINT_SLICE, "default", endpoint_slice("web", ["127.0.0.9:80"]))
    registry.create(ENDPOINTS, "default", endpoints("web", ["127.0.0.1:80"]))
    registry.delete(ENDPOINTS, "default", "web")
    assert addresses(registry) == [("IPv4", ["127.0.0.9"])]


def test_D6_endpoints_wait_for_their_service_and_a_selector_ends_the_mirroring(registry: Registry) -> None:
    registry.create(ENDPOINTS, "default", endpoints("web", ["127.0.0.1:80"]))
    assert addresses(registry) == []
    registry.create(SERVICE, "default", service("web", 80))
    assert addresses(registry) == [("IPv4", ["127.0.0.1"])]
    registry.replace(SERVICE, "default", "web", service("web", 80, selector={"app": "web"}))
    assert addresses(registry) == []


def test_a_deleted_service_takes_its_endpoints_and_mirrored_slices_along(registry: Registry) -> None:
    registry.create(SERVICE, "default", service("web", 80))
    registry.create(ENDPOINTS, "default", endpoints("web", ["127.0.0.1:80"]))
    registry.delete(SERVICE, "default", "web")
    assert registry.store.get(ENDPOINTS, "default", "web") is None
    assert addresses(registry) == []


def test_unchanged_endpoints_write_no_slice(registry: Registry) -> None:
    registry.create(SERVICE, "default", service("web", 80))
    registry.create(ENDPOINTS, "default", endpoints("web", ["127.0.0.1:80"]))
    version = registry.store.version
    annotated = service("web", 80, annotations={"a": "b"})
    registry.replace(SERVICE, "default", "web", annotated)
    assert registry.store.version == version + 1


def test_a_namespace_takes_its_contents_along(registry: Registry) -> None:
    registry.create(NAMESPACE, "", namespace("shop"))
    registry.create(NODE, "", node("n"))
    registry.create(SERVICE, "default", service("web", 80))
    registry.create(SERVICE, "shop", service("web", 80, namespace="shop"))
    registry.create(ENDPOINTS, "shop", endpoints("web", ["127.0.0.1:80"], namespace="shop"))
    assert registry.delete(NAMESPACE, "", "shop").gone
    assert registry.store.get(NAMESPACE, "", "shop") is None
    left = [metadata_of(raw).get("namespace") for raw in registry.store.objects(SERVICE)]
    assert left == ["default"]
    assert addresses(registry) == []
    assert registry.store.get(NODE, "", "n") is not None


def test_a_namespace_waits_for_what_has_finalizers_and_takes_nothing_new(registry: Registry) -> None:
    registry.create(NAMESPACE, "", namespace("shop"))
    held = with_metadata(service("web", 80, namespace="shop"), finalizers=["example.org/hold"])
    registry.create(SERVICE, "shop", held)
    deleted = registry.delete(NAMESPACE, "", "shop")
    assert not deleted.gone
    assert deleted.object["status"] == {"phase": "Terminating"}
    with pytest.raises(StatusError) as late:
        registry.create(SERVICE, "shop", service("late", 80, namespace="shop"))
    assert refused(late) == (403, "Forbidden")
    registry.replace(SERVICE, "shop", "web", service("web", 80, namespace="shop"))
    assert registry.store.get(NAMESPACE, "", "shop") is None


def test_endpoints_that_no_slice_can_be_made_of_disturb_nobody(registry: Registry) -> None:
    registry.create(SERVICE, "default", service("web", 80))
    odd = endpoints("web", ["127.0.0.1:80"])
    odd["subsets"] = [{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"name": "NOT_A_LABEL", "port": 80}]}]
    registry.store.put(ENDPOINTS, odd)
    assert addresses(registry) == []
    registry.store.remove(ENDPOINTS, "default", "web")
