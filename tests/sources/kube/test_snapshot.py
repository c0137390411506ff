"""`KubeSource.list_all`: everything once, for ``explain``."""

from __future__ import annotations

import pytest

from tests.sources.kube.connections import Tokens, nobody_listens
from tests.sources.kube.follower import told
from tests.sources.kube.raw import node, service, slice_, status
from tests.sources.kube.scripted_server import ScriptedServer, page, plain, silence
from tests.sources.kube.scripted_server import status as status_answer
from tests.sources.kube.virtual_time import VirtualTime
from userproxy.errors import ApiError, CredentialsError, ResourceExpired, WatchError
from userproxy.model.events import Event, SourceProblems
from userproxy.sources.kube.connection import AnonymousConnection, Connection
from userproxy.sources.kube.source import KubeSource

SLICES = "EndpointSliceList"


async def list_all(
    connection: Connection, *, node_name: str = "", timeout_s: float = 10
) -> tuple[Event, ...]:
    source = KubeSource(connection, node_name=node_name, exclude_foreign=False, timing=VirtualTime().timing())
    return await source.list_all(timeout_s)


async def test_R3_everything_is_listed_at_the_newest_version_without_selectors() -> None:
    async with ScriptedServer() as server:
        server.lists("services", page(service("a"), token="t"), page(service("b")))
        server.lists("endpointslices", page(slice_("a-1"), kind=SLICES))
        server.lists("nodes", page(node("worker-1"), kind="NodeList"))
        events = await list_all(AnonymousConnection(server.url), node_name="worker-1")

        assert [told(event) for event in events] == ["+a:80", "+b:80", "+a-1", "+worker-1", "Synced"]
        assert server.requests[0].query == {"limit": "500"}
        assert server.requests[2].query == {"limit": "500"}
        assert server.requests[3].query == {"limit": "500", "fieldSelector": "metadata.name=worker-1"}


async def test_R3_an_expiry_begins_again_once() -> None:
    async with ScriptedServer() as server:
        expired = status_answer(status(410, "Expired"))
        server.lists("services", page(service("a"), token="t"), expired, page(service("b")))
        server.lists("endpointslices", page(kind=SLICES))
        events = await list_all(AnonymousConnection(server.url))
        assert [told(event) for event in events] == ["+b:80", "Synced"]

        server.lists("services", page(token="t"), expired, expired)
        with pytest.raises(ResourceExpired):
            await list_all(AnonymousConnection(server.url))


async def test_R5_a_401_is_tried_once_with_fresh_credentials() -> None:
    unauthorized = status_answer(status(401, "Unauthorized"))
    async with ScriptedServer() as server:
        connection = Tokens(server.url)
        server.lists("services", unauthorized, page())
        server.lists("endpointslices", page(kind=SLICES))
        await list_all(connection)
        assert connection.renewals == 1

        server.lists("services", unauthorized, unauthorized)
        with pytest.raises(ApiError) as caught:
            await list_all(connection)
        assert caught.value.status == 401


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(
            status_answer(status(403, "Forbidden")),
            "forbidden to list nodes; the role needs verbs list and watch on nodes: no message; "
            "without this Node zone hints cannot match",
            id="forbidden",
        ),
        pytest.param(
            page(kind="NodeList"),
            "there is no such Node; until there is, zone hints cannot match",
            id="missing",
        ),
    ],
)
async def test_N2_without_the_node_it_goes_on(answer: object, message: str) -> None:
    async with ScriptedServer() as server:
        server.lists("services", page(service("a")))
        server.lists("endpointslices", page(kind=SLICES))
        server.lists("nodes", answer)  # type: ignore[arg-type]  # an Answer
        events = await list_all(AnonymousConnection(server.url), node_name="worker-1")

        assert [told(event) for event in events] == ["+a:80", "SourceProblems", "Synced"]
        problems = events[1]
        assert isinstance(problems, SourceProblems)
        assert [problem.message for problem in problems.problems] == [message]


async def test_R5_an_unreachable_server_is_an_error_at_once() -> None:
    async with nobody_listens() as url:
        with pytest.raises(WatchError, match="cannot be reached: Connection refused"):
            await list_all(AnonymousConnection(url))


async def test_R5_a_silent_server_is_an_error_when_the_time_is_up() -> None:
    async with ScriptedServer() as server:
        server.lists("services", silence())
        with pytest.raises(WatchError, match=r"did not answer within 0\.05 s"):
            await list_all(AnonymousConnection(server.url), timeout_s=0.05)


async def test_R8_a_server_that_is_no_kubernetes_is_an_error() -> None:
    async with ScriptedServer() as server:
        server.lists("services", plain(200, "text/html", b"<html>"))
        with pytest.raises(WatchError, match="does not answer as a Kubernetes API server"):
            await list_all(AnonymousConnection(server.url))


async def test_credentials_that_cannot_be_had_are_an_error() -> None:
    with pytest.raises(CredentialsError, match="token file is gone"):
        await list_all(Tokens("http://127.0.0.1:9", failures=1))
