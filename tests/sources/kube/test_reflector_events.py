"""What the events of a watch bring, and what odd ones do (rule R8)."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.sources.kube.follower import follow
from tests.sources.kube.raw import event_line, node, service
from tests.sources.kube.scripted_server import ScriptedServer, Stream, page, watch
from tests.sources.kube.virtual_time import VirtualTime


def asked(server: ScriptedServer) -> list[str]:
    """``list 0``, ``watch 7`` and so on, in order."""
    return [f"{request.verb} {request.version}" for request in server.requests]


def end(stream: Stream) -> None:
    stream.end()


async def test_R8_several_events_in_a_chunk_and_one_over_many() -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
        server.lists("services", page(version="7"))
        stream = await server.stream("services")
        stream.send(event_line("ADDED", service("a", "8")) + event_line("ADDED", service("b", "9")))
        await follower.until("+a:80", "+b:80")
        for byte in event_line("MODIFIED", service("a", "10", port=81)).replace(b"\n", b"\r\n"):
            stream.send(bytes([byte]))
        await follower.until("+a:80", "+b:80", "+a:81")
        assert follower.reflector.version == "10"


async def test_R8_a_line_of_megabytes() -> None:
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
    line: bytes, logged: str, caplog: pytest.LogCaptureFixture
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
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
        server.lists("services", page(version="7"))
        server.watches("services", watch(event_line("RENAMED", service("web", "8")), then=end))
        await server.asked(2, verb="watch")

        assert asked(server) == ["list 0", "watch 7", "watch 8"]
        assert follower.events == []
        assert (
            "watch services: skipped: unknown event type RENAMED for Service default/web" in caplog.messages
        )


async def test_R8_an_object_of_the_wrong_kind_is_skipped(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
        server.lists("services", page(version="7"))
        stream = await server.stream("services")
        stream.event("ADDED", node("worker-1", "8"))
        stream.event("ADDED", service("web", "9"))
        await follower.until("+web:80")

        assert "watch services: skipped: Node worker-1 is no Service" in caplog.messages
        assert len(server.requests) == 2


async def test_E10_a_delivery_that_changes_nothing_is_no_event() -> None:
    async with ScriptedServer() as server, follow(server, VirtualTime()) as follower:
        server.lists("services", page(service("web", "5"), version="7"))
        stream = await server.stream("services")
        stream.event("MODIFIED", service("web", "8"))
        stream.event("DELETED", service("unknown", "9"))
        stream.event("MODIFIED", service("web", "10", port=81))
        await follower.until("+web:80", "+web:81")
        assert follower.reflector.version == "10"


async def test_R8_a_flood_of_events_leaves_turns_to_the_loop() -> None:
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
