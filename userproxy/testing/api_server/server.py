"""`ApiServer`: a small Kubernetes API server in this process, for tests and for trying things out."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from types import TracebackType
from typing import Self

from aiohttp import web

from userproxy.manifest.allocation import NODE_PORTS, ClusterIPAllocator, NodePortAllocator
from userproxy.manifest.kinds import NAMESPACE
from userproxy.manifest.service_allocation import ServiceAllocator
from userproxy.testing.api_server.forward_trouble import ForwardTrouble
from userproxy.testing.api_server.http.bodies import MAX_BODY_BYTES
from userproxy.testing.api_server.http.front import Front
from userproxy.testing.api_server.http.recording import RequestLog
from userproxy.testing.api_server.http.resources import Resources
from userproxy.testing.api_server.http.watch_stream import WatchHub
from userproxy.testing.api_server.kubeconfig import write_kubeconfig
from userproxy.testing.api_server.objects import Objects
from userproxy.testing.api_server.port_forward.forwards import PortForwards
from userproxy.testing.api_server.receipt import FollowingProxy, VersionedSource, received
from userproxy.testing.api_server.storage.controllers import Controllers
from userproxy.testing.api_server.storage.registry import Registry
from userproxy.testing.api_server.storage.settling import Settler
from userproxy.testing.api_server.storage.store import Store
from userproxy.testing.api_server.trouble import Trouble

__all__ = ["ApiServer"]

_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_GRACE_S = 1.0
"""How long `stop` lets answers under way finish."""


class ApiServer(Objects, Trouble, ForwardTrouble):
    """Serves the API while its ``async with`` block runs, or between `start` and `stop`.

    Objects outlive `stop`, so that a server can go away and come back on the same port. kubectl and every
    other client work against ``url``; the calls of `Objects` are shortcuts without HTTP, those of `Trouble`
    make it misbehave.
    """

    def __init__(
        self,
        *,
        kubernetes_version: str = "1.32",
        service_cidrs: Sequence[str] = ("10.96.0.0/16",),
        node_ports: range = NODE_PORTS,
        first_resource_version: int = 1,
        history_limit: int = 10_000,
        bookmark_interval_s: float = 60.0,
        half_close_limit_s: float | None = 1.0,
        ssl_context: ssl.SSLContext | None = None,
        certificate_authority: bytes = b"",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``history_limit`` is how many changes are remembered; a watch that is further behind meets 410.

        ``half_close_limit_s``: when one side of a forwarded connection has ended, this is how long the other
        goes on, and it is told nothing, as by container runtimes; None passes each end on.

        ``certificate_authority`` is PEM text that `kubeconfig` gives to clients, where ``ssl_context`` makes
        the server speak TLS. Raises ValueError for service CIDRs or node ports that cannot be used.
        """
        allocator = ServiceAllocator(ClusterIPAllocator(service_cidrs), NodePortAllocator(node_ports))
        store = Store(first_version=first_resource_version, history_limit=history_limit)
        registry = Registry(store, Settler(allocator), clock, SystemRandom())
        self._controllers = Controllers(registry)
        hub = WatchHub(store, clock, bookmark_interval_s)
        forwards = PortForwards(store, half_close_limit_s)
        front = Front(Resources(registry, hub, clock), forwards, kubernetes_version)
        Objects.__init__(self, registry)
        Trouble.__init__(self, front, hub)
        ForwardTrouble.__init__(self, forwards)
        self._ssl_context = ssl_context
        self._certificate_authority = certificate_authority
        self._runner: web.AppRunner | None = None
        self._host, self._port = "", 0
        for name in _NAMESPACES:
            registry.create(NAMESPACE, "", {"metadata": {"name": name}})

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 lets the kernel choose. Raises OSError when the address cannot be had."""
        if self._runner is not None:
            raise RuntimeError(f"the API server is running already, at {self.url}")
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", "/{path:.*}", self._front.handle)
        runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=_GRACE_S
        )
        await runner.setup()
        site = web.TCPSite(runner, host, port, ssl_context=self._ssl_context)
        try:
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._host, self._port = runner.addresses[0][:2]

    async def stop(self) -> None:
        """Close every connection and stop listening; watches end in order, what hangs is dropped."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        self._front.release()
        self._forwards.stop()
        for stream in self._hub.open():
            stream.close()
        await runner.cleanup()

    @property
    def host(self) -> str:
        return self._host

    @property
    def port(self) -> int:
        """The port that is listened on; after `stop` the one that was."""
        return self._port

    @property
    def url(self) -> str:
        """What ``kubectl --server`` takes."""
        scheme = "https" if self._ssl_context is not None else "http"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}"

    @property
    def requests(self) -> RequestLog:
        """What clients have asked for, oldest first."""
        return self._front.log

    @property
    def forwards(self) -> PortForwards:
        """The port-forwards: how many there are and were."""
        return self._forwards

    def kubeconfig(self, path: Path, *, token: str = "", namespace: str = "") -> Path:
        """Write a kubeconfig for this server to ``path``, at once or not at all; gives ``path``."""
        write_kubeconfig(
            path,
            self.url,
            certificate_authority=self._certificate_authority,
            token=token,
            namespace=namespace,
        )
        return path

    def require_token(self, accepts: Callable[[str], bool] | None) -> None:
        """Answer 401 unless ``accepts`` holds for the bearer token ("" without one); None: let all in."""
        self._front.accepts_token = accepts

    def forbid(self, verb: str, resource: str) -> None:
        """Answer 403 to this verb (get, list, watch, create, ...) on ``services``, ``pods/portforward``, ...

        From version 1.35 on a forward by WebSocket, which is a get, needs create too.
        """
        self._front.forbidden.add((verb, resource))

    def permit_all(self) -> None:
        """Forget what `forbid` said."""
        self._front.forbidden.clear()

    def drop_connections(self) -> None:
        """Break every connection that is open, whatever it is doing."""
        server = self._runner.server if self._runner is not None else None
        for connection in tuple(server.connections) if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()

    async def requested(
        self, verb: str = "", resource: str = "", *, count: int = 1, timeout_s: float = 10.0
    ) -> None:
        """Return once ``count`` such requests are in `requests`. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self.requests.wait_for(lambda: len(self.requests.of(verb, resource)) >= count)

    async def forwarding(
        self, *, upgrades: int | None = None, connections: int | None = None, timeout_s: float = 10.0
    ) -> None:
        """Return once exactly so many upgrades and forwarded connections are open. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._forwards.wait_for(upgrades=upgrades, connections=connections)

    async def watched(self, resource: str = "", *, count: int = 1, timeout_s: float = 10.0) -> None:
        """Return once ``count`` watches on ``resource`` are open; 0: once none is. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._hub.wait_for(resource, count)

    async def settled(self, proxy: FollowingProxy, timeout_s: float = 10.0) -> None:
        """Return when all that is stored now has reached ``proxy`` and is in force there.

        Raises TimeoutError, and TypeError when the proxy does not follow an API server.
        """
        source = proxy.source
        if not isinstance(source, VersionedSource):
            raise TypeError(f"the proxy does not follow an API server but {type(source).__name__}")
        version = self.resource_version
        async with asyncio.timeout(timeout_s):
            # Once it has synced, every collection that it follows has a version.
            await proxy.settled(timeout_s)
            await received(source, version, self.send_bookmarks)
            await proxy.settled(timeout_s)
