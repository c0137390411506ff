"""Lists: versions, pages, expiry, differences (rules R3, R5, R8)."""

from __future__ import annotations

import asyncio
import itertools
import logging

import pytest

from tests.sources.kube.follower import follow
from tests.sources.kube.raw import event_line, service, slice_, status
from tests.sources.kube.scripted_server import ScriptedServer, page, plain, watch
from tests.sources.kube.scripted_server import status as status_answer
from tests.sources.kube.virtual_time import VirtualTime
from userproxy.model.events import Rejected
from userproxy.sources.kube.resources import ENDPOINT_SLICES, Collection

EXPIRED = event_line("ERROR", status(410, "Expired", "too old resource version"))
TOO_LARGE = status(504, "Timeout", "Too large resource version", cause="ResourceVersionTooLarge")


def queries(server: ScriptedServer, verb: str) -> list[tuple[str | None, str | None, str | None]]:
    """resourceVersion, limit and continue of each such request."""
    return [
        (request.version, request.query.get("limit"), request.query.get("continue"))
        for request in server.requests
        if request.verb == verb
    ]


async def test_R3_the_first_list_is_at_0_with_a_limit_and_the_watch_starts_at_its_version() -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
        server.lists("services", page(service("web", "5"), version="7"))
        await server.asked(1, verb="watch")

        assert queries(server, "list") == [("0", "500", None)]
        assert queries(server, "watch") == [("7", None, None)]
        assert server.requests[0].headers["accept"] == "application/json"
        await follower.until("+web:80")
        assert follower.reflector.version == "7"


async def test_R3_pages_are_followed_and_the_version_is_that_of_the_first() -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
        server.lists(
            "services",
            page(service("a"), version="7", token="t/1+="),
            page(service("b"), version="8", token="t2"),
            page(service("c"), version="9"),
        )
        await server.asked(1, verb="watch")

        assert queries(server, "list") == [("0", "500", None), (None, "500", "t/1+="), (None, "500", "t2")]
        assert queries(server, "watch") == [("7", None, None)]
        await follower.until("+a:80", "+b:80", "+c:80")


async def test_R3_later_lists_are_at_the_last_version_without_a_limit() -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()):
        server.lists("services", page(version="7"), page(version="9"))
        server.watches("services", watch(event_line("ADDED", service("web", "8")), then=lambda s: s.cut()))
        await server.asked(2, verb="watch")

        assert queries(server, "list") == [("0", "500", None), ("8", None, None)]


async def test_R3_later_lists_are_paged_if_the_first_was() -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()):
        server.lists("services", page(version="7", token="t"), page(version="7"), page(version="9"))
        server.watches("services", watch(then=lambda s: s.cut()))
        await server.asked(2, verb="watch")

        assert queries(server, "list")[2] == ("7", "500", None)


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(status_answer(status(410, "Expired")), id="410"),
        pytest.param(status_answer(TOO_LARGE), id="504 too large"),
        pytest.param(status_answer({**TOO_LARGE, "code": 400}), id="400 too large"),
    ],
)
async def test_R3_an_expired_list_is_asked_again_at_once_at_the_newest_version(refusal: object) -> None:
    time = VirtualTime()
    async with ScriptedServer() as server, follow(server, time) as follower:
        server.lists("services", refusal, page(service("web"), version="9"))  # type: ignore[arg-type]  # an Answer
        await follower.until("+web:80")

        assert queries(server, "list") == [("0", "500", None), (None, "500", None)]
        assert time.waits == []
        assert follower.problems == []


async def test_R3_504_without_the_cause_is_an_error_like_others() -> None:
    time = VirtualTime()
    async with ScriptedServer() as server, follow(server, time):
        server.lists("services", status_answer(status(504, "Timeout", "Too large resource version")))
        await server.asked(2, verb="list")

        assert [query[0] for query in queries(server, "list")] == ["0", "0"]
        assert time.waits == [0.8]


async def test_R3_410_on_a_continue_token_restarts_the_list_whole() -> None:
    time = VirtualTime()
    async with ScriptedServer() as server, follow(server, time) as follower:
        server.lists(
            "services",
            page(service("a"), service("gone"), version="7", token="t"),
            status_answer(status(410, "Expired")),
            page(service("a"), service("b"), version="9"),
        )
        await server.asked(1, verb="watch")

        assert queries(server, "list") == [("0", "500", None), (None, "500", "t"), (None, None, None)]
        assert queries(server, "watch") == [("9", None, None)]
        assert time.waits == []
        await follower.until("+a:80", "+gone:80", "+b:80", "-gone")


@pytest.mark.spec("R5", "E10")
async def test_R5_E10_after_an_expiry_only_the_difference_is_told() -> None:
    time = VirtualTime()
    async with ScriptedServer() as server, follow(server, time) as follower:
        server.lists(
            "services",
            page(service("same", "1"), service("moved", "2"), service("gone", "3"), version="7"),
            page(service("same", "1"), service("moved", "8", port=81), service("new", "9"), version="9"),
        )
        server.watches("services", watch(EXPIRED))
        await server.asked(2, verb="watch")

        assert queries(server, "list")[1] == (None, "500", None)
        assert time.waits == [], "listed again at once"
        await follower.until("+same:80", "+moved:80", "+gone:80", "+moved:81", "+new:80", "-gone")
        assert follower.problems == [], "an expiry is no outage"


async def test_R5_a_second_expiry_in_a_row_backs_off_and_is_reported() -> None:
    time = VirtualTime()
    async with ScriptedServer() as server, follow(server, time) as follower:
        server.lists("services", page(version="7"), page(version="8"), page(version="9"))
        server.watches("services", watch(EXPIRED), watch(EXPIRED))
        await server.asked(3, verb="watch")

        await follower.until_restored()
        assert time.waits == [0.8]
        assert "too old resource version" in follower.problems[0].problems[0].message


async def test_R5_expiries_of_watches_that_lasted_are_answered_at_once_each_time() -> None:
    time = VirtualTime()

    def a_second_later() -> float:
        time.now_s += 1.0
        return time.now_s

    async with ScriptedServer() as server, follow(server, time, timing=time.timing(now=a_second_later)):
        server.lists("services", page(version="7"), page(version="8"), page(version="9"))
        server.watches("services", watch(EXPIRED), watch(EXPIRED))
        await server.asked(3, verb="watch")
        assert time.waits == []


async def test_D7_what_is_refused_whole_never_causes_a_relist(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
        refused = {**service("bad", "8"), "spec": {"ports": "none"}}
        server.lists("services", page(service("web"), refused, version="7"))
        stream = await server.stream("services")
        stream.event("MODIFIED", {**service("web", "9"), "spec": {"ports": 5}})
        stream.event("ADDED", service("next", "10"))
        await follower.until("+web:80", "Rejected", "Rejected", "+next:80")

        rejected = [event for event in follower.events if isinstance(event, Rejected)]
        assert [event.ref.name for event in rejected] == ["bad", "web"]
        assert len(server.requests) == 2
        assert follower.reflector.version == "10"


async def test_D7_an_object_whose_new_version_is_refused_has_not_vanished() -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
        server.lists(
            "services",
            page(service("web"), version="7"),
            page({**service("web", "8"), "spec": []}, version="9"),
        )
        server.watches("services", watch(EXPIRED))
        await follower.until("+web:80", "Rejected")


async def test_R8_an_item_without_a_name_is_logged_and_the_rest_counts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
        server.lists("services", page({"metadata": {}}, None, 5, service("web"), version="7"))
        await follower.until("+web:80")
        await server.asked(1, verb="watch")

        assert "list services: item 0 has no metadata.name, skipped" in caplog.messages
        assert "list services: item 2 has no metadata.name, skipped" in caplog.messages


async def test_R5_R8_a_list_with_an_item_without_a_name_does_not_say_what_has_vanished() -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
        server.lists(
            "services",
            page(service("web"), version="7"),
            page(None, service("next"), version="9"),
            page(service("next"), service("web"), service("last"), version="11"),
        )
        server.watches("services", watch(EXPIRED), watch(EXPIRED))
        await follower.until("+web:80", "+next:80", "+last:80")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(
            page(kind="Table"),
            "list services: the answer is Table of v1, not ServiceList of v1",
            id="a Table",
        ),
        pytest.param(
            page(kind="PodList"),
            "list services: the answer is PodList of v1, not ServiceList",
            id="another kind",
        ),
        pytest.param(
            plain(200, "text/html", b"<html>Welcome"),
            "does not answer as a Kubernetes API server: HTTP 200, text/html: <html>Welcome",
            id="HTML",
        ),
        pytest.param(
            plain(302, "text/html", b"", {"Location": "/login"}),
            "does not answer as a Kubernetes API server: HTTP 302, text/html, redirect to /login",
            id="a redirect is not followed",
        ),
        pytest.param(
            plain(404, "text/plain", b"404 page not found"),
            "HTTP 404, text/plain: 404 page not found",
            id="404",
        ),
        pytest.param(
            plain(200, "application/json", b'{"hello": 1}'), 'server: it sent {"hello": 1}', id="other JSON"
        ),
        pytest.param(
            plain(200, "application/json", b"[" * 5000), "list services: the answer is not JSON", id="no JSON"
        ),
    ],
)
async def test_R8_a_wrong_answer_to_a_list_is_said_and_tried_again(answer: object, message: str) -> None:
    time = VirtualTime()
    async with ScriptedServer() as server, follow(server, time) as follower:
        server.lists("services", answer, page(service("web"), version="7"))  # type: ignore[arg-type]  # an Answer
        await follower.until("+web:80")
        await server.asked(1, verb="watch")

        assert time.waits == [0.8]
        assert message in follower.problems[0].problems[0].message


async def test_R3_a_large_list_is_told_in_batches_with_a_turn_of_the_loop_between() -> None:
    time = VirtualTime()
    turns: list[int] = []

    def tick() -> None:
        turns.append(len(follower.events))
        if not follower.reflector.listed.is_set():
            asyncio.get_running_loop().call_soon(tick)

    def slow_clock() -> float:
        time.now_s += 0.001  # each look at the clock costs a millisecond
        return time.now_s

    timing = time.timing(now=slow_clock)
    async with ScriptedServer() as server, follow(server, time, timing=timing) as follower:
        tick()
        server.lists("services", page(*(service(f"s{n}") for n in range(50)), version="7"))
        await follower.reflector.listed.wait()

        sizes = sorted(set(turns))
        steps = [after - before for before, after in itertools.pairwise(sizes)]
        assert len(follower.events) == 50
        assert max(steps) <= 6, sizes


async def test_R1_slices_are_followed_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with (
        ScriptedServer() as server,
        follow(server, VirtualTime(), collection=Collection(ENDPOINT_SLICES)) as follower,
    ):
        server.lists("endpointslices", page(slice_("web-1"), kind="EndpointSliceList", version="7"))
        stream = await server.stream("endpointslices")
        stream.event("DELETED", slice_("web-1", "8"))
        await follower.until("+web-1", "-web-1")
