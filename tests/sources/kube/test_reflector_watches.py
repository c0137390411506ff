"""Watches: how they end, what they bring, what is asked next (rules R4, R5, R6, R8, R9)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping

import pytest

from tests.sources.kube.connections import Moving, Tokens, nobody_listens
from tests.sources.kube.follower import follow
from tests.sources.kube.raw import bookmark, event_line, list_body, node, service, status
from tests.sources.kube.scripted_server import Answer, ScriptedServer, Stream, page, plain, silence, watch
from tests.sources.kube.scripted_server import status as status_answer
from tests.sources.kube.virtual_time import VirtualTime


def asked(server: ScriptedServer) -> list[str]:
    """``list 0``, ``watch 7`` and so on, in order."""
    return [f"{request.verb} {request.version}" for request in server.requests]


def end(stream: Stream) -> None:
    stream.end()


def cut(stream: Stream) -> None:
    stream.cut()


class TestCleanEnd:
    async def test_R4_bookmarks_and_a_random_time_out_are_asked_for(self) -> None:
        time = VirtualTime(random=0.999)
        async with ScriptedServer() as server, follow(server, time):
            server.lists("services", page(version="7"))
            request = (await server.asked(1, verb="watch"))[0]

            assert request.query["allowWatchBookmarks"] == "true"
            assert request.query["timeoutSeconds"] == "600"
            assert request.headers["accept-encoding"] == "identity"
            assert VirtualTime(random=0.0).timing().watch_seconds() == 300
            assert VirtualTime(random=0.5).timing().watch_seconds() == 450

    async def test_R4_a_clean_end_watches_again_at_once_from_the_last_version(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time) as follower:
            server.lists("services", page(version="7"))
            server.watches(
                "services",
                watch(event_line("ADDED", service("web", "8")), bookmark("12"), then=end),
                watch(event_line("DELETED", service("web", "13")), then=end),
            )
            await server.asked(3, verb="watch")

            assert asked(server) == ["list 0", "watch 7", "watch 12", "watch 13"]
            assert time.waits == []
            await follower.until("+web:80", "-web")
            assert follower.problems == []

    async def test_R4_a_watch_that_lasted_without_an_event_ends_cleanly_too(self) -> None:
        time = VirtualTime()

        def a_second_later() -> float:
            time.now_s += 1.0
            return time.now_s

        async with ScriptedServer() as server, follow(server, time, timing=time.timing(now=a_second_later)):
            server.lists("services", page(version="7"))
            server.watches("services", watch(then=end))
            await server.asked(2, verb="watch")
            assert asked(server) == ["list 0", "watch 7", "watch 7"]
            assert time.waits == []

    async def test_R8_the_last_line_may_lack_its_end(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time) as follower:
            server.lists("services", page(version="7"))
            server.watches("services", watch(event_line("ADDED", service("web", "8")).rstrip(), then=end))
            await server.asked(2, verb="watch")
            assert asked(server) == ["list 0", "watch 7", "watch 8"]
            await follower.until("+web:80")

    async def test_R5_an_end_in_under_1_s_without_an_event_backs_off_and_lists(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time) as follower:
            server.lists("services", page(version="7"), page(version="8"), page(version="9"))
            server.watches("services", watch(then=end), watch(then=end))
            stream = await server.stream("services")

            assert asked(server) == ["list 0", "watch 7", "list 7", "watch 8", "list 8", "watch 9"]
            assert time.waits == [0.8, 1.6]
            assert "it ended at once and brought nothing" in await follower.until_problem()
            stream.send(bookmark("10"))
            await follower.until_restored()

    async def test_R5_a_bookmark_that_moves_nothing_is_no_event(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time):
            server.lists("services", page(version="7"), page(version="7"))
            server.watches("services", watch(bookmark("7"), then=end))
            await server.asked(2, verb="watch")
            assert asked(server) == ["list 0", "watch 7", "list 7", "watch 7"]
            assert time.waits == [0.8]


class TestRefusal:
    async def test_R5_a_watch_refused_by_connection_is_asked_again_without_a_list(self) -> None:
        time = VirtualTime()
        async with nobody_listens() as refusing_url, ScriptedServer() as server:
            connection = Moving(server.url, refusing_url, away=range(2, 4))
            async with follow(server, time, connection=connection) as follower:
                server.lists("services", page(version="7"))
                server.watches("services", watch(bookmark("9"), then=end))
                problem = await follower.until_problem()
                await follower.until_restored()

                assert f"{refusing_url} cannot be reached: Connection refused" in problem
                assert asked(server) == ["list 0", "watch 7", "watch 9"]
                assert time.waits == [0.8, 1.6]

    async def test_R5_a_watch_refused_by_429_is_asked_again_without_a_list(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time) as follower:
            server.lists("services", page(version="7"))
            server.watches("services", status_answer(status(429, "TooManyRequests"), {"Retry-After": "5"}))
            await follower.until_problem()
            await follower.until_restored()

            assert asked(server) == ["list 0", "watch 7", "watch 7"]
            assert time.waits == [5.0]

    @pytest.mark.parametrize(
        ("headers", "raw", "wait_s"),
        [
            pytest.param({"Retry-After": "7"}, status(503), 7.0, id="503 with Retry-After"),
            pytest.param({"Retry-After": "7"}, status(429), 7.0, id="429 with Retry-After"),
            pytest.param({}, status(429, retry_after_s=4), 4.0, id="429 with retryAfterSeconds"),
            pytest.param({"Retry-After": "0"}, status(503), 0.8, id="never less than the back-off"),
            pytest.param({"Retry-After": "86400"}, status(503), 300.0, id="never for a day"),
            pytest.param({}, status(503), 0.8, id="503 without"),
        ],
    )
    async def test_R5_429_and_503_honour_retry_after(
        self, headers: Mapping[str, str], raw: Mapping[str, object], wait_s: float
    ) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time):
            server.lists("services", status_answer(raw, headers))
            await server.asked(2, verb="list")
            assert time.waits == [wait_s]

    async def test_R5_503_on_a_watch_lists_at_the_last_version(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time):
            server.lists("services", page(version="7"), page(version="8"))
            server.watches("services", status_answer(status(503), {"Retry-After": "3"}))
            await server.asked(2, verb="watch")
            assert asked(server) == ["list 0", "watch 7", "list 7", "watch 8"]
            assert time.waits == [3.0]

    async def test_R5_410_as_an_http_answer_to_a_watch_lists_at_once(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time):
            server.lists("services", page(version="7"), page(version="9"))
            server.watches("services", status_answer(status(410, "Gone")))
            await server.asked(2, verb="watch")
            assert asked(server) == ["list 0", "watch 7", "list None", "watch 9"]
            assert time.waits == []

    async def test_R5_401_asks_for_fresh_credentials_and_backs_off(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server:
            connection = Tokens(server.url)
            async with follow(server, time, connection=connection) as follower:
                server.lists("services", status_answer(status(401, "Unauthorized")), page(version="7"))
                await follower.until_problem()
                await follower.until_restored()

                sent = [request.headers["authorization"] for request in server.requests]
                assert sent == ["Bearer token-0", "Bearer token-1", "Bearer token-1"]
                assert time.waits == [0.8]

    async def test_R5_403_says_what_is_missing_and_keeps_trying(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time) as follower:
            server.lists("services", page(version="7"), page(version="7"), page(version="7"))
            forbidden = status_answer(status(403, "Forbidden", "user x may not"))
            server.watches("services", forbidden, forbidden)
            problem = await follower.until_problem()
            await follower.until_restored()

            assert problem == (
                "forbidden to watch services; the role needs verbs list and watch on services: "
                "user x may not; what was known goes on being served, and it is tried again"
            )
            assert asked(server) == ["list 0", "watch 7", "list 7", "watch 7", "list 7", "watch 7"]
            assert time.waits == [0.8, 1.6]
            assert len(follower.problems) == 2, "said once, cleared once"

    async def test_R6_credentials_that_cannot_be_had_are_asked_for_again(self) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server:
            connection = Tokens(server.url, failures=2)
            async with follow(server, time, connection=connection) as follower:
                server.lists("services", page(version="7"))
                problem = await follower.until_problem()
                await follower.until_restored()
                assert problem.startswith("token file is gone; ")
                assert time.waits == [0.8, 1.6]

    async def test_R6_waits_double_with_jitter_while_the_server_is_away(self) -> None:
        time = VirtualTime(random=0.5)
        async with nobody_listens() as refusing_url, ScriptedServer() as server:
            connection = Moving(server.url, refusing_url, away=range(7))
            async with follow(server, time, connection=connection) as follower:
                server.lists("services", page(service("web"), version="7"))
                await follower.until("+web:80")
                assert time.waits == pytest.approx([1.2, 2.4, 4.8, 9.6, 19.2, 38.4, 45.0])


class TestBrokenWatch:
    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            pytest.param(watch(bookmark("8"), then=cut), "the answer is cut short", id="cut"),
            pytest.param(
                watch(bookmark("8"), b'{"type":"ADDED","obj', then=cut),
                "the answer is cut short",
                id="half a line, cut",
            ),
            pytest.param(
                watch(bookmark("8"), b'{"type":"ADDED","obj', then=end),
                "it ended in the middle of a line",
                id="half a line, ended",
            ),
            pytest.param(
                watch(bookmark("8"), event_line("ERROR", status(500, "InternalError", "broken"))),
                "HTTP 500 InternalError: broken",
                id="ERROR event 500",
            ),
            pytest.param(
                watch(bookmark("8"), event_line("ADDED", {"kind": "Table"})),
                "the events hold a Table, not a Service",
                id="a Table",
            ),
        ],
    )
    async def test_R5_other_watch_errors_back_off_and_list_at_the_last_version(
        self, answer: Answer, message: str
    ) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time) as follower:
            server.lists("services", page(version="7"), page(version="9"))
            server.watches("services", answer)
            stream = await server.stream("services")
            stream.send(bookmark("10"))
            await follower.until_restored()

            assert asked(server) == ["list 0", "watch 7", "list 8", "watch 9"]
            assert time.waits == [0.8]
            assert message in follower.problems[0].problems[0].message

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            pytest.param(plain(200, "text/html", b"<html>"), "does not answer as a Kubernetes", id="HTML"),
            pytest.param(
                plain(200, "application/json", list_body()),
                "the answer is ServiceList of v1, not a stream of events",
                id="a list",
            ),
            pytest.param(
                plain(200, "application/json", b'{"kind":"Table","apiVersion":"meta.k8s.io/v1"}\n'),
                "the answer is Table of meta.k8s.io/v1, not a stream of events",
                id="a Table",
            ),
        ],
    )
    async def test_R8_a_wrong_answer_to_a_watch_names_what_came(self, answer: Answer, message: str) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time) as follower:
            server.lists("services", page(version="7"), page(version="7"))
            server.watches("services", answer)
            assert message in await follower.until_problem()
            await server.asked(2, verb="watch")
            assert time.waits == [0.8]

    async def test_R9_a_watch_silent_for_longer_than_its_own_time_out_is_dead(self) -> None:
        time = VirtualTime()
        timing = time.timing(watch_timeout_s=(0, 0), watch_slack_s=0.05)
        async with ScriptedServer() as server, follow(server, time, timing=timing) as follower:
            server.lists("services", page(version="7"), page(version="7"))
            server.watches("services", watch())
            assert await follower.until_problem() == (
                "watch services: given up after 0.05 s of silence; "
                "what was known goes on being served, and it is tried again"
            )
            await server.asked(2, verb="watch")
            assert asked(server)[:4] == ["list 0", "watch 7", "list 7", "watch 7"]

    async def test_R9_a_server_that_never_answers_is_given_up(self) -> None:
        time = VirtualTime()
        timing = time.timing(list_silence_s=0.05)
        async with ScriptedServer() as server, follow(server, time, timing=timing) as follower:
            server.lists("services", silence(), page(service("web"), version="7"))
            await follower.until("+web:80")
            assert (
                "given up after 0.05 s of silence, or 300 s in all"
                in follower.problems[0].problems[0].message
            )


class TestEvents:
    async def test_R8_several_events_in_a_chunk_and_one_over_many(self) -> None:
        async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
            server.lists("services", page(version="7"))
            stream = await server.stream("services")
            stream.send(event_line("ADDED", service("a", "8")) + event_line("ADDED", service("b", "9")))
            await follower.until("+a:80", "+b:80")
            for byte in event_line("MODIFIED", service("a", "10", port=81)).replace(b"\n", b"\r\n"):
                stream.send(bytes([byte]))
            await follower.until("+a:80", "+b:80", "+a:81")
            assert follower.reflector.version == "10"

    async def test_R8_a_line_of_megabytes(self) -> None:
        async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
            server.lists("services", page(version="7"))
            stream = await server.stream("services")
            raw = service("big", "8")
            raw["metadata"] = {**as_dict(raw["metadata"]), "annotations": {"note": "x" * 4_000_000}}
            stream.event("ADDED", raw)
            await follower.until("+big:80")

    @pytest.mark.spec("R8")
    @pytest.mark.parametrize(
        ("line", "logged"),
        [
            pytest.param(
                b'{"type":"ADDED","object":{"kind":"Service","metadata":{"name":"odd",,}}}\n',
                "watch services: an event of Service odd is not JSON",
                id="not JSON",
            ),
            pytest.param(
                b'{"type":"ADDED","object":[]}\n',
                "an event of an unnamed Service without a type",
                id="no object",
            ),
            pytest.param(
                event_line("MODIFIED", {"kind": "Service", "metadata": {}}),
                "an event of a Service without metadata.name",
                id="no name",
            ),
        ],
    )
    async def test_R8_an_undecodable_event_is_logged_and_forces_a_list(
        self, line: bytes, logged: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        time = VirtualTime()
        async with ScriptedServer() as server, follow(server, time) as follower:
            server.lists("services", page(version="7"), page(service("odd", "9"), version="9"))
            server.watches("services", watch(event_line("ADDED", service("a", "8")) + line))
            await follower.until("+a:80", "+odd:80", "-a")

            assert asked(server)[:3] == ["list 0", "watch 7", "list 8"]
            assert time.waits == [0.8]
            assert any(logged in message for message in caplog.messages)
            assert follower.problems == [], "of an object, not of the source"

    async def test_R8_an_unknown_event_type_is_logged_skipped_and_moves_the_version(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
            server.lists("services", page(version="7"))
            server.watches("services", watch(event_line("RENAMED", service("web", "8")), then=end))
            await server.asked(2, verb="watch")

            assert asked(server) == ["list 0", "watch 7", "watch 8"]
            assert follower.events == []
            assert (
                "watch services: skipped: unknown event type RENAMED for Service default/web"
                in caplog.messages
            )

    async def test_R8_an_object_of_the_wrong_kind_is_skipped(self, caplog: pytest.LogCaptureFixture) -> None:
        async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
            server.lists("services", page(version="7"))
            stream = await server.stream("services")
            stream.event("ADDED", node("worker-1", "8"))
            stream.event("ADDED", service("web", "9"))
            await follower.until("+web:80")

            assert "watch services: skipped: Node worker-1 is no Service" in caplog.messages
            assert len(server.requests) == 2

    async def test_E10_a_delivery_that_changes_nothing_is_no_event(self) -> None:
        async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
            server.lists("services", page(service("web", "5"), version="7"))
            stream = await server.stream("services")
            stream.event("MODIFIED", service("web", "8"))
            stream.event("DELETED", service("unknown", "9"))
            stream.event("MODIFIED", service("web", "10", port=81))
            await follower.until("+web:80", "+web:81")
            assert follower.reflector.version == "10"

    async def test_R8_a_flood_of_events_leaves_turns_to_the_loop(self) -> None:
        time = VirtualTime()

        def slow_clock() -> float:
            time.now_s += 0.001
            return time.now_s

        sizes: set[int] = set()
        async with (
            ScriptedServer() as server,
            follow(server, time, timing=time.timing(now=slow_clock)) as follower,
        ):
            server.lists("services", page(version="7"))
            stream = await server.stream("services")
            stream.send(b"".join(event_line("ADDED", service(f"s{n}", str(n + 8))) for n in range(60)))
            while len(follower.events) < 60:
                sizes.add(len(follower.events))
                await asyncio.sleep(0)
        ordered = sorted({*sizes, 60})
        assert max(later - size for size, later in itertools.pairwise(ordered)) <= 6


def as_dict(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value
