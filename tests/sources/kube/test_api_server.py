"""The source against the API server of ``userproxy.testing``: every row of section R, end to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from tests.sources.kube.connections import Tokens
from tests.sources.kube.running import Running, running
from tests.sources.kube.virtual_time import VirtualTime
from userproxy.model.events import Delete, SourceProblems, Upsert
from userproxy.model.names import ObjectRef
from userproxy.sources.kube.connection import AnonymousConnection, Connection
from userproxy.sources.kube.source import KubeSource
from userproxy.testing import ApiServer
from userproxy.testing.objects import endpoint_slice, node, service


class Cluster:
    """An API server, a source that follows it on virtual time, and what that has said."""

    def __init__(self, server: ApiServer, run: Running, time: VirtualTime) -> None:
        self.server = server
        self.run = run
        self.time = time

    @property
    def known(self) -> set[str]:
        """Names of all objects that are there, as far as was said."""
        found: dict[ObjectRef, str] = {}
        for event in self.run.events:
            match event:
                case Upsert(object):
                    found[object.ref] = object.ref.name
                case Delete(ref):
                    del found[ref]
        return set(found.values())

    @property
    def problems(self) -> list[str]:
        """What is wrong, as last said."""
        said = [event for event in self.run.events if isinstance(event, SourceProblems)]
        return [problem.message for problem in said[-1].problems] if said else []

    async def until(self, holds: Callable[[], bool]) -> None:
        await self.run.until(lambda _: holds())

    async def until_known(self, *names: str) -> None:
        await self.until(lambda: self.known == set(names))

    async def outage(self, message: str) -> None:
        """Wait for a problem, then for its end."""
        seen = len(self.run.events)

        def said() -> bool:
            return any(
                message in problem.message
                for event in self.run.events[seen:]
                if isinstance(event, SourceProblems)
                for problem in event.problems
            )

        await self.until(said)
        await self.until(lambda: not self.problems)

    def asked(self, verb: str, resource: str = "services") -> list[str | None]:
        """resourceVersion of each such request."""
        return [request.query.get("resourceVersion") for request in self.server.requests.of(verb, resource)]


@asynccontextmanager
async def cluster(
    server: ApiServer, connection: Connection | None = None, **options: object
) -> AsyncIterator[Cluster]:
    """Follow ``server`` until it is synced and watched."""
    time = VirtualTime()
    source = KubeSource(
        connection or AnonymousConnection(server.url),
        timing=time.timing(node_wait_s=2.0),
        **options,  # type: ignore[arg-type]  # by name
    )
    async with running(source) as run:
        await run.until_synced()
        await server.watched("services")
        await server.watched("endpointslices")
        yield Cluster(server, run, time)


async def test_R1_R2_what_exists_is_said_then_synced_then_what_changes() -> None:
    async with ApiServer() as server:
        await server.apply(service("web", 80), endpoint_slice("web", ["127.0.0.1:9001"]), node("worker-1"))
        async with cluster(server, node_name="worker-1") as found:
            assert sorted(found.run.told) == ["+web", "+web:80", "+worker-1", "Synced"]
            assert found.run.told[-1] == "Synced"

            await server.apply(service("web", 81))
            await server.delete("EndpointSlice", "web")
            await server.delete("Node", "worker-1")
            await found.until(lambda: {"+web:81", "-web", "-worker-1"} <= set(found.run.told))


async def test_R1_S1_E1_the_server_leaves_out_what_is_ignored() -> None:
    ignored = [
        service("headless", 80, clusterIP="None"),
        service("other", 80, labels={"service.kubernetes.io/service-proxy-name": ""}),
        endpoint_slice("headless", ["127.0.0.1:1"], labels={"service.kubernetes.io/headless": ""}),
    ]
    async with ApiServer() as server:
        await server.apply(*ignored, service("web", 80))

        connection = AnonymousConnection(server.url)

        async def listed(source: KubeSource) -> list[str]:
            events = await source.list_all(10)
            return sorted(event.object.ref.name for event in events if isinstance(event, Upsert))

        assert await listed(KubeSource(connection, exclude_headless=True)) == ["web"]
        assert await listed(KubeSource(connection)) == ["headless", "headless", "web"]
        everything = ["headless", "headless", "other", "web"]
        assert await listed(KubeSource(connection, exclude_foreign=False)) == everything


async def test_R1_S1_a_service_that_is_given_to_another_proxy_goes() -> None:
    async with ApiServer() as server:
        await server.apply(service("web", 80))
        async with cluster(server) as found:
            await found.until_known("web")
            await server.apply(service("web", 80, labels={"service.kubernetes.io/service-proxy-name": "x"}))
            await found.until_known()


async def test_R1_namespaces_and_a_selector() -> None:
    async with ApiServer() as server:
        await server.apply(
            service("a", 80, namespace="one", labels={"team": "x"}),
            service("b", 80, namespace="two", labels={"team": "x"}),
            service("c", 80, namespace="one", labels={"team": "y"}),
            service("d", 80, namespace="three", labels={"team": "x"}),
        )
        async with cluster(server, namespaces=("one", "two"), selector="team=x") as found:
            await found.until_known("a", "b")
            assert {request.namespace for request in server.requests.of("list")} == {"one", "two"}


async def test_R3_a_long_list_comes_in_pages() -> None:
    async with ApiServer() as server:
        await server.apply(*(service(f"s{number}", 80) for number in range(1001)))
        async with cluster(server) as found:
            assert len(found.known) == 1001
            assert [request.query.get("limit") for request in server.requests.of("list", "services")] == [
                "500"
            ] * 3


async def test_R4_a_watch_that_ends_is_begun_again_from_the_last_version() -> None:
    async with ApiServer() as server, cluster(server) as found:
        await server.apply(service("web", 80))
        await found.until_known("web")
        version = found.run.source.resource_versions["services"]
        server.end_watches("services")
        await server.requested("watch", "services", count=2)
        await server.apply(service("api", 80))
        await found.until_known("web", "api")

        assert found.asked("watch")[1] == version
        assert len(found.asked("list")) == 1
        assert found.time.waits == []


async def test_R4_bookmarks_move_the_version() -> None:
    async with ApiServer() as server, cluster(server) as found:
        await server.apply(endpoint_slice("web", ["127.0.0.1:9001"]))
        await found.until_known("web")
        server.send_bookmarks()
        newest = str(server.resource_version)
        server.end_watches("services")
        await server.requested("watch", "services", count=2)
        assert found.asked("watch")[1] == newest


async def test_R5_an_expired_watch_lists_again_and_says_the_difference() -> None:
    async with ApiServer() as server:
        await server.apply(service("same", 80), service("gone", 80))
        async with cluster(server) as found:
            server.fail(status=429, verb="watch", resource="services", count=1)
            server.hang(verb="watch", resource="services", count=1)
            server.break_watches("services")
            await server.requested("watch", "services", count=3)
            await server.delete("Service", "gone")
            await server.apply(service("new", 80))
            server.compact()
            server.release()
            await found.until_known("same", "new")
            assert found.run.told.count("+same:80") == 1


async def test_R5_410_in_the_stream() -> None:
    async with ApiServer() as server, cluster(server) as found:
        await server.apply(service("web", 80))
        await found.until_known("web")
        server.expire_watches("services")
        await server.requested("watch", "services", count=2)
        assert found.asked("list") == ["0", None]
        assert found.time.waits == []
        assert found.problems == []


async def test_R3_too_large_a_version_lists_the_newest() -> None:
    async with ApiServer() as server, cluster(server) as found:
        server.fail(status=504, cause="ResourceVersionTooLarge", verb="list", resource="services")
        server.break_watches("services")
        await server.requested("watch", "services", count=2)
        assert found.asked("list")[0] == "0"
        assert found.asked("list")[2] is None


async def test_R5_R7_a_server_that_goes_away_and_comes_back_changed() -> None:
    async with ApiServer() as server:
        await server.apply(service("old", 80), service("same", 80))
        async with cluster(server) as found:
            await server.stop()
            await found.until(lambda: any("cannot be reached" in message for message in found.problems))
            assert found.known == {"old", "same"}, "nothing is taken back"
            await server.delete("Service", "old")
            await server.apply(service("new", 80))
            await server.start(port=server.port)
            await found.until_known("new", "same")
            await found.until(lambda: not found.problems)


@pytest.mark.parametrize(
    ("status", "wait_s"),
    [pytest.param(429, 7.0, id="429"), pytest.param(503, 7.0, id="503"), pytest.param(500, 1.6, id="500")],
)
async def test_R5_errors_of_a_list(status: int, wait_s: float) -> None:
    async with ApiServer() as server, cluster(server) as found:
        server.fail(status=status, retry_after_s=7, verb="list", resource="services")
        server.break_watches("services")
        await found.outage(f"list services: HTTP {status}")
        assert found.time.waits == [0.8, wait_s]


async def test_R5_401_uses_the_next_token() -> None:
    async with ApiServer() as server:
        server.require_token(lambda token: token.startswith("token-"))
        connection = Tokens(server.url)
        async with cluster(server, connection) as found:
            server.require_token(lambda token: token not in ("", "token-0"))
            server.break_watches()
            await found.outage("HTTP 401")
            assert connection.renewals >= 1


async def test_R5_403_names_what_is_missing() -> None:
    async with ApiServer() as server, cluster(server) as found:
        server.fail(2, status=403, verb="list", resource="endpointslices")
        server.break_watches("endpointslices")
        await found.outage(
            "the role needs verbs list and watch on endpointslices of API group discovery.k8s.io"
        )


@pytest.mark.parametrize(
    ("verb", "trouble", "message"),
    [
        pytest.param(
            "list", lambda server: server.answer(b"<html>hi"), "does not answer as a Kubernetes", id="HTML"
        ),
        pytest.param("list", lambda server: server.answer_table(), "the answer is Table", id="a Table"),
        # Two, as aiohttp itself asks a second time.
        pytest.param("watch", lambda server: server.drop(2), "the connection was cut", id="dropped"),
    ],
)
async def test_R8_odd_answers(verb: str, trouble: Callable[[ApiServer], None], message: str) -> None:
    async with ApiServer() as server, cluster(server) as found:
        await server.apply(service("web", 80))
        await found.until_known("web")
        trouble(server)
        if verb == "list":
            server.break_watches("services")
        else:
            server.end_watches("services")
        await found.outage(message)
        await server.apply(service("api", 80))
        await found.until_known("web", "api")


async def test_R8_half_a_line() -> None:
    async with ApiServer() as server, cluster(server) as found:
        server.half_line("services")
        await server.apply(service("web", 80))
        await found.until_known("web")
        await found.until(lambda: "SourceProblems" in found.run.told and not found.problems)


@pytest.mark.parametrize(
    ("line", "logged"),
    [
        pytest.param(b'{"type":"ADDED","obj\n', "is not JSON", id="undecodable"),
        pytest.param(b'{"type":"ADDED","object":{}}\n', "without metadata.name", id="no name"),
        pytest.param(
            b'\n\r\n{"type":"TURNED","object":{}}\n', "unknown event type TURNED", id="unknown type"
        ),
        pytest.param(
            b'{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"x"}}}\n',
            "Pod default/x is no Service",
            id="wrong kind",
        ),
    ],
)
async def test_R8_odd_lines(line: bytes, logged: str, caplog: pytest.LogCaptureFixture) -> None:
    async with ApiServer() as server, cluster(server) as found:
        server.inject_line(line, "services")
        await server.apply(service("web", 80))
        await found.until_known("web")
        assert any(logged in message for message in caplog.messages)


async def test_R8_a_large_object() -> None:
    async with ApiServer() as server, cluster(server) as found:
        await server.apply(service("web", 80, annotations={"note": "x" * 200_000}))
        await found.until_known("web")


async def test_R9_a_silent_dead_connection() -> None:
    async with ApiServer() as server:
        timing = VirtualTime().timing(watch_timeout_s=(1, 1), watch_slack_s=-0.8)
        async with running(KubeSource(AnonymousConnection(server.url), timing=timing)) as run:
            await run.until_synced()
            await server.watched("services")
            server.go_silent()
            await server.apply(service("web", 80))
            await run.until(lambda said: "+web:80" in said)


async def test_R9_a_request_that_hangs() -> None:
    async with ApiServer() as server:
        server.hang(verb="list", resource="services")
        timing = VirtualTime().timing(list_silence_s=0.1)
        async with running(KubeSource(AnonymousConnection(server.url), timing=timing)) as run:
            await run.until_synced()
            assert "SourceProblems" in run.told


@pytest.mark.parametrize("seed", range(6))
async def test_R3_R4_R5_R8_random_trouble_ends_in_the_servers_state(seed: int) -> None:
    rng = Random(seed)
    troubles: list[Callable[[ApiServer], None]] = [
        lambda server: server.expire_watches(),
        lambda server: server.break_watches(),
        lambda server: server.half_line(),
        lambda server: server.end_watches(),
        lambda server: server.compact(),
        lambda server: server.send_bookmarks(),
        lambda server: server.inject_line(b'{"type":"ADDED",\n'),
        lambda server: server.fail(rng.randint(1, 3), status=rng.choice([429, 500, 503])),
        lambda server: server.expire(verb="list"),
        lambda server: server.drop(rng.randint(1, 2)),
        lambda server: server.drop_connections(),
        lambda server: server.answer(b"<html>"),
    ]
    async with ApiServer() as server, cluster(server) as found:
        for _ in range(60):
            for _ in range(rng.randint(0, 4)):
                name = f"s{rng.randrange(9)}"
                if await server.get("Service", name) is None or rng.random() < 0.6:
                    await server.apply(service(name, rng.randint(1, 9999)))
                else:
                    await server.delete("Service", name)
            if rng.random() < 0.5:
                rng.choice(troubles)(server)
            for _ in range(rng.randint(0, 20)):
                await asyncio.sleep(0)
        server.clear_trouble()
        await server.apply(service("last", 80))
        await found.until(lambda: "last" in found.known)
        assert found.known == {str(raw["metadata"]["name"]) for raw in await server.list("Service")}  # type: ignore[index]  # raw
