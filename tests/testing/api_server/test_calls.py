"""Calls without HTTP: apply, delete, get, list, inject."""

from __future__ import annotations

import pytest

from tests.testing.api_server.http_client import HttpClient, as_object
from userproxy.errors import DocumentError, UserproxyError
from userproxy.testing import ApiServer
from userproxy.testing.api_server import StatusError
from userproxy.testing.objects import endpoint_slice, endpoint_slices, endpoints, namespace, node, service

TEXT = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: List
items:
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: web, labels: {kubernetes.io/service-name: web}}
  addressType: IPv4
  ports: [{port: 9000}]
  endpoints: [{addresses: [127.0.0.1]}]
"""


async def test_apply_takes_objects_and_text_and_gives_what_is_stored(server: ApiServer) -> None:
    stored = await server.apply(TEXT, node("n"))
    assert [each["kind"] for each in stored] == ["Service", "EndpointSlice", "Node"]
    assert as_object(stored[0]["spec"])["clusterIP"]
    assert await server.get("Service", "web") == stored[0]


async def test_apply_again_replaces_and_keeps_what_was_allocated(server: ApiServer) -> None:
    (first,) = await server.apply(service("web", 80, labels={"a": "b"}))
    (second,) = await server.apply(service("web", 81))
    assert as_object(second["spec"])["clusterIP"] == as_object(first["spec"])["clusterIP"]
    assert as_object(second["metadata"])["uid"] == as_object(first["metadata"])["uid"]
    assert "labels" not in as_object(second["metadata"])
    version = server.resource_version
    await server.apply(service("web", 81))
    assert server.resource_version == version


async def test_apply_creates_the_namespace_and_sets_the_status(server: ApiServer) -> None:
    ingress = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4", "ipMode": "VIP"}]}}
    (stored,) = await server.apply(service("web", 80, namespace="shop", type="LoadBalancer", status=ingress))
    assert stored["status"] == ingress
    assert await server.get("Namespace", "shop")


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}, id="a kind that is not served"
        ),
        pytest.param({"apiVersion": "v9", "kind": "Service", "metadata": {"name": "a"}}, id="a version"),
        pytest.param("- 1\n- 2\n", id="no objects"),
        pytest.param(service("web", 80, portz=1), id="unknown field"),
        pytest.param(service("web"), id="invalid"),
    ],
)
async def test_apply_says_why_an_object_is_refused(server: ApiServer, bad: dict[str, object] | str) -> None:
    with pytest.raises(StatusError) as refused:
        await server.apply(bad)
    assert isinstance(refused.value, UserproxyError)
    assert refused.value.code in (400, 422)
    assert str(refused.value)


async def test_apply_of_text_that_cannot_be_read(server: ApiServer) -> None:
    with pytest.raises(DocumentError):
        await server.apply("a: [")


async def test_delete_by_any_name_of_the_kind(server: ApiServer) -> None:
    for kind in ("Service", "services", "service", "svc"):
        await server.apply(service("web", 80))
        await server.delete(kind, "web")
        assert await server.get(kind, "web") is None
    with pytest.raises(StatusError, match="not found"):
        await server.delete("Service", "web")
    with pytest.raises(ValueError, match="'Secret' is not served"):
        await server.delete("Secret", "web")
    await server.apply(node("n"))
    await server.delete("Node", "n")


async def test_list(server: ApiServer) -> None:
    await server.apply(service("b", 80), service("a", 80), service("c", 80, namespace="shop"))
    assert [as_object(raw["metadata"])["name"] for raw in await server.list("Service")] == ["a", "b", "c"]
    assert [as_object(raw["metadata"])["name"] for raw in await server.list("Service", "shop")] == ["c"]


async def test_what_is_given_back_can_be_changed(server: ApiServer) -> None:
    (stored,) = await server.apply(service("web", 80))
    as_object(stored["spec"])["type"] = "changed"
    found = await server.get("Service", "web")
    assert found is not None
    assert as_object(found["spec"])["type"] == "ClusterIP"


async def test_inject_stores_anything_and_clients_meet_it(server: ApiServer, client: HttpClient) -> None:
    odd = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "odd", "namespace": "default"},
        "spec": [7],
    }
    await server.inject(odd)
    listed = await client.get("/api/v1/services")
    assert listed.objects("items")[0]["spec"] == [7]
    async with client.watch("/api/v1/services") as watch:
        assert await watch.next() == ("ADDED", "odd")
    table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    assert (await client("GET", "/api/v1/services", headers=table)).at("rows/0/cells/0") == "odd"
    with pytest.raises(StatusError):
        await server.inject({"kind": "Nothing"})


async def test_every_builder_is_accepted(server: ApiServer) -> None:
    await server.apply(
        namespace("shop", labels={"a": "b"}),
        node("n", zone="z", internal_ips=["10.0.0.5"], podCIDRs=["10.1.0.0/24"]),
        service("web", "http:80", "dns:53/UDP", annotations={"userproxy.dev/balancer": "round-robin"}),
        endpoint_slice(
            "web", ["127.0.0.1:80"], port_name="http", zones=["z"], nodes=["n"], nodeName="n", ready=False
        ),
        *endpoint_slices("web", ["127.0.0.1:81", "[::1]:81", "127.0.0.2:82"], name="more", protocol="UDP"),
        endpoints("web", ["127.0.0.1:80", "[::1]:80"], port_name="http"),
    )
    assert len(await server.list("EndpointSlice")) == 6
