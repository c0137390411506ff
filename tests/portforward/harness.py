"""A data plane whose service port leads to pods behind a fake API server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from tests.dataplane.harness import Harness, Peer, harness, open_descriptors, route
from tests.portforward.fake_server import FakeServer, PodEnd, fake_server
from userproxy.model.routes import Endpoint, Route
from userproxy.model.service import PortOptions
from userproxy.portforward import ForwardLimits, HalfClose, PodForwarder
from userproxy.settings import Settings
from userproxy.sources.kube.connection import AnonymousConnection

ONE = Endpoint.of("10.0.0.1", 8080)
TWO = Endpoint.of("10.0.0.2", 8080)
PODS = {ONE: "web-1", TWO: "web-2"}


@dataclass
class Forwarding:
    """All parts of it."""

    server: FakeServer
    plane: Harness
    forwarder: PodForwarder

    @property
    def address(self) -> tuple[str, int]:
        return self.plane.address

    def serve(self, *endpoints: Endpoint, options: PortOptions | None = None) -> None:
        self.plane.serve(forwarded(*endpoints, options=options))


def forwarded(*endpoints: Endpoint, options: PortOptions | None = None) -> Route:
    pods = tuple((endpoint.name, PODS[endpoint]) for endpoint in sorted(endpoints))
    return replace(route(*endpoints, options=options), pods=pods)


@contextlib.asynccontextmanager
async def forwarding(
    *endpoints: Endpoint,
    half_close: HalfClose = HalfClose.HOLD,
    limits: ForwardLimits | None = None,
    options: PortOptions | None = None,
    settings: Settings | None = None,
) -> AsyncIterator[Forwarding]:
    """Afterwards no descriptor and no task may be left."""
    tasks = asyncio.all_tasks()
    async with fake_server() as server:
        before = open_descriptors()
        connection = AnonymousConnection(server.url)
        async with PodForwarder(connection, half_close=half_close, limits=limits) as forwarder:
            async with harness(settings, pod_dialler=forwarder, checked=False) as plane:
                plane.serve(forwarded(*(endpoints or (ONE,)), options=options))
                yield Forwarding(server, plane, forwarder)
        assert not forwarder._pairs
        for peer in server.connections:
            await peer.lost.wait()
        while open_descriptors() > before:  # a loop closes a turn later than it says
            await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks


async def works(f: Forwarding) -> PodEnd:
    """A connection that is made now gets an answer."""
    with await Peer.connect(f.address) as client:
        pod = await f.server.next_end()
        pod.send(b"works", fin=True)
        assert await client.receive_exactly(5) == b"works"
    return pod
