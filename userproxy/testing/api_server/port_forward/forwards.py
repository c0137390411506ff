"""Every port-forward of the API server: which way a request asks for, and the upgrades that are open."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from aiohttp import web

from userproxy.manifest.kinds import POD
from userproxy.testing.api_server.http.pulse import Pulse
from userproxy.testing.api_server.http.targets import Target
from userproxy.testing.api_server.port_forward.carriers import PlainCarrier, WebSocketCarrier
from userproxy.testing.api_server.port_forward.channel_upgrade import ChannelUpgrade
from userproxy.testing.api_server.port_forward.connection import Client, forward
from userproxy.testing.api_server.port_forward.faults import ForwardFault, Refusal, Rules, Way
from userproxy.testing.api_server.port_forward.spdy_upgrade import Forward, SpdyUpgrade
from userproxy.testing.api_server.port_forward.wording import Sandbox
from userproxy.testing.api_server.statuses import StatusError, bad_request, not_found
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.pods import backend_of
from userproxy.testing.api_server.storage.store import Store, metadata_of

__all__ = ["PortForwards"]

_TUNNEL_PROTOCOL = "SPDY/3.1+portforward.k8s.io"
_CHANNEL_PROTOCOL = "v4.channel.k8s.io"
_STREAM_PROTOCOL = "portforward.k8s.io"
_PROTOCOL_HEADER = "X-Stream-Protocol-Version"
_MOST_PORTS = 127
"""Channels have numbers up to 255."""

Upgrade = SpdyUpgrade | ChannelUpgrade


class PortForwards:
    """Answers requests for a Pod's ``portforward``. It owns the open upgrades and their script."""

    def __init__(self, store: Store, half_close_limit_s: float | None) -> None:
        self.half_close_limit_s = half_close_limit_s
        self.refusals: Rules[Refusal] = Rules()
        self.other_versions: Rules[bool] = Rules()
        self.faults: Rules[ForwardFault] = Rules()
        self.upgraded: dict[Way, int] = dict.fromkeys(Way, 0)
        """Upgrades since the beginning, by their way."""
        self.connected = 0
        """Connections since the beginning, also those that failed."""
        self.open_connections = 0
        self._store = store
        self._open: set[Upgrade] = set()
        self._changed = Pulse()

    @property
    def open_upgrades(self) -> int:
        return len(self._open)

    def upgrades(self) -> Iterator[Upgrade]:
        """Those that are open now."""
        return iter(tuple(self._open))

    async def wait_for(self, *, upgrades: int | None = None, connections: int | None = None) -> None:
        """Return once so many of them are open, not more nor less; None: any number."""
        await self._changed.wait_for(
            lambda: upgrades in (None, self.open_upgrades) and connections in (None, self.open_connections)
        )

    def clear(self) -> None:
        """Forget the script."""
        for rules in (self.refusals, self.other_versions, self.faults):
            rules.clear()

    def stop(self) -> None:
        """Break every upgrade."""
        for upgrade in self.upgrades():
            upgrade.abort()

    async def answer(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Upgrade, and forward until the client goes. Raises StatusError for what is refused."""
        pod = self._store.get(POD, target.namespace, target.name)
        if pod is None:
            raise not_found(POD, target.name)
        way = _way(request)
        refusal = self.refusals.take(lambda each: each.way in (None, way))
        if refusal is not None:
            raise refusal.error

        async def forwarded(client: Client, port: int) -> None:
            await self._forward(pod, client, port)

        if way is Way.SPDY:
            return await self._serve_plain(request, forwarded)
        return await self._serve_socket(request, way, forwarded)

    async def _serve_plain(self, request: web.Request, forwarded: Forward) -> web.StreamResponse:
        offered = request.headers.getall(_PROTOCOL_HEADER, [])
        if _STREAM_PROTOCOL not in _items(offered):
            why = f"client supports {offered}, server accepts [{_STREAM_PROTOCOL}]"
            raise StatusError(403, "Forbidden", f"unable to upgrade: unable to negotiate protocol: {why}")
        carrier = PlainCarrier(
            request, {"Connection": "Upgrade", "Upgrade": "SPDY/3.1", _PROTOCOL_HEADER: _STREAM_PROTOCOL}
        )
        try:
            await self._serve_spdy(SpdyUpgrade(carrier, forwarded), Way.SPDY)
        finally:
            await carrier.close()
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets was set")

    async def _serve_socket(self, request: web.Request, way: Way, forwarded: Forward) -> web.StreamResponse:
        ports = _ports(request) if way is Way.CHANNELS else ()
        protocol = _CHANNEL_PROTOCOL if way is Way.CHANNELS else _TUNNEL_PROTOCOL
        socket = web.WebSocketResponse(protocols=(protocol,), compress=False, max_msg_size=0)
        await socket.prepare(request)
        carrier = WebSocketCarrier(request, socket)
        if way is Way.CHANNELS:
            upgrade = ChannelUpgrade(carrier, forwarded, ports)
            with self._opened(upgrade, way), suppress(OSError):
                await upgrade.serve()
        else:
            await self._serve_spdy(SpdyUpgrade(carrier, forwarded), way)
        with suppress(OSError):
            await carrier.close()
        return socket

    async def _serve_spdy(self, upgrade: SpdyUpgrade, way: Way) -> None:
        with self._opened(upgrade, way), suppress(OSError):
            if self.other_versions.take():
                await upgrade.serve_another_version()
            else:
                await upgrade.serve()

    @contextmanager
    def _opened(self, upgrade: Upgrade, way: Way) -> Iterator[None]:
        self.upgraded[way] += 1
        self._open.add(upgrade)
        self._changed.beat()
        try:
            yield
        finally:
            self._open.discard(upgrade)
            self._changed.beat()

    async def _forward(self, pod: RawObject, client: Client, port: int) -> None:
        self.connected += 1
        self.open_connections += 1
        self._changed.beat()
        try:
            await forward(
                client,
                backend_of(pod, port),
                Sandbox(str(metadata_of(pod).get("uid")), port),
                fault=self.faults.take(),
                half_close_limit_s=self.half_close_limit_s,
            )
        finally:
            self.open_connections -= 1
            self._changed.beat()


def _items(values: list[str]) -> list[str]:
    return [item.strip() for value in values for item in value.split(",")]


def _way(request: web.Request) -> Way:
    """Raises StatusError (400) for a request that asks for no upgrade, or for an unknown one."""
    wanted = request.headers.get("Upgrade", "").lower()
    upgrades = "upgrade" in [item.lower() for item in _items(request.headers.getall("Connection", []))]
    if upgrades and wanted == "spdy/3.1":
        return Way.SPDY
    if upgrades and wanted == "websocket" and request.method == "GET":
        offered = _items(request.headers.getall("Sec-WebSocket-Protocol", []))
        if _TUNNEL_PROTOCOL in offered:
            return Way.TUNNEL
        if _CHANNEL_PROTOCOL in offered:
            return Way.CHANNELS
        raise bad_request(f"no subprotocol of {offered} is known")
    raise bad_request("Upgrade request required")


def _ports(request: web.Request) -> tuple[int, ...]:
    """Raises StatusError (400) when there are none, or what is named is none."""
    texts = [text for text in _items(request.query.getall("ports", [])) if text]
    if not texts:
        raise bad_request('query parameter "port" is required')
    wrong = [text for text in texts if not (text.isascii() and text.isdigit() and 0 < int(text) <= 65535)]
    if wrong or len(texts) > _MOST_PORTS:
        raise bad_request(f"unable to parse {wrong or texts} as ports")
    return tuple(map(int, texts))
