"""`KubeSource`: when it is synced, what it follows, marks, reloads, ages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
import uvloop

from tests.sources.kube.connections import Reconfigured, Tokens
from tests.sources.kube.raw import bookmark, event_line, node, service, slice_, status
from tests.sources.kube.running import running
from tests.sources.kube.scripted_server import Answer, ScriptedServer, Stream, page, silence, watch
from tests.sources.kube.scripted_server import status as status_answer
from tests.sources.kube.virtual_time import VirtualTime
from userproxy.log import fields_of
from userproxy.model.events import Mark, SourceProblems
from userproxy.model.problems import Severity
from userproxy.sources.base import Source
from userproxy.sources.kube.connection import AnonymousConnection
from userproxy.sources.kube.source import KubeSource

SLICES = "EndpointSliceList"


def source_of(
    server: ScriptedServer,
    time: VirtualTime | None = None,
    *,
    namespaces: Sequence[str] = (),
    selector: str = "",
    node_name: str = "",
    node_optional: bool = False,
    node_wait_s: float = 0.05,
) -> KubeSource:
    return KubeSource(
        AnonymousConnection(server.url),
        namespaces=namespaces,
        selector=selector,
        node_name=node_name,
        node_optional=node_optional,
        timing=(time or VirtualTime()).timing(node_wait_s=node_wait_s),
    )


def list_nothing(server: ScriptedServer) -> None:
    server.lists("services", page(version="7"))
    server.lists("endpointslices", page(kind=SLICES, version="7"))


def age(source: KubeSource) -> float | None:
    return source.last_contact_age_s


def test_it_is_a_source() -> None:
    source: Source = KubeSource(AnonymousConnection("http://127.0.0.1:9"))
    assert source.cluster_ip_required
    assert source.remote


class TestSynced:
    async def test_R2_synced_comes_when_services_and_slices_are_both_listed(self) -> None:
        go = asyncio.Event()

        async def late(stream: Stream) -> None:
            await go.wait()
            await page(slice_("web-1"), kind=SLICES, version="7")(stream)

        async with ScriptedServer() as server, running(source_of(server)) as run:
            server.lists("services", page(service("web"), version="7"))
            server.lists("endpointslices", late)
            await server.stream("services")
            assert await run.until(bool) == ["+web:80"], "not before the slices are there"
            go.set()
            assert await run.until_synced() == ["+web:80", "+web-1", "Synced"]

    async def test_R2_a_list_in_pages_is_there_when_its_last_page_is(self) -> None:
        go = asyncio.Event()

        async def late(stream: Stream) -> None:
            await go.wait()
            await page(service("b"), version="7")(stream)

        async with ScriptedServer() as server, running(source_of(server)) as run:
            server.lists("services", page(service("a"), version="7", token="t"), late)
            server.lists("endpointslices", page(kind=SLICES, version="7"))
            await server.stream("endpointslices")
            await server.asked(3)
            assert run.told == ["+a:80"]
            go.set()
            assert await run.until_synced() == ["+a:80", "+b:80", "Synced"]

    async def test_R2_no_synced_while_a_list_fails(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, running(source_of(server, time)) as run:
            server.lists("services", page(version="7"))
            failing = [status_answer(status(500, "InternalError"))] * 3
            server.lists("endpointslices", *failing, page(kind=SLICES, version="7"))
            said = await run.until_synced()
            assert said[:1] == ["SourceProblems"]
            assert said[-1] == "Synced"
            assert time.waits == [0.8, 1.6, 3.2]

    @pytest.mark.spec("N2")
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            pytest.param(page(node("worker-1"), kind="NodeList", version="7"), ["+worker-1"], id="found"),
            pytest.param(page(kind="NodeList", version="7"), ["SourceProblems"], id="missing"),
            pytest.param(status_answer(status(403, "Forbidden")), ["SourceProblems"], id="forbidden"),
            pytest.param(silence(), [], id="silent: not for longer than a moment"),
        ],
    )
    async def test_R2_N2_the_node_is_waited_for_no_longer_than_a_moment(
        self, answer: Answer, expected: list[str]
    ) -> None:
        async with ScriptedServer() as server, running(source_of(server, node_name="worker-1")) as run:
            list_nothing(server)
            server.lists("nodes", answer)
            assert await run.until_synced() == [*expected, "Synced"]

    async def test_N2_a_node_that_answers_late_comes_before_synced(self) -> None:
        go = asyncio.Event()

        async def late(stream: Stream) -> None:
            await go.wait()
            await page(node("worker-1"), kind="NodeList", version="7")(stream)

        async with (
            ScriptedServer() as server,
            running(source_of(server, node_name="worker-1", node_wait_s=60)) as run,
        ):
            list_nothing(server)
            server.lists("nodes", late)
            await server.stream("services")
            await server.stream("endpointslices")
            await server.asked(1, "nodes")
            assert run.told == []
            go.set()
            assert await run.until_synced() == ["+worker-1", "Synced"]

    async def test_N2_a_missing_node_is_a_warning_until_it_comes(self) -> None:
        async with ScriptedServer() as server, running(source_of(server, node_name="worker-1")) as run:
            list_nothing(server)
            server.lists("nodes", page(kind="NodeList", version="7"))
            await run.until_synced()
            problems = run.events[0]
            assert isinstance(problems, SourceProblems)
            assert [(p.field, p.value, p.rule, p.severity) for p in problems.problems] == [
                ("nodes", "worker-1", "N2", Severity.WARNING)
            ]
            stream = await server.stream("nodes")
            stream.event("ADDED", node("worker-1", "8"))
            said = await run.until(lambda said: said.count("SourceProblems") == 2)
            assert said == ["SourceProblems", "Synced", "+worker-1", "SourceProblems"]
            assert run.events[-1] == SourceProblems(problems.source, ())

    async def test_N2_a_laptop_need_be_no_node(self) -> None:
        async with (
            ScriptedServer() as server,
            running(source_of(server, node_name="laptop", node_optional=True)) as run,
        ):
            list_nothing(server)
            server.lists("nodes", page(kind="NodeList", version="7"))
            assert await run.until_synced() == ["Synced"]
            stream = await server.stream("nodes")
            stream.event("ADDED", node("laptop", "8"))
            assert await run.until(lambda said: "+laptop" in said) == ["Synced", "+laptop"]

    async def test_N2_no_node_name_asks_for_no_node(self) -> None:
        async with ScriptedServer() as server, running(source_of(server)) as run:
            list_nothing(server)
            await run.until_synced()
            assert {request.resource for request in server.requests} == {"services", "endpointslices"}


class TestScope:
    async def test_R1_a_namespaced_role_is_enough(self) -> None:
        async with (
            ScriptedServer() as server,
            running(source_of(server, namespaces=("a", "b"), selector="team=x", node_name="worker-1")) as run,
        ):
            server.lists("services", page(version="5"), page(version="6"))
            server.lists("endpointslices", page(kind=SLICES, version="7"), page(kind=SLICES, version="8"))
            server.lists("nodes", status_answer(status(403, "Forbidden")))
            await run.until_synced()
            paths = {request.path for request in server.requests if request.verb == "list"}
            assert paths == {
                "/api/v1/namespaces/a/services",
                "/api/v1/namespaces/b/services",
                "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices",
                "/apis/discovery.k8s.io/v1/namespaces/b/endpointslices",
                "/api/v1/nodes",
            }
            assert {request.query.get("labelSelector") for request in server.requests} == {
                "!service.kubernetes.io/service-proxy-name,team=x",
                None,
            }
            assert set(run.source.resource_versions) == {
                "services/a",
                "services/b",
                "endpointslices/a",
                "endpointslices/b",
            }

    async def test_R1_a_forbidden_node_is_one_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, running(source_of(server, time, node_name="n")) as run:
            list_nothing(server)
            server.lists("nodes", *[status_answer(status(403, "Forbidden"))] * 6)
            await server.asked(7, "nodes")
            assert run.told.count("SourceProblems") == 1
            assert sum("watch_lost" in message for message in caplog.messages) == 1


class TestFollowing:
    async def test_R7_an_outage_deletes_nothing(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, running(source_of(server, time)) as run:
            server.lists("services", page(service("web"), version="7"))
            server.lists("endpointslices", page(kind=SLICES, version="7"))
            server.watches("services", watch(then=lambda stream: stream.cut()))
            down = status_answer(status(503, "ServiceUnavailable"))
            server.lists("services", down, down, page(service("web"), version="9"))
            said = await run.until(lambda said: said.count("SourceProblems") == 3)
            assert sorted(said) == ["+web:80", *["SourceProblems"] * 3, "Synced"]
            assert run.events[-1].problems == ()  # type: ignore[union-attr]  # SourceProblems, as said above

    async def test_resource_versions_are_those_of_what_has_come_out(self) -> None:
        async with ScriptedServer() as server, running(source_of(server)) as run:
            assert run.source.resource_versions == {}
            list_nothing(server)
            await run.until_synced()
            assert run.source.resource_versions == {"services": "7", "endpointslices": "7"}
            stream = await server.stream("services")
            stream.event("ADDED", service("web", "8"))
            await run.until(lambda said: "+web:80" in said)
            assert run.source.resource_versions == {"services": "8", "endpointslices": "7"}
            stream.send(bookmark("12") + event_line("DELETED", service("web", "13")))
            await run.until(lambda said: "-web" in said)
            assert run.source.resource_versions["services"] == "13"

    async def test_a_mark_comes_out_behind_what_was_received(self) -> None:
        async with ScriptedServer() as server:
            source = source_of(server)
            source.mark("early")
            async with running(source) as run:
                server.lists("services", page(service("web"), version="7"))
                server.lists("endpointslices", page(kind=SLICES, version="7"))
                await run.until_synced()
                source.mark("late")
                await run.until(lambda said: said.count("Mark") == 2)
                assert run.events[0] == Mark("early")
                assert run.events[-1] == Mark("late")

    async def test_R7_the_age_of_the_last_contact(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, running(source_of(server, time)) as run:
            assert age(run.source) is None
            list_nothing(server)
            await run.until_synced()
            services, slices = await server.stream("services"), await server.stream("endpointslices")
            services.event("ADDED", service("api", "8"))
            slices.event("ADDED", slice_("web-1", "8"))
            await run.until(lambda said: {"+api:80", "+web-1"} <= set(said))
            time.now_s += 30
            assert age(run.source) == 30
            services.event("ADDED", service("web", "9"))
            await run.until(lambda said: "+web:80" in said)
            assert age(run.source) == 30, "the slices have been silent for longer"

    async def test_R7_a_lost_watch_says_how_old_the_state_is(self, caplog: pytest.LogCaptureFixture) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, running(source_of(server, time)) as run:
            list_nothing(server)
            await run.until_synced()
            services = await server.stream("services")
            services.event("ADDED", service("web", "8"))
            await run.until(lambda said: "+web:80" in said)
            time.now_s += 30
            services.cut()
            await run.until(lambda said: "SourceProblems" in said)
            told = [fields for record in caplog.records if (fields := fields_of(record))]
            assert [(fields["event"], fields["age_s"]) for fields in told[:1]] == [("watch_lost", 30)]

    @pytest.mark.parametrize("fault", [ZeroDivisionError, TimeoutError])
    async def test_a_fault_of_ours_is_raised_and_not_hidden(
        self, fault: type[Exception], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise fault

        monkeypatch.setattr("userproxy.sources.kube.reflector.listed", broken)
        async with ScriptedServer() as server:
            list_nothing(server)
            events = source_of(server).events()
            with pytest.raises(fault):
                await anext(events)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def test_it_can_be_followed_again_from_the_beginning(self) -> None:
        async with ScriptedServer() as server:
            source = source_of(server)
            everything = page(service("a"), service("b"), version="7")
            server.lists("services", everything)
            events = source.events()
            await anext(events)
            await events.aclose()
            assert source.resource_versions == {}

            server.lists("services", everything)
            server.lists("endpointslices", page(kind=SLICES, version="7"), page(kind=SLICES, version="7"))
            async with running(source) as run:
                assert await run.until_synced() == ["+a:80", "+b:80", "Synced"]


class TestReload:
    async def test_reload_reads_credentials_and_goes_on_from_the_last_version(self) -> None:
        async with ScriptedServer() as server:
            connection = Tokens(server.url)
            time = VirtualTime()
            source = KubeSource(connection, timing=time.timing())
            async with running(source) as run:
                server.lists("services", page(service("web"), version="7"))
                server.lists("endpointslices", page(kind=SLICES, version="5"))
                await run.until_synced()
                old = [await server.stream("services"), await server.stream("endpointslices")]
                source.reload()
                source.reload()
                new = [await server.stream("services"), await server.stream("endpointslices")]
                for stream in old:
                    await stream.client_gone()

                assert connection.reloads == 2
                assert [stream.request.version for stream in new] == ["7", "5"]
                new[0].event("ADDED", service("next", "8"))
                await run.until(lambda said: "+next:80" in said)
                assert run.told == ["+web:80", "Synced", "+next:80"]
                assert time.waits == []

    async def test_R5_reload_that_leads_to_another_cluster_lists_anew(self) -> None:
        async with ScriptedServer() as old, ScriptedServer() as new:
            time = VirtualTime()
            source = KubeSource(Reconfigured(old.url, new.url), timing=time.timing())
            async with running(source) as run:
                old.lists("services", page(service("web"), service("api"), version="700"))
                old.lists("endpointslices", page(kind=SLICES, version="700"))
                await run.until_synced()
                new.lists("services", page(service("web", port=81), version="7"))
                new.lists("endpointslices", page(kind=SLICES, version="7"))
                source.reload()
                for resource in ("services", "endpointslices"):
                    # The old cluster's version means nothing here, and may well be accepted.
                    assert (await new.stream(resource)).request.version == "700"
                    assert (await new.stream(resource)).request.version == "7"
                assert run.told == ["+web:80", "+api:80", "Synced", "+web:81", "-api"]
                assert time.waits == []

    async def test_reload_cuts_a_back_off_short(self) -> None:
        waiting = asyncio.Event()

        async def for_ever(_: float) -> None:
            waiting.set()
            await asyncio.Event().wait()

        async with ScriptedServer() as server:
            source = KubeSource(AnonymousConnection(server.url), timing=VirtualTime().timing(sleep=for_ever))
            async with running(source) as run:
                server.lists("services", status_answer(status(500)), page(version="7"))
                server.lists("endpointslices", page(kind=SLICES, version="7"))
                await waiting.wait()
                source.reload()
                await run.until_synced()

    def test_reload_before_anything_runs_reads_credentials(self) -> None:
        connection = Tokens("http://127.0.0.1:9")
        KubeSource(connection).reload()
        assert connection.reloads == 1


@pytest.mark.parametrize(
    "loop_factory",
    [
        pytest.param(asyncio.new_event_loop, id="asyncio"),
        pytest.param(uvloop.new_event_loop, id="uvloop"),
    ],
)
def test_R2_R4_on_both_loops(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def follow() -> list[str]:
        async with ScriptedServer() as server, running(source_of(server)) as run:
            server.lists("services", page(service("web"), version="7"))
            server.lists("endpointslices", page(slice_("web-1"), kind=SLICES, version="7"))
            await run.until_synced()
            stream = await server.stream("services")
            stream.event("DELETED", service("web", "8"))
            return await run.until(lambda said: said[-1] == "-web")

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert sorted(runner.run(follow())) == ["+web-1", "+web:80", "-web", "Synced"]
