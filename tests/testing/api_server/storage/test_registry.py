"""The registry: what a write does to metadata, defaults, allocation and status, and what it refuses."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import pytest

from tests.testing.api_server.storage.cluster import new_registry, refused
from userproxy.manifest.kinds import ENDPOINT_SLICE, ENDPOINTS, NAMESPACE, NODE, SERVICE, Kind
from userproxy.testing.api_server.statuses import StatusError
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.registry import Registry
from userproxy.testing.api_server.storage.store import metadata_of, with_metadata
from userproxy.testing.api_server.storage.writing import DeleteOptions, WriteOptions
from userproxy.testing.objects import endpoint_slice, endpoints, namespace, node, service

DRY = WriteOptions(dry_run=True)
STRICT = WriteOptions(field_validation="Strict")


@pytest.fixture
def registry() -> Registry:
    return new_registry()


def spec_of(raw: RawObject) -> Mapping[str, object]:
    spec = raw["spec"]
    assert isinstance(spec, dict)
    return spec


def create(
    registry: Registry, raw: RawObject, kind: Kind = SERVICE, options: WriteOptions = STRICT
) -> RawObject:
    return registry.create(kind, "default" if kind.namespaced else "", raw, options).object


def replace(registry: Registry, raw: RawObject, kind: Kind = SERVICE, subresource: str = "") -> RawObject:
    name = str(metadata_of(raw)["name"])
    within = "default" if kind.namespaced else ""
    return registry.replace(kind, within, name, raw, STRICT, subresource).object


# Creating.


def test_a_new_object_has_uid_time_and_version_of_the_server(registry: Registry) -> None:
    given = with_metadata(service("web", 80), uid="mine", creationTimestamp="1999-01-01T00:00:00Z")
    metadata = metadata_of(create(registry, given))
    assert metadata["creationTimestamp"] == "2026-06-01T12:00:00Z"
    assert metadata["resourceVersion"] == str(registry.store.version)
    assert len(str(metadata["uid"])) == 36


def test_two_objects_have_different_uids(registry: Registry) -> None:
    one, two = (metadata_of(create(registry, service(name, 80)))["uid"] for name in ("a", "b"))
    assert one != two


@pytest.mark.spec("D1", "D4")
def test_a_service_is_completed_and_gets_an_address(registry: Registry) -> None:
    spec = spec_of(create(registry, service("web", 80)))
    assert spec["type"] == "ClusterIP"
    assert str(spec["clusterIP"]).startswith("10.96.")
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert spec["ipFamilies"] == ["IPv4"]
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]


def test_a_node_port_is_allocated_from_the_range() -> None:
    registry = new_registry(node_ports=range(31000, 31002))
    ports = spec_of(create(registry, service("web", "a:80", "b:81", type="NodePort")))["ports"]
    assert isinstance(ports, list)
    assert {port["nodePort"] for port in ports} == {31000, 31001}
    with pytest.raises(StatusError) as full:
        create(registry, service("other", 80, type="NodePort"))
    assert refused(full) == (500, "InternalError")


def test_a_stated_address_that_another_has_is_refused_and_free_again_after_a_delete(
    registry: Registry,
) -> None:
    create(registry, service("web", 80, clusterIP="10.96.0.9"))
    with pytest.raises(StatusError) as taken:
        create(registry, service("other", 80, clusterIP="10.96.0.9"))
    assert refused(taken) == (422, "Invalid")
    registry.delete(SERVICE, "default", "web")
    assert spec_of(create(registry, service("other", 80, clusterIP="10.96.0.9")))["clusterIP"] == "10.96.0.9"


def test_nobody_states_the_status_of_a_new_service_but_a_node_brings_its_own(registry: Registry) -> None:
    stated = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}
    assert create(registry, service("web", 80, status=stated))["status"] == {"loadBalancer": {}}
    born = create(registry, node("n", internal_ips=["10.0.0.5"]), NODE)
    assert born["status"] == {"addresses": [{"type": "InternalIP", "address": "10.0.0.5"}]}


def test_a_namespace_is_active_and_has_its_label(registry: Registry) -> None:
    born = create(registry, namespace("shop"), NAMESPACE)
    assert born["status"] == {"phase": "Active"}
    assert born["spec"] == {"finalizers": ["kubernetes"]}
    assert metadata_of(born)["labels"] == {"kubernetes.io/metadata.name": "shop"}


def test_generate_name_makes_a_name(registry: Registry) -> None:
    raw = with_metadata(service("x", 80), name=None, generateName="web-")
    one, two = (str(metadata_of(create(registry, raw))["name"]) for _ in range(2))
    assert one.startswith("web-")
    assert len(one) == 9
    assert one != two


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        pytest.param(SERVICE, {"metadata": {}}, (422, "Invalid"), id="no name"),
        pytest.param(SERVICE, service("Web", 80), (422, "Invalid"), id="bad name"),
        pytest.param(SERVICE, service("web"), (422, "Invalid"), id="D5 no port"),
        pytest.param(SERVICE, service("web", 80, 81), (422, "Invalid"), id="D5 ports without names"),
        pytest.param(SERVICE, service("web", 70000), (422, "Invalid"), id="port number"),
        pytest.param(SERVICE, service("web", 80, type="Cluster"), (422, "Invalid"), id="type"),
        pytest.param(
            SERVICE, service("web", 80, clusterIP="10.0.0.1"), (422, "Invalid"), id="outside of the CIDR"
        ),
        pytest.param(SERVICE, service("web", 80, ports_=1), (400, "BadRequest"), id="unknown field"),
        pytest.param(SERVICE, service("web", {"port": "80"}), (400, "BadRequest"), id="text for a number"),
        pytest.param(SERVICE, node("web"), (400, "BadRequest"), id="another kind"),
        pytest.param(
            SERVICE, {**service("web", 80), "apiVersion": "v2"}, (400, "BadRequest"), id="D3 another version"
        ),
        pytest.param(
            SERVICE,
            with_metadata(service("web", 80), resourceVersion="5"),
            (400, "BadRequest"),
            id="a version",
        ),
        pytest.param(
            SERVICE, service("web", 80, namespace="other"), (400, "BadRequest"), id="another namespace"
        ),
        pytest.param(
            ENDPOINT_SLICE,
            {**endpoint_slice("web", []), "addressType": None},
            (422, "Invalid"),
            id="D2 no address type",
        ),
        pytest.param(
            ENDPOINT_SLICE,
            {**endpoint_slice("web", ["127.0.0.1:80"]), "endpoints": [{"addresses": ["web.example"]}]},
            (422, "Invalid"),
            id="host name in an IPv4 slice",
        ),
        pytest.param(ENDPOINTS, endpoints("web", ["1.2.3:80"]), (422, "Invalid"), id="no address"),
    ],
)
def test_a_bad_object_is_refused_and_leaves_nothing(
    registry: Registry, kind: Kind, raw: RawObject, expected: tuple[int, str]
) -> None:
    version = registry.store.version
    with pytest.raises(StatusError) as bad:
        create(registry, raw, kind)
    assert refused(bad) == expected
    assert registry.store.version == version


def test_a_422_names_every_field_as_a_cause(registry: Registry) -> None:
    with pytest.raises(StatusError) as bad:
        create(registry, service("web", "a:70000", "b:0"))
    causes = bad.value.details["causes"]
    assert isinstance(causes, list)
    assert {cause["field"] for cause in causes} >= {"spec.ports[0].port", "spec.ports[1].port"}
    assert bad.value.details["name"] == "web"
    assert bad.value.message.startswith('Service "web" is invalid: [')


@pytest.mark.parametrize("address", ["127.0.0.1:80", "[::1]:80"])
def test_loopback_addresses_of_endpoints_are_valid(registry: Registry, address: str) -> None:
    assert create(registry, endpoint_slice("web", [address]), ENDPOINT_SLICE)
    assert create(registry, endpoints("web", [address]), ENDPOINTS)


def test_S7_SCTP_is_valid(registry: Registry) -> None:
    assert create(registry, service("web", "80/SCTP"))


def test_creating_twice_and_creating_in_a_missing_namespace(registry: Registry) -> None:
    create(registry, service("web", 80))
    with pytest.raises(StatusError) as twice:
        create(registry, service("web", 80))
    assert refused(twice) == (409, "AlreadyExists")
    with pytest.raises(StatusError) as nowhere:
        registry.create(SERVICE, "nowhere", service("web", 80, namespace="nowhere"))
    assert refused(nowhere) == (404, "NotFound")
    assert nowhere.value.message == 'namespaces "nowhere" not found'


def test_unknown_fields_are_dropped_with_a_warning_or_without(registry: Registry) -> None:
    raw = service("web", 80, nope=1)
    warned = registry.create(SERVICE, "default", raw, WriteOptions(dry_run=True))
    assert warned.warnings == ('unknown field "spec.nope"',)
    ignored = registry.create(SERVICE, "default", raw, WriteOptions(field_validation="Ignore"))
    assert ignored.warnings == ()
    assert "nope" not in spec_of(ignored.object)


def test_the_given_object_is_not_changed(registry: Registry) -> None:
    raw = service("web", 80, selector=None)
    before = copy.deepcopy(raw)
    create(registry, raw)
    assert raw == before


# Replacing.


def test_replacing_keeps_identity_address_and_status(registry: Registry) -> None:
    old = create(registry, service("web", 80))
    new = replace(registry, service("web", 81, labels={"a": "b"}, status={"loadBalancer": {"ingress": []}}))
    for field in ("uid", "creationTimestamp"):
        assert metadata_of(new)[field] == metadata_of(old)[field]
    assert spec_of(new)["clusterIP"] == spec_of(old)["clusterIP"]
    assert new["status"] == {"loadBalancer": {}}
    assert metadata_of(new)["labels"] == {"a": "b"}
    assert metadata_of(new)["resourceVersion"] == str(registry.store.version)


def test_a_replacement_that_changes_nothing_is_no_write(registry: Registry) -> None:
    old = create(registry, service("web", 80))
    version = registry.store.version
    assert replace(registry, service("web", 80)) is old
    assert registry.store.version == version


def test_a_stale_version_or_another_uid_is_a_conflict(registry: Registry) -> None:
    old = create(registry, service("web", 80))
    new = replace(
        registry, with_metadata(service("web", 81), resourceVersion=metadata_of(old)["resourceVersion"])
    )
    for stale in (
        with_metadata(service("web", 82), resourceVersion=metadata_of(old)["resourceVersion"]),
        with_metadata(service("web", 82), uid="another"),
    ):
        with pytest.raises(StatusError) as conflict:
            replace(registry, stale)
        assert refused(conflict) == (409, "Conflict")
    assert registry.store.get(SERVICE, "default", "web") is new


def test_the_cluster_address_and_the_address_type_do_not_change(registry: Registry) -> None:
    create(registry, service("web", 80))
    create(registry, endpoint_slice("web", ["127.0.0.1:80"]), ENDPOINT_SLICE)
    with pytest.raises(StatusError) as address:
        replace(registry, service("web", 80, clusterIP="10.96.3.3"))
    assert refused(address) == (422, "Invalid")
    with pytest.raises(StatusError) as family:
        replace(registry, endpoint_slice("web", ["[::1]:80"]), ENDPOINT_SLICE)
    assert refused(family) == (422, "Invalid")


def test_only_slices_count_generations_and_only_of_content(registry: Registry) -> None:
    assert (
        metadata_of(create(registry, endpoint_slice("web", ["127.0.0.1:80"]), ENDPOINT_SLICE))["generation"]
        == 1
    )
    annotated = endpoint_slice("web", ["127.0.0.1:80"], annotations={"a": "b"})
    assert metadata_of(replace(registry, annotated, ENDPOINT_SLICE))["generation"] == 1
    moved = endpoint_slice("web", ["127.0.0.2:80"])
    assert metadata_of(replace(registry, moved, ENDPOINT_SLICE))["generation"] == 2
    assert "generation" not in metadata_of(create(registry, service("web", 80)))


def test_replacing_what_is_not_there_is_404_but_creates_endpoints(registry: Registry) -> None:
    with pytest.raises(StatusError) as missing:
        replace(registry, service("web", 80))
    assert refused(missing) == (404, "NotFound")
    written = registry.replace(ENDPOINTS, "default", "web", endpoints("web", ["127.0.0.1:80"]))
    assert written.created


def test_the_status_subresource_changes_the_status_alone(registry: Registry) -> None:
    old = create(registry, service("web", 80, type="LoadBalancer"))
    ingress = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}
    new = replace(registry, service("web", 99, labels={"a": "b"}, status=ingress), subresource="status")
    assert spec_of(new) == spec_of(old)
    assert "labels" not in metadata_of(new)
    assert new["status"] == {"loadBalancer": {"ingress": [{"ip": "1.2.3.4", "ipMode": "VIP"}]}}


# Patching.


def test_a_patch_works_on_the_stored_object_and_may_not_rename_it(registry: Registry) -> None:
    create(registry, service("web", 80))
    labelled = registry.patch(SERVICE, "default", "web", lambda raw: with_metadata(raw, labels={"a": "b"}))
    assert metadata_of(labelled.object)["labels"] == {"a": "b"}
    with pytest.raises(StatusError) as renamed:
        registry.patch(SERVICE, "default", "web", lambda raw: with_metadata(raw, name="other"))
    assert refused(renamed) == (400, "BadRequest")
    with pytest.raises(StatusError) as missing:
        registry.patch(SERVICE, "default", "nope", lambda raw: raw)
    assert refused(missing) == (404, "NotFound")


# Dry runs.


def test_a_dry_run_shows_the_result_and_keeps_nothing(registry: Registry) -> None:
    old = create(registry, service("web", 80))
    version = registry.store.version
    shown = registry.create(SERVICE, "default", service("other", 80), DRY).object
    assert spec_of(shown)["clusterIP"]
    assert "resourceVersion" not in metadata_of(shown)
    replaced = registry.replace(SERVICE, "default", "web", service("web", 81), DRY).object
    assert spec_of(replaced) != spec_of(old)
    assert metadata_of(replaced)["resourceVersion"] == metadata_of(old)["resourceVersion"]
    assert registry.delete(SERVICE, "default", "web", DeleteOptions(dry_run=True)).gone
    assert registry.store.version == version
    assert registry.store.get(SERVICE, "default", "web") is old


# Deleting.


def test_deleting_gives_the_last_state(registry: Registry) -> None:
    create(registry, service("web", 80))
    deleted = registry.delete(SERVICE, "default", "web")
    assert deleted.gone
    assert metadata_of(deleted.object)["resourceVersion"] == str(registry.store.version)
    with pytest.raises(StatusError) as again:
        registry.delete(SERVICE, "default", "web")
    assert refused(again) == (404, "NotFound")


@pytest.mark.parametrize("options", [DeleteOptions(uid="another"), DeleteOptions(resource_version="1")])
def test_preconditions_of_a_delete(registry: Registry, options: DeleteOptions) -> None:
    stored = metadata_of(create(registry, service("web", 80)))
    with pytest.raises(StatusError) as wrong:
        registry.delete(SERVICE, "default", "web", options)
    assert refused(wrong) == (409, "Conflict")
    right = DeleteOptions(uid=str(stored["uid"]), resource_version=str(stored["resourceVersion"]))
    assert registry.delete(SERVICE, "default", "web", right).gone


def test_an_object_waits_for_its_finalizers(registry: Registry) -> None:
    held = with_metadata(service("web", 80), finalizers=["example.org/hold"])
    create(registry, held)
    waiting = registry.delete(SERVICE, "default", "web")
    assert not waiting.gone
    assert metadata_of(waiting.object)["deletionTimestamp"] == "2026-06-01T12:00:00Z"
    assert not registry.delete(SERVICE, "default", "web").gone
    replace(registry, service("web", 80))
    assert registry.store.get(SERVICE, "default", "web") is None


@pytest.mark.parametrize("name", ["default"])
def test_some_namespaces_may_not_be_deleted(registry: Registry, name: str) -> None:
    with pytest.raises(StatusError) as protected:
        registry.delete(NAMESPACE, "", name)
    assert refused(protected) == (403, "Forbidden")
