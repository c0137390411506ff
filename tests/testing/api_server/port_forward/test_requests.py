"""Requests for a forward that are refused, and why."""

from __future__ import annotations

import pytest

from tests.testing.api_server.http_client import HttpClient
from userproxy.testing import ApiServer
from userproxy.testing.api_server.port_forward.faults import Way
from userproxy.testing.objects import pod

PATH = "/api/v1/namespaces/default/pods/web-0/portforward"
SPDY = {
    "Connection": "Upgrade",
    "Upgrade": "SPDY/3.1",
    "X-Stream-Protocol-Version": "portforward.k8s.io",
}
SOCKET = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
TUNNEL = {**SOCKET, "Sec-WebSocket-Protocol": "SPDY/3.1+portforward.k8s.io"}
CHANNELS = {**SOCKET, "Sec-WebSocket-Protocol": "v4.channel.k8s.io"}


@pytest.fixture(autouse=True)
async def web(server: ApiServer) -> None:
    await server.apply(pod("web-0", 8080))


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "message"),
    [
        pytest.param("GET", PATH, {}, 400, "Upgrade request required", id="no upgrade"),
        pytest.param("POST", PATH, TUNNEL, 400, "Upgrade request required", id="a WebSocket by POST"),
        pytest.param(
            "POST", PATH, {**SPDY, "Connection": "close"}, 400, "Upgrade request", id="half an upgrade"
        ),
        pytest.param(
            "GET", PATH, {**SOCKET, "Sec-WebSocket-Protocol": "v9"}, 400, "no subprotocol of", id="a protocol"
        ),
        pytest.param("GET", PATH, SOCKET, 400, "no subprotocol of", id="no protocol"),
        pytest.param(
            "POST",
            PATH,
            {**SPDY, "X-Stream-Protocol-Version": "v9"},
            403,
            "unable to upgrade: unable to negotiate protocol",
            id="another stream protocol",
        ),
        pytest.param("POST", PATH.replace("web-0", "gone"), SPDY, 404, 'pods "gone" not found', id="no Pod"),
        pytest.param("DELETE", PATH, {}, 405, "does not allow this method", id="a method"),
    ],
)
async def test_a_request_is_refused(
    client: HttpClient, method: str, path: str, headers: dict[str, str], status: int, message: str
) -> None:
    answer = await client(method, path, headers=headers)
    assert answer.status == status
    assert message in str(answer.at("message"))


@pytest.mark.parametrize("status", [400, 403, 404, 426, 500])
async def test_one_way_is_refused(server: ApiServer, client: HttpClient, status: int) -> None:
    server.refuse_upgrades(status, 1, way=Way.TUNNEL)
    other = await client("GET", f"{PATH}?ports=x", headers=CHANNELS)
    assert "unable to parse" in str(other.at("message"))
    assert (await client("GET", PATH, headers=TUNNEL)).status == status
    server.refuse_upgrades(status)
    for headers in (TUNNEL, CHANNELS, SPDY):
        assert (await client("GET", PATH, headers=headers)).at("message") == "scripted refusal"
    server.clear_forward_trouble()
    assert (await client("GET", f"{PATH}?ports=x", headers=CHANNELS)).status == 400


@pytest.mark.parametrize(("method", "verb", "headers"), [("GET", "get", TUNNEL), ("POST", "create", SPDY)])
async def test_a_right_that_is_missing_is_named(
    server: ApiServer, client: HttpClient, method: str, verb: str, headers: dict[str, str]
) -> None:
    server.forbid(verb, "pods/portforward")
    answer = await client(method, PATH, headers=headers)
    assert answer.status == 403
    assert answer.at("message") == (
        f'pods "web-0" is forbidden: User "system:anonymous" cannot {verb} resource "pods/portforward"'
        ' in API group "" in the namespace "default"'
    )
    assert [request.resource for request in server.requests.of(verb)] == ["pods/portforward"]
    server.permit_all()
    server.refuse_upgrades(426)
    assert (await client(method, PATH, headers=headers)).status == 426


@pytest.mark.parametrize(("version", "status"), [("1.34", 426), ("1.35", 403), ("v2.0.1", 403)])
async def test_from_1_35_on_a_websocket_needs_the_right_to_create(version: str, status: int) -> None:
    async with ApiServer(kubernetes_version=version) as server, HttpClient(server.url) as client:
        await server.apply(pod("web-0", 8080))
        server.forbid("create", "pods/portforward")
        server.refuse_upgrades(426)
        answer = await client("GET", PATH, headers=TUNNEL)
    assert answer.status == status


async def test_lists_of_a_cluster_can_be_forbidden_too(server: ApiServer, client: HttpClient) -> None:
    server.forbid("list", "services")
    answer = await client.get("/api/v1/services")
    assert answer.at("message") == (
        'services is forbidden: User "system:anonymous" cannot list resource "services" in API group ""'
        " at the cluster scope"
    )
    assert (await client.get("/api/v1/nodes")).status == 200
