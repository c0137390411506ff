"""A data plane with one TCP service port, scripted peers, and the log of what has ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

from userproxy.dataplane.plane import DataPlane
from userproxy.dataplane.pod_dialling import PodDialler
from userproxy.dataplane.relay import EDGES_TO_FAST
from userproxy.log import FieldValue, fields_of
from userproxy.model.names import Family, NamespacedName, Protocol, ServicePortName
from userproxy.model.routes import Endpoint, Route, RouteChanges
from userproxy.model.service import PortOptions
from userproxy.settings import Settings

WEB = ServicePortName("default", "web", "http", Protocol.TCP)
SERVICE = NamespacedName("default", "web")


def endpoint_of(sock: socket.socket) -> Endpoint:
    """The endpoint that a listening socket is."""
    host, port = sock.getsockname()[:2]
    return Endpoint.of(host, port)


def route(
    *endpoints: Endpoint,
    name: ServicePortName = WEB,
    host: str = "127.0.0.1",
    port: int = 0,
    service_port: int = 80,
    options: PortOptions | None = None,
    session_affinity_s: int | None = None,
) -> Route:
    """A route of the cluster set ``endpoints``; port 0 lets the kernel choose."""
    chosen = tuple(sorted(endpoints))
    return Route(
        name=name,
        family=Family.IPV6 if ":" in host else Family.IPV4,
        service_port=service_port,
        listen_host=host,
        listen_port=port,
        stated_ports=((name.protocol, service_port),),
        cluster=chosen,
        local=None,
        serving=chosen,
        usable_anywhere=bool(chosen),
        session_affinity_s=session_affinity_s,
        options=options if options is not None else PortOptions(),
    )


class EndLog(logging.Handler):
    """The ``connection_closed`` and ``flow_closed`` events, to be waited for."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._ended: asyncio.Queue[dict[str, FieldValue]] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        fields = fields_of(record)
        if fields is not None and fields["event"] in ("connection_closed", "flow_closed"):
            self._ended.put_nowait(fields)

    async def next(self) -> dict[str, FieldValue]:
        """The next end that has not been looked at."""
        return await self._ended.get()

    async def state(self) -> FieldValue:
        """Its two letters."""
        return (await self.next())["state"]


@dataclass
class Harness:
    """One service port ``default/web`` on one data plane."""

    plane: DataPlane
    ends: EndLog
    generation: int = 0
    current: Route = field(default_factory=route)

    def serve(self, new: Route) -> None:
        """Publish ``new``."""
        self.generation += 1
        self.current = new
        self.plane.apply(RouteChanges(self.generation, changed=(new,)))

    def swap(self, *endpoints: Endpoint) -> None:
        """The same route with other endpoints."""
        chosen = tuple(sorted(endpoints))
        self.serve(replace(self.current, cluster=chosen, serving=chosen, usable_anywhere=bool(chosen)))

    def remove(self) -> None:
        self.generation += 1
        self.plane.apply(RouteChanges(self.generation, removed=(self.current.key,)))

    @property
    def address(self) -> tuple[str, int]:
        return self.plane.address(SERVICE, "", None)

    async def connected(self, count: int = 1) -> None:
        """Wait until so many connections have reached an endpoint."""
        while sum(e.open for port in self.plane.snapshot() for e in port.endpoints) != count:
            await asyncio.sleep(0)

    def ended(self) -> dict[str, int]:
        """How many connections ended how."""
        return dict(next(port for port in self.plane.snapshot() if port.key == self.current.key).ends)


@contextlib.asynccontextmanager
async def harness(
    settings: Settings | None = None,
    *,
    descriptor_limit: int | None = None,
    pod_dialler: PodDialler | None = None,
    checked: bool = True,
) -> AsyncIterator[Harness]:
    """Run a data plane; afterwards no descriptor may be left, unless the caller looks itself."""
    before = open_descriptors()
    logger = logging.getLogger("userproxy.dataplane")
    ends = EndLog()
    level = logger.level
    logger.addHandler(ends)
    logger.setLevel(logging.DEBUG)
    plane = DataPlane(settings or Settings(), descriptor_limit=descriptor_limit, pod_dialler=pod_dialler)
    try:
        yield Harness(plane, ends)
    finally:
        plane.close()
        logger.removeHandler(ends)
        logger.setLevel(level)
    assert not checked or open_descriptors() <= before


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@contextlib.contextmanager
def listening(host: str = "127.0.0.1", *, backlog: int = 64) -> Iterator[socket.socket]:
    """A listening, non-blocking endpoint of the test's own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock:
        sock.bind((host, 0))
        sock.listen(backlog)
        sock.setblocking(False)
        yield sock


class Peer:
    """One end of a connection, as a test plays it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.setblocking(False)

    @classmethod
    async def connect(cls, address: tuple[str, int]) -> Peer:
        """The kernel of a loopback listener completes this by itself, before anybody accepts."""
        sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        sock.settimeout(10)
        try:
            sock.connect(address)
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    @classmethod
    async def accept(cls, listener: socket.socket) -> Peer:
        sock, _ = await asyncio.get_running_loop().sock_accept(listener)
        return cls(sock)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def receive(self, count: int = 65536) -> bytes:
        """At most ``count`` bytes; b"" at the end; ConnectionResetError after a reset."""
        return await asyncio.get_running_loop().sock_recv(self.sock, count)

    async def receive_exactly(self, count: int) -> bytes:
        parts = []
        while count:
            part = await self.receive(min(count, 1 << 20))
            assert part, f"ended {count} bytes early"
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def fin(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


async def talk(client: Peer, endpoint: Peer) -> None:
    """Ask and answer until the relay has them on its fast path."""
    for _ in range(EDGES_TO_FAST):
        await client.send(b"?")
        assert await endpoint.receive_exactly(1) == b"?"
        await endpoint.send(b"!")
        assert await client.receive_exactly(1) == b"!"


@contextlib.asynccontextmanager
async def pair(
    settings: Settings | None = None, options: PortOptions | None = None
) -> AsyncIterator[tuple[Peer, Peer, Harness]]:
    """(client, endpoint, harness): one relayed connection, both ends in the test's hands."""
    with listening() as listener:
        async with harness(settings) as h:
            h.serve(route(endpoint_of(listener), options=options))
            with await Peer.connect(h.address) as client, await Peer.accept(listener) as endpoint:
                await h.connected()
                yield client, endpoint, h
