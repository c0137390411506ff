"""Get and list over HTTP: selectors, pages, namespaces, tables, metadata alone."""

from __future__ import annotations

import pytest

from tests.testing.api_server.http_client import HttpClient
from userproxy.testing import ApiServer
from userproxy.testing.objects import endpoint_slice, node, service

SERVICES = "/api/v1/services"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


async def test_get_gives_the_object_or_404(server: ApiServer, client: HttpClient) -> None:
    await server.apply(service("web", 80))
    found = await client.get("/api/v1/namespaces/default/services/web")
    assert (found.status, found.at("kind"), found.at("metadata/name")) == (200, "Service", "web")
    assert found.headers["Content-Type"] == "application/json"
    missing = await client.get("/api/v1/namespaces/default/services/nope")
    assert (missing.status, missing.reason) == (404, "NotFound")
    assert missing.at("message") == 'services "nope" not found'
    assert missing.at("details") == {"name": "nope", "kind": "services"}


async def test_a_status_of_a_group_names_it(client: HttpClient) -> None:
    missing = await client.get("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/nope")
    assert missing.at("message") == 'endpointslices.discovery.k8s.io "nope" not found'
    assert missing.at("details") == {"name": "nope", "group": "discovery.k8s.io", "kind": "endpointslices"}


async def test_lists_of_all_and_of_one_namespace(server: ApiServer, client: HttpClient) -> None:
    await server.apply(service("b", 80), service("a", 80), service("c", 80, namespace="shop"))
    everywhere = await client.get(SERVICES)
    assert everywhere.names == ["a", "b", "c"]
    assert (everywhere.at("kind"), everywhere.at("apiVersion")) == ("ServiceList", "v1")
    assert everywhere.at("metadata/resourceVersion") == str(server.resource_version)
    assert "kind" not in everywhere.objects("items")[0]
    assert (await client.get("/api/v1/namespaces/shop/services")).names == ["c"]
    assert (await client.get("/api/v1/namespaces/nowhere/services")).names == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({"labelSelector": "tier=front"}, ["a"], id="label"),
        pytest.param({"labelSelector": "tier notin (front)"}, ["b", "c"], id="absent label"),
        pytest.param({"fieldSelector": "metadata.name=b"}, ["b"], id="name"),
        pytest.param({"fieldSelector": "spec.clusterIP!=None"}, ["a", "b"], id="not headless"),
        pytest.param(
            {"fieldSelector": "metadata.namespace=default,spec.type=ClusterIP"}, ["a", "b", "c"], id="two"
        ),
        pytest.param({"fieldSelector": "metadata.name=a", "labelSelector": "!tier"}, [], id="both"),
    ],
)
async def test_selectors(
    server: ApiServer, client: HttpClient, query: dict[str, str], names: list[str]
) -> None:
    await server.apply(
        service("a", 80, labels={"tier": "front"}), service("b", 80), service("c", 80, clusterIP="None")
    )
    assert (await client.get(SERVICES, **query)).names == names


async def test_a_node_is_selected_by_its_name(server: ApiServer, client: HttpClient) -> None:
    await server.apply(node("one"), node("two"))
    assert (await client.get("/api/v1/nodes", fieldSelector="metadata.name=two")).names == ["two"]


async def test_pages_over_http(server: ApiServer, client: HttpClient) -> None:
    await server.apply(*(service(f"s{number}", 80) for number in range(5)))
    names: list[str] = []
    query = {"limit": "2"}
    versions = set()
    while True:
        page = await client.get(SERVICES, **query)
        names += page.names
        metadata = page.at("metadata")
        assert isinstance(metadata, dict)
        versions.add(metadata["resourceVersion"])
        if "continue" not in metadata:
            break
        query["continue"] = metadata["continue"]
        await server.apply(service("later", 80, labels={"page": str(len(names))}))
    assert names == ["s0", "s1", "s2", "s3", "s4"]
    assert len(versions) == 1


async def test_R5_a_continue_token_that_grew_old_is_410(server: ApiServer, client: HttpClient) -> None:
    await server.apply(service("a", 80), service("b", 80))
    page = await client.get(SERVICES, limit="1")
    await server.apply(service("c", 80))
    server.compact()
    old = await client.get(SERVICES, **{"continue": str(page.at("metadata/continue"))})
    assert (old.status, old.reason) == (410, "Expired")
    rest = await client.get(SERVICES, **{"continue": str(old.at("metadata/continue"))})
    assert rest.names == ["b", "c"]


async def test_R3_a_version_of_the_future_is_504_and_says_when_to_come_back(client: HttpClient) -> None:
    early = await client.get(SERVICES, resourceVersion="999999")
    assert (early.status, early.reason) == (504, "Timeout")
    assert early.at("details/causes/0/reason") == "ResourceVersionTooLarge"
    assert early.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param({"labelSelector": "=b"}, 400, id="label selector"),
        pytest.param({"fieldSelector": "spec.nope=1"}, 400, id="field"),
        pytest.param({"limit": "-1"}, 400, id="limit"),
        pytest.param({"continue": "nonsense"}, 400, id="continue"),
        pytest.param({"resourceVersionMatch": "Exact"}, 422, id="match alone"),
        pytest.param({"includeObject": "All"}, 400, id="includeObject"),
    ],
)
async def test_bad_queries_are_answered_by_a_status(
    client: HttpClient, query: dict[str, str], status: int
) -> None:
    refused = await client.get(SERVICES, **query)
    assert (refused.status, refused.at("status")) == (status, "Failure")


async def test_a_table_has_columns_and_rows_with_metadata(server: ApiServer, client: HttpClient) -> None:
    await server.apply(service("web", "http:80", clusterIP="10.96.0.10"))
    table = await client("GET", SERVICES, headers=TABLE)
    assert (table.at("kind"), table.at("apiVersion")) == ("Table", "meta.k8s.io/v1")
    columns = table.objects("columnDefinitions")
    assert [column["name"] for column in columns][:3] == ["Name", "Type", "Cluster-IP"]
    assert [column["name"] for column in columns if column["priority"]] == ["Selector"]
    assert table.at("rows/0/cells/2") == "10.96.0.10"
    assert table.at("rows/0/object/kind") == "PartialObjectMetadata"
    assert table.at("rows/0/object/metadata/namespace") == "default"
    assert table.at("metadata/resourceVersion") == str(server.resource_version)


async def test_a_table_of_one_object_and_what_its_rows_carry(server: ApiServer, client: HttpClient) -> None:
    await server.apply(endpoint_slice("web", ["127.0.0.1:80"]))
    path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/web"
    whole = await client("GET", path, headers=TABLE, query={"includeObject": "Object"})
    assert whole.at("rows/0/object/kind") == "EndpointSlice"
    assert whole.at("rows/0/cells/0") == "web"
    bare = await client("GET", path, headers=TABLE, query={"includeObject": "None"})
    assert "object" not in bare.objects("rows")[0]


async def test_metadata_alone(server: ApiServer, client: HttpClient) -> None:
    await server.apply(service("web", 80))
    accept = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    listed = await client("GET", SERVICES, headers=accept)
    assert listed.at("kind") == "PartialObjectMetadataList"
    assert listed.names == ["web"]
    assert "spec" not in listed.objects("items")[0]


async def test_who_asks_for_protobuf_gets_json(server: ApiServer, client: HttpClient) -> None:
    headers = {"Accept": "application/vnd.kubernetes.protobuf"}
    answer = await client("GET", SERVICES, headers=headers)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        pytest.param("GET", "/api/v1/secrets", 404, "NotFound", id="kind that is not served"),
        pytest.param("GET", "/nowhere", 404, "NotFound", id="path"),
        pytest.param("POST", "/api/v1/services", 405, "MethodNotAllowed", id="post to all namespaces"),
        pytest.param(
            "PUT", "/api/v1/namespaces/default/services", 405, "MethodNotAllowed", id="put to a collection"
        ),
        pytest.param("POST", "/version", 405, "MethodNotAllowed", id="post to a document"),
    ],
)
async def test_what_is_not_there(
    client: HttpClient, method: str, path: str, status: int, reason: str
) -> None:
    answer = await client(method, path, {} if method != "GET" else None)
    assert (answer.status, answer.reason) == (status, reason)
