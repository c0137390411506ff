"""Discovery, OpenAPI, version and health."""

from __future__ import annotations

import pytest

from tests.testing.api_server.http_client import HttpClient, as_object
from userproxy.manifest.kinds import KINDS, Kind
from userproxy.testing import ApiServer
from userproxy.testing.api_server.schema.protobuf import Field, decode_message
from userproxy.testing.api_server.schema.served import SERVED

GVK = "x-kubernetes-group-version-kind"
V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def test_unaggregated_discovery_leads_to_every_kind(client: HttpClient) -> None:
    assert (await client.get("/api")).at("versions") == ["v1"]
    assert (await client.get("/apis")).at("groups/0/preferredVersion/groupVersion") == "discovery.k8s.io/v1"
    assert (await client.get("/apis/discovery.k8s.io")).at("name") == "discovery.k8s.io"
    found: list[object] = []
    for path in ("/api/v1", "/apis/discovery.k8s.io/v1"):
        found += [entry["name"] for entry in (await client.get(path)).objects("resources")]
    assert {kind.plural for kind in SERVED} <= set(found)
    assert "services/status" in found
    assert "endpointslices/status" not in found


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
async def test_aggregated_discovery(client: HttpClient, version: str) -> None:
    accept = V2.replace("v=v2", f"v={version}")
    kinds: set[str] = set()
    for path in ("/api", "/apis"):
        answer = await client("GET", path, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == accept
        assert answer.at("apiVersion") == f"apidiscovery.k8s.io/{version}"
        kinds |= {str(entry["responseKind"]) for entry in answer.objects("items/0/versions/0/resources")}
    assert kinds == {
        str({"group": kind.group, "version": kind.version, "kind": kind.kind}) for kind in SERVED
    }


@pytest.mark.parametrize(
    "path", ["/apis/nope", "/api/v2", "/apis/discovery.k8s.io/v9", "/openapi/v3/apis/nope/v1"]
)
async def test_groups_and_versions_that_are_not_served_are_404(client: HttpClient, path: str) -> None:
    assert (await client.get(path)).status == 404


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_health(client: HttpClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status, answer.content) == (200, b"ok")


async def test_the_version_is_what_the_server_was_told() -> None:
    async with ApiServer(kubernetes_version="1.31.4") as server, HttpClient(server.url) as client:
        answer = await client.get("/version")
    assert (answer.at("major"), answer.at("minor"), answer.at("gitVersion")) == ("1", "31", "v1.31.4")


async def test_the_version_is_1_32_unless_told(client: HttpClient) -> None:
    assert (await client.get("/version")).at("gitVersion") == "v1.32.0"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
async def test_openapi_has_a_schema_and_a_patch_for_every_kind(client: HttpClient, kind: Kind) -> None:
    root = f"apis/{kind.api_version}" if kind.group else "api/v1"
    index = (await client.get("/openapi/v3")).object("paths")
    assert index[root] == {"serverRelativeURL": f"/openapi/v3/{root}"}
    document = await client.get(f"/openapi/v3/{root}")
    gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    schemas = document.object("components/schemas").values()
    assert [as_object(schema)["type"] for schema in schemas if as_object(schema)[GVK] == [gvk]] == ["object"]
    patches = [path["patch"] for path in map(as_object, document.object("paths").values()) if "patch" in path]
    (patch,) = [each for each in map(as_object, patches) if each[GVK] == gvk]
    parameters = patch["parameters"]
    assert isinstance(parameters, list)
    assert {"dryRun", "fieldValidation"} <= {parameter["name"] for parameter in parameters}


async def test_openapi_says_how_lists_are_merged(client: HttpClient) -> None:
    document = await client.get("/openapi/v3/api/v1")
    spec = document.object("components/schemas/io.k8s.api.core.v1.Service/properties/spec/properties")
    assert as_object(spec["ports"])["x-kubernetes-patch-merge-key"] == "port"
    assert as_object(spec["ports"])["x-kubernetes-patch-strategy"] == "merge"
    assert as_object(spec["externalIPs"])["x-kubernetes-list-type"] == "atomic"


async def test_openapi_v2_knows_no_kind_and_leaves_validation_to_the_server(client: HttpClient) -> None:
    assert (await client.get("/openapi/v2")).at("swagger") == "2.0"
    accept = {"Accept": "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"}
    message = await client("GET", "/openapi/v2", headers=accept)
    assert message.headers["Content-Type"].endswith("+protobuf")
    known = {1: Field("swagger"), 2: Field("info", "message", {2: Field("version")})}
    assert decode_message(message.content, known) == {"swagger": "2.0", "info": {"version": "v1"}}
