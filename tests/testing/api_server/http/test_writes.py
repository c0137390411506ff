"""Create, replace, patch and delete over HTTP: bodies, formats, options, statuses."""

from __future__ import annotations

import json

import pytest

from tests.testing.api_server.http_client import HttpClient
from userproxy.testing import ApiServer
from userproxy.testing.objects import endpoint_slice, endpoints, namespace, node, service

SERVICES = "/api/v1/namespaces/default/services"
WEB = f"{SERVICES}/web"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


async def test_create_answers_201_and_the_object(client: HttpClient) -> None:
    created = await client.post(SERVICES, service("web", 80))
    assert (created.status, created.at("kind"), created.at("spec/type")) == (201, "Service", "ClusterIP")
    assert (await client.get(WEB)).json == created.json


async def test_create_needs_no_namespace_in_the_body(client: HttpClient) -> None:
    raw = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    created = await client.post(SERVICES, raw)
    assert (created.status, created.at("metadata/namespace"), created.at("apiVersion")) == (
        201,
        "default",
        "v1",
    )


@pytest.mark.parametrize(
    ("path", "raw", "status", "reason"),
    [
        pytest.param(SERVICES, service("web"), 422, "Invalid", id="invalid"),
        pytest.param(SERVICES, [1], 400, "BadRequest", id="a list"),
        pytest.param(SERVICES, None, 400, "BadRequest", id="null"),
        pytest.param(SERVICES, 7, 400, "BadRequest", id="a number"),
        pytest.param(
            SERVICES, {"metadata": [], "kind": "Service"}, 400, "BadRequest", id="metadata is a list"
        ),
        pytest.param(SERVICES, node("n"), 400, "BadRequest", id="another kind"),
        pytest.param(
            "/api/v1/namespaces/no/services", {"metadata": {"name": "a"}}, 404, "NotFound", id="namespace"
        ),
    ],
)
async def test_bad_objects(client: HttpClient, path: str, raw: object, status: int, reason: str) -> None:
    answer = await client.post(path, json.dumps(raw).encode())
    assert (answer.status, answer.reason) == (status, reason)


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        pytest.param(b"{", "application/json", 400, id="half a document"),
        pytest.param(b"\xff", "application/json", 400, id="no text"),
        pytest.param(b"k8s\x00", "application/vnd.kubernetes.protobuf", 400, id="empty protobuf"),
        pytest.param(b"a: [", "application/yaml", 400, id="broken YAML"),
        pytest.param(b"{}", "text/plain", 415, id="another format"),
        pytest.param(b"{}", "", 415, id="no format"),
        pytest.param(b" " * (3 * 1024 * 1024 + 1), "application/json", 413, id="more than 3 MiB"),
    ],
)
async def test_bad_bodies(client: HttpClient, content: bytes, content_type: str, status: int) -> None:
    answer = await client("POST", SERVICES, content, content_type=content_type)
    assert (answer.status, answer.at("code")) == (status, status)


async def test_yaml_and_protobuf_bodies_are_objects_too(client: HttpClient) -> None:
    text = b"kind: Service\napiVersion: v1\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"
    assert (await client("POST", SERVICES, text, content_type="application/yaml")).status == 201
    # Namespace "shop": envelope, type, and metadata with the name.
    shop = b"k8s\x00\x0a\x0f\x0a\x02v1\x12\x09Namespace\x12\x08\x0a\x06\x0a\x04shop"
    created = await client(
        "POST", "/api/v1/namespaces", shop, content_type="application/vnd.kubernetes.protobuf"
    )
    assert (created.status, created.at("metadata/name")) == (201, "shop")


async def test_unknown_fields_warn_or_are_refused(client: HttpClient) -> None:
    raw = service("web", 80, portz=1)
    strict = await client.post(SERVICES, raw, fieldValidation="Strict")
    assert (strict.status, strict.reason) == (400, "BadRequest")
    assert 'strict decoding error: unknown field "spec.portz"' in str(strict.at("message"))
    warned = await client.post(SERVICES, raw)
    assert warned.headers["Warning"] == '299 - "unknown field \\"spec.portz\\""'
    silent = await client("PUT", WEB, raw, query={"fieldValidation": "Ignore"})
    assert (silent.status, "Warning" in silent.headers) == (200, False)
    assert (await client.post(SERVICES, raw, fieldValidation="Some")).status == 400


async def test_409_for_what_exists_and_for_a_stale_version(client: HttpClient) -> None:
    old = (await client.post(SERVICES, service("web", 80))).json
    twice = await client.post(SERVICES, service("web", 80))
    assert (twice.status, twice.reason) == (409, "AlreadyExists")
    changed = await client("PUT", WEB, {**old, "spec": {"ports": [{"port": 81}]}})
    assert changed.status == 200
    stale = await client("PUT", WEB, {**old, "spec": {"ports": [{"port": 82}]}})
    assert (stale.status, stale.reason) == (409, "Conflict")
    assert stale.at("details") == {"name": "web", "kind": "services"}
    patch = {"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}}
    assert (await client("PATCH", WEB, patch, content_type=MERGE)).status == 409
    assert (await client.get(WEB)).json == changed.json


async def test_put_must_name_what_the_url_names(client: HttpClient) -> None:
    await client.post(SERVICES, service("web", 80))
    other = await client("PUT", WEB, service("other", 80))
    assert (other.status, other.reason) == (400, "BadRequest")
    missing = await client("PUT", f"{SERVICES}/nope", service("nope", 80))
    assert (missing.status, missing.reason) == (404, "NotFound")


@pytest.mark.parametrize(
    ("content_type", "patch"),
    [
        pytest.param(STRATEGIC, {"spec": {"ports": [{"port": 443, "name": "https"}]}}, id="strategic"),
        pytest.param(
            MERGE,
            {"spec": {"ports": [{"port": 443, "name": "https"}, {"port": 80, "name": "http"}]}},
            id="merge",
        ),
        pytest.param(
            JSON_PATCH,
            [{"op": "add", "path": "/spec/ports/0", "value": {"port": 443, "name": "https"}}],
            id="json",
        ),
    ],
)
async def test_the_three_kinds_of_patches(client: HttpClient, content_type: str, patch: object) -> None:
    await client.post(SERVICES, service("web", "http:80"))
    patched = await client("PATCH", WEB, patch, content_type=content_type)
    assert patched.status == 200
    assert {(port["name"], port["port"]) for port in patched.objects("spec/ports")} == {
        ("http", 80),
        ("https", 443),
    }
    assert (await client.get(WEB)).json == patched.json


@pytest.mark.parametrize(
    ("content_type", "patch", "status"),
    [
        pytest.param(
            JSON_PATCH, [{"op": "test", "path": "/spec/type", "value": "NodePort"}], 422, id="failed test"
        ),
        pytest.param(JSON_PATCH, [{"op": "remove", "path": "/spec/nope"}], 422, id="missing path"),
        pytest.param(JSON_PATCH, {"op": "remove"}, 400, id="no list"),
        pytest.param(JSON_PATCH, [{"op": "replace", "path": "", "value": 7}], 400, id="no object left"),
        pytest.param(MERGE, 7, 400, id="no object"),
        pytest.param(STRATEGIC, [], 400, id="a list"),
        pytest.param(MERGE, {"metadata": {"name": "other"}}, 400, id="another name"),
        pytest.param(MERGE, {"spec": {"ports": []}}, 422, id="invalid result"),
        pytest.param(MERGE, {"spec": {"ports": 7}}, 400, id="wrong type"),
        pytest.param("application/json", {}, 415, id="another format"),
        pytest.param("application/apply-patch+yaml", {}, 415, id="server-side apply"),
    ],
)
async def test_bad_patches_change_nothing(
    client: HttpClient, content_type: str, patch: object, status: int
) -> None:
    before = (await client.post(SERVICES, service("web", 80))).json
    refused = await client("PATCH", WEB, patch, content_type=content_type)
    assert (refused.status, refused.at("kind")) == (status, "Status")
    assert (await client.get(WEB)).json == before


async def test_server_side_apply_says_which_formats_there_are(client: HttpClient) -> None:
    refused = await client("PATCH", WEB, {}, content_type="application/apply-patch+yaml")
    assert refused.reason == "UnsupportedMediaType"
    assert "application/strategic-merge-patch+json" in str(refused.at("message"))


@pytest.mark.parametrize("collection", ["/api/v1/namespaces/default/services", "/api/v1/nodes"])
async def test_the_status_subresource(client: HttpClient, collection: str) -> None:
    raw = node("web") if collection.endswith("nodes") else service("web", 80, type="LoadBalancer")
    status = (
        {"addresses": [{"type": "InternalIP", "address": "10.0.0.5"}]}
        if collection.endswith("nodes")
        else {"loadBalancer": {"ingress": [{"ip": "1.2.3.4", "ipMode": "VIP"}]}}
    )
    await client.post(collection, raw)
    patch = {"status": status, "metadata": {"labels": {"ignored": "here"}}}
    patched = await client("PATCH", f"{collection}/web/status", patch, content_type=MERGE)
    assert (patched.status, patched.at("status")) == (200, status)
    assert "ignored" not in str(patched.json)
    assert (await client.get(f"{collection}/web/status")).json == patched.json


async def test_delete_answers_the_service_and_a_status_for_the_rest(client: HttpClient) -> None:
    await client.post(SERVICES, service("web", 80))
    created = (await client.post(SLICES, endpoint_slice("web", ["127.0.0.1:80"]))).at("metadata/uid")
    assert (await client("DELETE", WEB)).at("kind") == "Service"
    deleted = await client("DELETE", f"{SLICES}/web")
    assert (deleted.status, deleted.at("status")) == (200, "Success")
    expected = {"name": "web", "group": "discovery.k8s.io", "kind": "endpointslices", "uid": created}
    assert deleted.at("details") == expected
    assert (await client("DELETE", WEB)).status == 404


async def test_preconditions_of_a_delete(client: HttpClient) -> None:
    await client.post(SERVICES, service("web", 80))
    wrong = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "another"}}
    refused = await client("DELETE", WEB, wrong)
    assert (refused.status, refused.reason) == (409, "Conflict")
    assert (await client.get(WEB)).status == 200


async def test_a_collection_is_deleted_by_selector(client: HttpClient) -> None:
    for name, labels in (("a", {"x": "1"}), ("b", {"x": "1"}), ("c", {})):
        await client.post(SERVICES, service(name, 80, labels=labels))
    deleted = await client("DELETE", SERVICES, query={"labelSelector": "x=1"})
    assert deleted.names == ["a", "b"]
    assert (await client.get(SERVICES)).names == ["c"]


async def test_a_namespace_goes_with_its_contents(client: HttpClient) -> None:
    await client.post("/api/v1/namespaces", namespace("shop"))
    await client.post("/api/v1/namespaces/shop/services", service("web", 80, namespace="shop"))
    assert (await client("DELETE", "/api/v1/namespaces/shop")).status == 200
    assert (await client.get("/api/v1/services")).names == []
    assert (await client.get("/api/v1/namespaces/shop")).status == 404
    protected = await client("DELETE", "/api/v1/namespaces/kube-system")
    assert (protected.status, protected.reason) == (403, "Forbidden")


async def test_dry_runs_keep_nothing(server: ApiServer, client: HttpClient) -> None:
    await client.post(SERVICES, service("web", 80))
    version = server.resource_version
    dry = {"dryRun": "All"}
    assert (await client.post(SERVICES, service("other", 80), **dry)).status == 201
    assert (await client("PUT", WEB, service("web", 81), query=dry)).at("spec/ports/0/port") == 81
    patch = {"metadata": {"labels": {"a": "b"}}}
    assert (await client("PATCH", WEB, patch, content_type=MERGE, query=dry)).at("metadata/labels/a") == "b"
    assert (await client("DELETE", WEB, {"dryRun": ["All"]})).status == 200
    assert (await client("DELETE", WEB, query=dry)).status == 200
    assert server.resource_version == version
    refused = await client.post(SERVICES, service("other", 80), dryRun="Some")
    assert (refused.status, refused.reason) == (400, "BadRequest")


async def test_D6_endpoints_are_mirrored(client: HttpClient) -> None:
    await client.post(SERVICES, service("web", 80))
    path = "/api/v1/namespaces/default/endpoints"
    await client.post(path, endpoints("web", ["127.0.0.1:9000"]))
    listed = await client.get(SLICES, labelSelector="kubernetes.io/service-name=web")
    assert listed.at("items/0/endpoints/0/addresses") == ["127.0.0.1"]
    await client("DELETE", f"{path}/web")
    assert (await client.get(SLICES)).names == []
