"""Scripted trouble, each kind as a client sees it, and that the next request is answered as ever."""

from __future__ import annotations

import asyncio

import aiohttp
import orjson
import pytest

from tests.testing.api_server.http_client import HttpClient, as_object
from userproxy.testing import ApiServer
from userproxy.testing.objects import service

SERVICES = "/api/v1/services"
COLLECTION = "/api/v1/namespaces/default/services"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
TAKES_BOOKMARKS = {"allowWatchBookmarks": "true"}


async def test_expire_answers_410_to_the_next_requests_only(server: ApiServer, client: HttpClient) -> None:
    server.expire(2, verb="list", resource="services")
    assert (await client.get(SLICES)).status == 200
    for _ in range(2):
        expired = await client.get(SERVICES)
        assert (expired.status, expired.reason) == (410, "Expired")
    assert (await client.get(SERVICES)).status == 200


async def test_expire_in_stream_is_an_error_event(server: ApiServer, client: HttpClient) -> None:
    server.expire_in_stream(resource="services")
    async with client.watch(SERVICES) as watch:
        event = await watch.event()
        assert (event["type"], as_object(event["object"])["code"]) == ("ERROR", 410)
        assert await watch.ends()


async def test_fail_answers_any_status_with_its_details(server: ApiServer, client: HttpClient) -> None:
    server.fail(status=503, retry_after_s=7)
    away = await client.get(SERVICES)
    assert (away.status, away.reason, away.headers["Retry-After"]) == (503, "ServiceUnavailable", "7")
    server.fail(status=504, cause="ResourceVersionTooLarge", message="not there yet")
    early = await client.get(SERVICES)
    assert early.object("details/causes/0") == {
        "reason": "ResourceVersionTooLarge",
        "message": "not there yet",
    }
    server.fail(status=403, reason="Forbidden", message="services is forbidden", verb="watch")
    assert (await client.get(SERVICES)).status == 200
    assert (await client.get(SERVICES, watch="1")).at("message") == "services is forbidden"


async def test_trouble_comes_in_the_order_of_the_script(server: ApiServer, client: HttpClient) -> None:
    server.fail(status=500)
    server.fail(status=429)
    assert [(await client.get(SERVICES)).status for _ in range(3)] == [500, 429, 200]


async def test_clear_trouble_forgets_the_script(server: ApiServer, client: HttpClient) -> None:
    server.fail(5)
    server.clear_trouble()
    assert (await client.get(SERVICES)).status == 200


@pytest.mark.parametrize("count", [0, -1])
async def test_trouble_for_no_request_is_refused(server: ApiServer, count: int) -> None:
    with pytest.raises(ValueError, match="count must be at least 1"):
        server.fail(count)


async def test_answer_gives_any_bytes(server: ApiServer, client: HttpClient) -> None:
    server.answer(b"<html>login</html>")
    page = await client.get(SERVICES)
    assert (page.status, page.headers["Content-Type"], page.content) == (
        200,
        "text/html",
        b"<html>login</html>",
    )
    server.answer(b'{"kind":', content_type="application/json", status=502)
    assert (await client.get(SERVICES)).status == 502


async def test_answer_table_shows_a_table_to_who_asked_for_none(
    server: ApiServer, client: HttpClient
) -> None:
    await server.apply(service("web", 80))
    server.answer_table()
    assert (await client.get(SERVICES)).at("kind") == "Table"
    assert (await client.get(SERVICES)).at("kind") == "ServiceList"


async def test_drop_closes_without_an_answer(server: ApiServer, client: HttpClient) -> None:
    # Not a GET: aiohttp sends those once more by itself.
    server.drop(verb="create")
    with pytest.raises(aiohttp.ClientError):
        await client.post(COLLECTION, service("web", 80))
    assert (await client.get(SERVICES)).names == []


async def test_hang_never_answers_until_it_is_released(server: ApiServer, client: HttpClient) -> None:
    server.hang(verb="create")
    hanging = asyncio.create_task(client.post(COLLECTION, service("web", 80)))
    await server.requested("create", "services")
    assert (await client.get("/healthz")).status == 200
    assert not hanging.done()
    server.release()
    with pytest.raises(aiohttp.ClientError):
        await hanging


async def test_slow_answers_late(server: ApiServer, client: HttpClient) -> None:
    server.slow(0.01)
    slow = asyncio.create_task(client.get(SERVICES))
    await server.requested("list")
    assert not slow.done()
    assert (await slow).status == 200


async def test_half_a_line_breaks_the_stream_in_the_middle(server: ApiServer, client: HttpClient) -> None:
    async with client.watch(SERVICES) as watch, client.watch(SLICES) as other:
        await server.watched(count=2)
        server.half_line("services")
        await server.apply(service("web", 80))
        received = b""
        with pytest.raises(aiohttp.ClientError):
            while True:
                received += await watch.response.content.readany()
        assert received.startswith(b'{"type":"ADDED"')
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(received)
        server.end_watches()
        assert await other.ends()


async def test_a_silent_watch_sends_nothing_and_stays_open(server: ApiServer, client: HttpClient) -> None:
    async with client.watch(SERVICES, TAKES_BOOKMARKS) as silent:
        await server.watched("services")
        server.go_silent("services")
        await server.apply(service("web", 80))
        server.send_bookmarks()
        reading = asyncio.create_task(silent.event())
        # Another watch of the same change is served, so the silent one has had its chance.
        async with client.watch(SERVICES) as other:
            assert await other.next() == ("ADDED", "web")
            await server.apply(service("web", 81))
            assert await other.next() == ("MODIFIED", "web")
        assert not reading.done()
        assert not silent.response.closed
        await server.stop()
        with pytest.raises((EOFError, aiohttp.ClientError)):
            await reading


async def test_open_watches_can_be_expired_ended_and_broken(server: ApiServer, client: HttpClient) -> None:
    async with client.watch(SERVICES) as watch:
        await server.watched("services")
        server.expire_watches("services")
        assert (await watch.event())["type"] == "ERROR"
        assert await watch.ends()
    async with client.watch(SERVICES) as watch:
        await server.watched("services")
        server.end_watches("services")
        assert await watch.ends()
    async with client.watch(SERVICES) as watch:
        await server.watched("services")
        server.break_watches("services")
        with pytest.raises(aiohttp.ClientError):
            await watch.event()


async def test_lines_can_be_injected(server: ApiServer, client: HttpClient) -> None:
    async with client.watch(SERVICES) as watch:
        await server.watched("services")
        server.inject_line(b'{"type":"SURPRISE","object":{}}\n', "services")
        assert (await watch.event())["type"] == "SURPRISE"
        await server.apply(service("web", 80))
        assert await watch.next() == ("ADDED", "web")


async def test_drop_connections_breaks_everything(server: ApiServer, client: HttpClient) -> None:
    async with client.watch(SERVICES) as watch:
        await server.watched("services")
        server.drop_connections()
        with pytest.raises(aiohttp.ClientError):
            await watch.event()
    assert (await client.get(SERVICES)).status == 200


async def test_compact_cuts_the_history(server: ApiServer, client: HttpClient) -> None:
    version = str(server.resource_version)
    await server.apply(service("web", 80))
    server.compact()
    async with client.watch(SERVICES, {"resourceVersion": version}) as watch:
        assert as_object((await watch.event())["object"])["reason"] == "Expired"
