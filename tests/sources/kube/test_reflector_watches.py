"""Watches: how they end, what they bring, what is asked next (rules R4, R5, R6, R8, R9)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.sources.kube.connections import Moving, Tokens, nobody_listens
from tests.sources.kube.follower import follow
from tests.sources.kube.raw import bookmark, event_line, list_body, service, status
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
