"""MemorySource: calls become events, all or nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from userproxy.errors import ConfigError, InvalidObject
from userproxy.model.endpoints import EndpointSlice
from userproxy.model.events import Delete, Event, Mark, SourceProblems, Synced, Upsert
from userproxy.model.names import ObjectRef
from userproxy.model.service import Service
from userproxy.sources.base import Source
from userproxy.sources.memory import MemorySource

WEB = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
BAD = {**WEB, "spec": {"ports": [{"port": 70000}]}}
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
ENDPOINTS = """
apiVersion: v1
kind: Endpoints
metadata: {name: web}
subsets: [{addresses: [{ip: 10.0.0.1}, {ip: nonsense}], ports: [{port: 9000}]}]
"""


@contextlib.asynccontextmanager
async def consuming(source: Source) -> AsyncGenerator[AsyncGenerator[Event]]:
    async with contextlib.aclosing(source.events()) as events:
        yield events


async def until_mark(source: Source, events: AsyncGenerator[Event]) -> list[Event]:
    """All events before a mark that is asked for now."""
    token = object()
    source.mark(token)
    found: list[Event] = []
    async for event in events:
        if event == Mark(token):
            return found
        found.append(event)
    raise AssertionError("the source ended")


def test_its_objects_are_of_this_host() -> None:
    assert not MemorySource().remote


async def test_it_is_in_sync_from_the_start() -> None:
    async with consuming(MemorySource()) as events:
        assert await anext(events) == Synced()


async def test_what_was_applied_before_the_start_comes_first() -> None:
    source = MemorySource()
    source.apply(WEB)
    async with consuming(source) as events:
        upsert, synced = await until_mark(source, events)
    assert isinstance(upsert, Upsert)
    assert isinstance(upsert.object, Service)
    assert upsert.object.ports[0].port == 80
    assert upsert.problems == ()
    assert synced == Synced()


async def test_a_mark_comes_behind_every_call_that_has_returned() -> None:
    source = MemorySource()
    source.mark("early")
    async with consuming(source) as events:
        source.apply(WEB)
        assert [type(event) for event in await until_mark(source, events)] == [Upsert, Synced, Mark]
        source.delete("Service", "web")
        assert await until_mark(source, events) == [Delete(ObjectRef("Service", "default", "web"))]
        assert await until_mark(source, events) == []


async def test_an_apply_while_the_consumer_waits_wakes_it() -> None:
    source = MemorySource()
    async with consuming(source) as events:
        await until_mark(source, events)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        source.apply(NODE)
        assert isinstance(await waiting, Upsert)


async def test_applying_the_same_again_is_no_change() -> None:
    source = MemorySource()
    source.apply(WEB)
    async with consuming(source) as events:
        await until_mark(source, events)
        source.apply(WEB, {**WEB, "status": {}})
        assert await until_mark(source, events) == []


async def test_D3_text_and_lists_of_any_number() -> None:
    source = MemorySource()
    source.apply(
        "{kind: List, items: [{apiVersion: v1, kind: Node, metadata: {name: a}}]}\n---\n"
        "apiVersion: v1\nkind: Node\nmetadata: {name: b}\n",
        '{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "c"}}',
        NODE,
        {"kind": "Secret"},
    )
    async with consuming(source) as events:
        found = await until_mark(source, events)
    assert [event.object.name for event in found if isinstance(event, Upsert)] == ["a", "b", "c", "n1"]
    assert source.skipped == {"Secret": 1}


async def test_D7_a_refused_object_raises_with_every_problem_and_nothing_of_the_call_is_applied() -> None:
    source = MemorySource()
    source.apply(WEB)
    async with consuming(source) as events:
        await until_mark(source, events)
        nameless = {"apiVersion": "v1", "kind": "Service", "metadata": {}}
        with pytest.raises(InvalidObject) as caught:
            source.apply(NODE, BAD, nameless, 5)  # type: ignore[arg-type]  # what a caller may get wrong
        text = str(caught.value)
        assert "Service default/web: spec.ports[0].port = 70000: " in text
        assert "metadata.name" in text
        assert "must be an object" in text
        assert await until_mark(source, events) == []


@pytest.mark.parametrize("text", ["a: [", "\x00", "[" * 1000])
def test_text_that_cannot_be_read_raises(text: str) -> None:
    with pytest.raises(InvalidObject):
        MemorySource().apply(WEB, text)


async def test_D6_endpoints_are_mirrored_and_bad_addresses_are_reported() -> None:
    source = MemorySource()
    async with consuming(source) as events:
        await until_mark(source, events)
        source.apply(WEB, ENDPOINTS)
        found = await until_mark(source, events)
        slices = [event.object for event in found if isinstance(event, Upsert)]
        assert [type(decoded) for decoded in slices] == [Service, EndpointSlice]
        (reported,) = [event for event in found if isinstance(event, SourceProblems)]
        assert [problem.value for problem in reported.problems] == ["nonsense"]
        source.delete("Endpoints", "web")
        assert await until_mark(source, events) == [
            Delete(slices[1].ref),
            SourceProblems(reported.source, ()),
        ]


def test_deleting_what_is_not_there_raises() -> None:
    source = MemorySource()
    source.apply(NODE)
    source.delete("Node", "n1")
    for kind, name in (("Node", "n1"), ("Service", "web")):
        with pytest.raises(KeyError, match=name):
            source.delete(kind, name)


async def test_namespaces_and_labels_are_left_out() -> None:
    source = MemorySource(namespaces=["default"], selector="app=web")
    other = {**WEB, "metadata": {"name": "x", "namespace": "other", "labels": {"app": "web"}}}
    source.apply(WEB, other, {**WEB, "metadata": {"name": "y", "labels": {"app": "web"}}})
    async with consuming(source) as events:
        found = await until_mark(source, events)
    assert [event.object.name for event in found if isinstance(event, Upsert)] == ["y"]
    with pytest.raises(ConfigError):
        MemorySource(selector="(")


async def test_it_can_be_consumed_again_but_not_twice_at_once() -> None:
    source = MemorySource()
    source.apply(WEB)
    for _ in range(2):
        async with consuming(source) as events:
            assert [type(event) for event in await until_mark(source, events)] == [Upsert, Synced]
            with pytest.raises(RuntimeError, match="already"):
                await anext(source.events())
        source.apply(BAD | {"spec": WEB["spec"]})
    source.reload()
    async with consuming(source) as events:
        assert len(await until_mark(source, events)) == 2
