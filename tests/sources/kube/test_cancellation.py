"""Whatever a source is waiting for, closing it ends its tasks and connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager

import pytest

from tests.sources.kube.raw import service, slice_
from tests.sources.kube.scripted_server import Answer, ScriptedServer, Stream, page
from tests.sources.kube.virtual_time import VirtualTime
from userproxy.sources.kube.connection import AnonymousConnection
from userproxy.sources.kube.source import KubeSource

SLICES = "EndpointSliceList"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


class Scene:
    """A server, and a place at which something waits for ever; ``reached`` is set once it does."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.reached = asyncio.Event()

    @property
    def source(self) -> KubeSource:
        return KubeSource(AnonymousConnection(self.server.url))

    async def for_ever(self, *_: object) -> None:
        self.reached.set()
        await asyncio.Event().wait()

    def stuck(self, beginning: bytes = b"") -> Answer:
        """An answer that stops after ``beginning``."""

        async def answer(stream: Stream) -> None:
            stream.raw(beginning)
            await stream.drain()
            self.reached.set()
            await stream.hold()

        return answer


class NoCredentials(AnonymousConnection):
    """Credentials that never come."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene.server.url)
        self._scene = scene

    async def headers(self) -> Mapping[str, str]:
        await self._scene.for_ever()
        return {}


def in_credentials(scene: Scene) -> KubeSource:
    return KubeSource(NoCredentials(scene))


def before_the_answer(scene: Scene) -> KubeSource:
    scene.server.lists("services", scene.stuck())
    return scene.source


def within_a_list(scene: Scene) -> KubeSource:
    scene.server.lists("services", scene.stuck(HEAD + b'{"kind":'))
    return scene.source


def within_an_error(scene: Scene) -> KubeSource:
    scene.server.lists("services", scene.stuck(HEAD.replace(b"200 OK", b"500 No") + b'{"kind":'))
    return scene.source


def between_pages(scene: Scene) -> KubeSource:
    scene.server.lists("services", page(service("a"), token="t"), scene.stuck())
    return scene.source


def before_a_watch_is_accepted(scene: Scene) -> KubeSource:
    scene.server.lists("services", page())
    scene.server.watches("services", scene.stuck())
    return scene.source


def in_a_silent_watch(scene: Scene) -> KubeSource:
    scene.server.lists("services", page())
    scene.server.watches("services", scene.stuck(CHUNKED))
    return scene.source


def within_a_line(scene: Scene) -> KubeSource:
    scene.server.lists("services", page())
    scene.server.watches("services", scene.stuck(CHUNKED + b'8\r\n{"type":\r\n'))
    return scene.source


def in_back_off(scene: Scene) -> KubeSource:
    async def cut(stream: Stream) -> None:
        stream.cut()

    scene.server.lists("services", cut, cut)  # aiohttp itself asks a second time
    timing = VirtualTime().timing(sleep=scene.for_ever)
    return KubeSource(AnonymousConnection(scene.server.url), timing=timing)


def waiting_for_the_node(scene: Scene) -> KubeSource:
    scene.server.lists("services", page())
    scene.server.lists("endpointslices", page(slice_("web-1"), kind=SLICES))
    scene.server.lists("nodes", scene.stuck())
    return KubeSource(AnonymousConnection(scene.server.url), node_name="worker-1")


Setup = Callable[[Scene], KubeSource]
IN_A_LIST: list[Setup] = [in_credentials, before_the_answer, within_a_list, within_an_error, between_pages]
LATER: list[Setup] = [
    before_a_watch_is_accepted,
    in_a_silent_watch,
    within_a_line,
    in_back_off,
    waiting_for_the_node,
]


async def read(source: KubeSource) -> None:
    async with aclosing(source.events()) as events:
        async for _ in events:
            pass


@asynccontextmanager
async def scene_that_ends_empty() -> AsyncIterator[Scene]:
    """A scene after which no connection and no task is left."""
    async with ScriptedServer() as server:
        before = asyncio.all_tasks()
        yield Scene(server)
        await server.deserted()
        assert asyncio.all_tasks() == before


def named(setups: list[Setup]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("setup", [pytest.param(setup, id=setup.__name__) for setup in setups])


@named([*IN_A_LIST, *LATER])
async def test_cancelling_the_reader_ends_everything(setup: Setup) -> None:
    async with scene_that_ends_empty() as scene:
        reader = asyncio.create_task(read(setup(scene)))
        await scene.reached.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader


@named(IN_A_LIST)
async def test_cancelling_a_list_for_explain_ends_it(setup: Setup) -> None:
    async with scene_that_ends_empty() as scene:
        listing = asyncio.create_task(setup(scene).list_all(60))
        await scene.reached.wait()
        listing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listing


@named([*IN_A_LIST, *LATER])
async def test_reload_leaves_wherever_it_waits_and_the_source_ends_well(setup: Setup) -> None:
    async with scene_that_ends_empty() as scene:
        source = setup(scene)
        reader = asyncio.create_task(read(source))
        await scene.reached.wait()
        count = len(scene.server.requests)
        source.reload()
        if setup is in_credentials:
            scene.reached.clear()
            await scene.reached.wait()
        else:
            await scene.server.asked(count + 1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader


async def test_closing_between_two_events_ends_everything() -> None:
    async with scene_that_ends_empty() as scene:
        scene.server.lists("services", page(service("a"), service("b")))
        events = scene.source.events()
        await anext(events)
        await events.aclose()


async def test_cancelling_while_a_connection_is_being_made() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        # TLS: the handshake never gets an answer.
        source = KubeSource(AnonymousConnection(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        before = asyncio.all_tasks()
        reader = asyncio.create_task(read(source))
        connected, _ = await loop.sock_accept(listener)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert asyncio.all_tasks() == before
        with connected:
            while await loop.sock_recv(connected, 4096):
                pass
