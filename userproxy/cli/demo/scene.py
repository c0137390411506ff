"""The actors of the demo: an API server, a proxy that follows it, backends, load, and swaps."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from itertools import count
from types import TracebackType
from typing import Self

import orjson

from userproxy.admin.server import AdminServer
from userproxy.cli.demo.story import Report, ServiceStory, Story
from userproxy.cli.followers import beside
from userproxy.cli.options import chosen_settings
from userproxy.proxy import Proxy
from userproxy.sources.kube.connection import AnonymousConnection
from userproxy.sources.kube.source import KubeSource
from userproxy.testing import ApiServer
from userproxy.testing.backends.process import BackendProcess
from userproxy.testing.objects import endpoint_slice, service

__all__ = ["Scene"]

SWAP_INTERVAL_S = 1.0
LAST_ANSWERS_S = 10.0
GRACE_S = 1.0
"""A backend that was replaced lives on so long, as a terminating pod does."""


class _Cast:
    """The backends of one Service: each in a process and a slice of its own."""

    def __init__(self, server: ApiServer, story: ServiceStory, kind: str, size: int) -> None:
        self._server = server
        self._kind = kind
        self._numbers = count(1)
        self.story = story
        self.size = size
        self.on_stage: deque[BackendProcess] = deque()
        self.leaving: set[asyncio.Task[None]] = set()

    @property
    def protocol(self) -> str:
        return "UDP" if self._kind == "udp" else "TCP"

    async def enter(self) -> BackendProcess:
        """One more backend, in the Service."""
        backend = BackendProcess(self._kind, f"{self.story.name}-{next(self._numbers)}")
        await backend.__aenter__()
        self.on_stage.append(backend)
        await self._server.apply(
            endpoint_slice(self.story.name, [backend.endpoint], name=backend.name, protocol=self.protocol)
        )
        return backend

    async def replace(self) -> tuple[str, str]:
        """A new backend comes, the oldest one goes; their names."""
        new = await self.enter()
        old = self.on_stage.popleft()
        await self._server.delete("EndpointSlice", old.name)
        task = asyncio.create_task(self._leave(old))
        self.leaving.add(task)
        task.add_done_callback(self.leaving.discard)
        return old.name, new.name

    async def _leave(self, backend: BackendProcess) -> None:
        try:
            await asyncio.sleep(GRACE_S)
        finally:
            await backend.__aexit__(None, None, None)

    async def close(self) -> None:
        for task in self.leaving:
            task.cancel()
        await asyncio.gather(*self.leaving, return_exceptions=True)
        for backend in self.on_stage:
            await backend.__aexit__(None, None, None)


class Scene:
    """Everything runs from the beginning of the block to its end."""

    def __init__(self) -> None:
        self.story = Story((ServiceStory("web", "requests"), ServiceStory("dns", "datagrams")))
        self._exits = contextlib.AsyncExitStack()
        self._casts: list[_Cast] = []
        self._load: list[Process] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._started = 0.0

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as exits:
            server = await exits.enter_async_context(ApiServer())
            source = KubeSource(AnonymousConnection(server.url))
            proxy = await exits.enter_async_context(Proxy(source, settings=chosen_settings()))
            await exits.enter_async_context(beside(proxy, [AdminServer().follow]))
            exits.push_async_callback(self._end)
            web, dns = self.story.services
            for story, kind, size, port in ((web, "http", 3, "8080"), (dns, "udp", 2, "5353/UDP")):
                cast = _Cast(server, story, kind, size)
                self._casts.append(cast)
                await server.apply(service(story.name, port))
                await asyncio.gather(*(cast.enter() for _ in range(size)))
            await server.settled(proxy)
            for cast in self._casts:
                host, number = proxy.address(f"default/{cast.story.name}")
                cast.story.address = f"{host}:{number}"
                await self._start_load(cast)
            self._started = asyncio.get_running_loop().time()
            self._tasks.append(asyncio.create_task(self._swap(), name="swaps"))
            self._exits = exits.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    def tell_time(self) -> None:
        """Bring the story's clock up to date."""
        self.story.seconds = asyncio.get_running_loop().time() - self._started

    async def stop_load(self) -> None:
        """Let what is under way be answered, and take the last reports."""
        self._tasks.pop().cancel()  # no more swaps
        for process in self._load:
            if process.stdin is not None:
                process.stdin.close()
        try:
            async with asyncio.timeout(LAST_ANSWERS_S):
                await asyncio.gather(*self._tasks)
        except TimeoutError:
            self.story.broken = f"the load did not end within {LAST_ANSWERS_S:g} s"

    async def _start_load(self, cast: _Cast) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "userproxy.cli.demo.load", cast.protocol, cast.story.address,
            stdin=PIPE, stdout=PIPE,
        )  # fmt: skip
        self._load.append(process)
        self._tasks.append(
            asyncio.create_task(self._follow(process, cast.story), name=f"load {cast.story.name}")
        )

    async def _follow(self, process: Process, story: ServiceStory) -> None:
        """Take the reports of one load generator until it ends."""
        assert process.stdout is not None
        async for line in process.stdout:
            story.take(Report.from_json(orjson.loads(line)))
        if await process.wait():
            self.story.broken = f"the load generator of {story.name} ended with {process.returncode}"

    async def _swap(self) -> None:
        """Replace endpoints for ever; the demo is over when that goes wrong."""
        try:
            await self._swap_in_turn()
        except Exception as error:
            self.story.broken = f"endpoints could not be replaced: {error!r}"

    async def _swap_in_turn(self) -> None:
        """Replace one endpoint after the other, in all Services in turn."""
        while True:
            for cast in (self._casts[0], self._casts[0], self._casts[1]):
                await asyncio.sleep(SWAP_INTERVAL_S)
                old, new = await cast.replace()
                self.tell_time()
                self.story.swaps += 1
                self.story.tell(f"{cast.story.name}: {old} replaced by {new}")

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in self._load:
            if process.returncode is None:
                process.kill()
            await process.communicate()
        for cast in self._casts:
            await cast.close()
