"""Watches on the wire: starts, bookmarks, initial events, time-outs, selectors, tables, errors."""

from __future__ import annotations

import asyncio
import logging
from itertools import count

import pytest
import uvloop

from tests.testing.api_server.http_client import HttpClient, as_object
from userproxy.testing import ApiServer
from userproxy.testing.objects import endpoint_slice, service

SERVICES = "/api/v1/services"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


async def test_R4_a_watch_from_a_list_tells_what_came_after_it(server: ApiServer, client: HttpClient) -> None:
    await server.apply(service("a", 80))
    version = str((await client.get(SERVICES)).at("metadata/resourceVersion"))
    await server.apply(service("b", 80))
    async with client.watch(SERVICES, {"resourceVersion": version}) as watch:
        assert await watch.next() == ("ADDED", "b")
        await server.apply(service("b", 81))
        assert await watch.next() == ("MODIFIED", "b")
        await server.delete("Service", "b")
        event = await watch.event()
        assert event["type"] == "DELETED"
        metadata = as_object(as_object(event["object"])["metadata"])
        assert metadata["resourceVersion"] == str(server.resource_version)
        assert as_object(event["object"])["kind"] == "Service"


async def test_a_watch_without_version_starts_with_what_exists(server: ApiServer, client: HttpClient) -> None:
    await server.apply(service("a", 80), service("b", 80, namespace="shop"))
    queries: tuple[dict[str, str], ...] = ({}, {"resourceVersion": "0"})
    for query in queries:
        async with client.watch(SERVICES, query) as watch:
            assert [await watch.next(), await watch.next()] == [("ADDED", "a"), ("ADDED", "b")]
            await server.apply(service("a", 80, annotations={"round": str(query)}))
            assert await watch.next() == ("MODIFIED", "a")
    async with client.watch("/api/v1/namespaces/shop/services") as watch:
        assert await watch.next() == ("ADDED", "b")


async def test_R3_streaming_lists_end_with_their_bookmark(server: ApiServer, client: HttpClient) -> None:
    await server.apply(service("a", 80))
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    async with client.watch(SERVICES, query) as watch:
        assert await watch.next() == ("ADDED", "a")
        end = await watch.event()
        assert end["type"] == "BOOKMARK"
        metadata = as_object(as_object(end["object"])["metadata"])
        assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert metadata["resourceVersion"] == str(server.resource_version)
        await server.apply(service("b", 80))
        assert await watch.next() == ("ADDED", "b")


async def test_initial_events_of_a_version_of_the_future_are_504(client: HttpClient) -> None:
    query = {
        "watch": "1",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "resourceVersion": "999999",
    }
    refused = await client.get(SERVICES, **query)
    assert (refused.status, refused.at("details/causes/0/reason")) == (504, "ResourceVersionTooLarge")


async def test_R5_an_old_version_is_an_error_event_of_410(server: ApiServer, client: HttpClient) -> None:
    await server.apply(service("a", 80))
    server.compact()
    async with client.watch(SERVICES, {"resourceVersion": "1"}) as watch:
        assert watch.response.status == 200
        event = await watch.event()
        assert event["type"] == "ERROR"
        status = as_object(event["object"])
        assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
        assert await watch.ends()


async def test_R5_a_watch_that_falls_behind_meets_410_too() -> None:
    async with ApiServer(history_limit=2) as server, HttpClient(server.url) as client:
        version = str(server.resource_version)
        await server.apply(*(service(f"s{number}", 80) for number in range(4)))
        async with client.watch(SERVICES, {"resourceVersion": version}) as watch:
            assert (await watch.event())["type"] == "ERROR"


async def test_R4_bookmarks_on_request_only_for_those_who_take_them(
    server: ApiServer, client: HttpClient
) -> None:
    async with (
        client.watch(SERVICES, {"allowWatchBookmarks": "true"}) as takes,
        client.watch(SERVICES) as does_not,
    ):
        await server.watched("services", count=2)
        await server.apply(endpoint_slice("web", ["127.0.0.1:80"]))
        server.send_bookmarks()
        bookmark = await takes.event()
        assert bookmark["type"] == "BOOKMARK"
        metadata = as_object(as_object(bookmark["object"])["metadata"])
        assert metadata["resourceVersion"] == str(server.resource_version)
        await server.apply(service("a", 80))
        assert await does_not.next() == ("ADDED", "a")


async def test_bookmarks_come_by_themselves() -> None:
    async with (
        ApiServer(bookmark_interval_s=0.01) as server,
        HttpClient(server.url) as client,
        client.watch(SERVICES, {"allowWatchBookmarks": "true"}) as watch,
    ):
        assert [await watch.next(), await watch.next()] == [("BOOKMARK", ""), ("BOOKMARK", "")]


async def test_R4_a_time_out_is_an_end_in_order_with_a_bookmark_before_it(
    server: ApiServer, client: HttpClient
) -> None:
    await server.apply(service("a", 80))
    query = {"timeoutSeconds": "1", "resourceVersion": str(server.resource_version)}
    async with client.watch(SERVICES, {"allowWatchBookmarks": "true", **query}) as watch:
        assert await watch.next() == ("BOOKMARK", "")
        assert await watch.ends()


async def test_selectors_turn_changes_into_comings_and_goings(server: ApiServer, client: HttpClient) -> None:
    query = {"fieldSelector": "spec.clusterIP!=None", "labelSelector": "!off"}
    async with client.watch(SERVICES, query) as watch:
        await server.apply(service("headless", 80, clusterIP="None"), service("a", 80))
        assert await watch.next() == ("ADDED", "a")
        await server.apply(service("a", 80, labels={"off": ""}))
        assert await watch.next() == ("DELETED", "a")
        await server.apply(service("a", 80))
        assert await watch.next() == ("ADDED", "a")


async def test_a_table_watch_tells_its_columns_once(server: ApiServer, client: HttpClient) -> None:
    async with client.watch(SERVICES, headers=TABLE) as watch:
        await server.apply(service("a", 80), service("b", 80))
        first, second = as_object((await watch.event())["object"]), as_object((await watch.event())["object"])
    assert first["kind"] == second["kind"] == "Table"
    assert first["columnDefinitions"]
    assert second["columnDefinitions"] is None
    rows = second["rows"]
    assert isinstance(rows, list)
    assert rows[0]["cells"][0] == "b"


async def test_a_client_that_goes_leaves_nothing_behind(server: ApiServer, client: HttpClient) -> None:
    async with client.watch(SERVICES):
        await server.watched("services")
    await server.watched("services", count=0)


async def test_many_watchers_see_the_same_order(server: ApiServer, client: HttpClient) -> None:
    async with client.watch(SERVICES) as one, client.watch(SERVICES) as other:
        names = [f"s{number}" for number in range(50)]
        await server.apply(*(service(name, 80) for name in names))
        for watch in (one, other):
            assert [(await watch.next())[1] for _ in names] == names


def test_clients_that_go_in_the_middle_of_an_event_are_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def look(url: str, events: int) -> None:
        async with HttpClient(url) as client, client.watch(SERVICES) as watch:
            for _ in range(events):
                await watch.event()

    async def change(server: ApiServer) -> None:
        for number in count():
            await server.apply(service("web", 80, annotations={"filler": "x" * 20_000, "n": str(number)}))
            await asyncio.sleep(0)

    async def main() -> None:
        async with ApiServer() as server:
            changing = asyncio.create_task(change(server))
            for _ in range(5):
                await asyncio.gather(*(look(server.url, number % 5) for number in range(30)))
            changing.cancel()
            await server.watched(count=0)

    # asyncio's own transports never raise from a write; those of uvloop do.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
