"""Publish last: a picker is complete before its route is published; rings that take long are built in
steps between turns of the loop, and a route that waits for its ring is dropped when a newer one comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from userproxy.balancing.picker import Picker, is_expensive, make_picker, picker_steps
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import ServicePort
from userproxy.model.routes import Endpoint, Route, RouteKey

__all__ = ["Publisher"]


class Publisher:
    """Makes pickers. Owns the tasks that build large rings."""

    __slots__ = ("_building", "_install", "_port_of", "_runtime")

    def __init__(
        self,
        runtime: Runtime,
        port_of: Callable[[RouteKey], ServicePort | None],
        install: Callable[[list[tuple[Route, Picker]]], None],
    ) -> None:
        self._runtime = runtime
        self._port_of = port_of
        self._install = install
        self._building: dict[RouteKey, asyncio.Task[None]] = {}

    def picker_now(self, route: Route) -> Picker | None:
        """The picker for ``route``; None when it takes long: the route is then installed later by itself."""
        self.drop(route.key)
        previous = self._previous(route.key)
        balancer, endpoints = route.options.balancer, route.internal
        if not is_expensive(balancer, endpoints, previous):
            return make_picker(
                balancer,
                endpoints,
                previous=previous,
                open_connections=self._load_of(route.key),
                random=self._runtime.random,
            )
        task = self._runtime.loop.create_task(self._build(route), name=f"ring of {route.key}")
        self._building[route.key] = task
        task.add_done_callback(self._done)
        return None

    def _done(self, task: asyncio.Task[None]) -> None:
        for key in [key for key, building in self._building.items() if building is task]:
            del self._building[key]  # it failed: nobody shall wait for it
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._runtime.failed(error)

    async def _build(self, route: Route) -> None:
        steps = picker_steps(
            route.options.balancer,
            route.internal,
            previous=self._previous(route.key),
            open_connections=self._load_of(route.key),
            random=self._runtime.random,
        )
        while True:
            try:
                next(steps)
            except StopIteration as finished:
                picker: Picker = finished.value
                break
            await asyncio.sleep(0)
        self._building.pop(route.key)
        self._install([(route, picker)])

    def drop(self, key: RouteKey) -> None:
        """A newer route came, or the service port went."""
        task = self._building.pop(key, None)
        if task is not None:
            task.cancel()

    def cancel(self) -> None:
        for key in tuple(self._building):
            self.drop(key)

    async def finished(self) -> None:
        """Return once no ring is being built. Raises what a build raised."""
        while self._building:
            # Neither cancels a build nor is cancelled with one that a newer route drops.
            done, _ = await asyncio.wait(tuple(self._building.values()))
            for task in done:
                if not task.cancelled():
                    task.result()

    def _previous(self, key: RouteKey) -> Picker | None:
        port = self._port_of(key)
        return port.picker if port is not None else None

    def _load_of(self, key: RouteKey) -> Callable[[Endpoint], int]:
        """Finds the service port once, at the first call: its first picker is made before the port itself."""
        port: ServicePort | None = None

        def open_connections(endpoint: Endpoint) -> int:
            nonlocal port
            if port is None:
                port = self._port_of(key)
            return port.open_connections(endpoint) if port is not None else 0

        return open_connections
