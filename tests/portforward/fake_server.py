"""An API server that upgrades to ``portforward``, with the streams of each connection in the test's hands."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import cast

from userproxy.portforward.handshake import Way
from userproxy.spdy import (
    DataReceived,
    GoAwayReceived,
    PingReceived,
    Role,
    Session,
    StreamOpened,
    StreamReset,
)

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class PodEnd:
    """What the kubelet has of one connection."""

    def __init__(self, upgrade: ServedUpgrade, port: int) -> None:
        self.upgrade = upgrade
        self.port = port
        self.data_id = self.error_id = 0
        self.got = bytearray()
        self.ended = False
        self.was_reset = False
        self._changed = asyncio.Event()

    def send(self, data: bytes, *, fin: bool = False) -> None:
        self.upgrade.session.send_data(self.data_id, data, fin=fin)
        self.upgrade.flush()

    def fin(self) -> None:
        """The pod's side has ended in order; the error stream ends with the data stream."""
        self.upgrade.session.send_data(self.error_id, fin=True)
        self.send(b"", fin=True)

    def fail(self, text: str, *, fin: bool = True) -> None:
        """As a kubelet tells an error: the text, then the ends of both streams."""
        self.upgrade.session.send_data(self.error_id, text.encode(), fin=fin)
        if fin:
            self.upgrade.session.send_data(self.data_id, fin=True)
        self.upgrade.flush()

    def reset(self) -> None:
        self.upgrade.session.reset(self.data_id)
        self.upgrade.flush()

    def changed(self) -> None:
        self._changed.set()

    async def until(self, condition: Callable[[PodEnd], bool]) -> None:
        while not condition(self):
            self._changed.clear()
            await self._changed.wait()

    async def receive_exactly(self, count: int) -> bytes:
        await self.until(lambda end: len(end.got) >= count)
        data = bytes(self.got[:count])
        del self.got[:count]
        return data


class ServedUpgrade(asyncio.Protocol):
    """One connection to the fake: HTTP, then what it upgraded to."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.transport: asyncio.Transport
        self.session = Session(Role.SERVER)
        self.way: Way | None = None
        self.ends: dict[int, PodEnd] = {}
        self.pings = 0
        self.lost = asyncio.Event()
        self._head = bytearray()
        self._framed = bytearray()
        self._by_request: dict[str, PodEnd] = {}

    # HTTP.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self.server.connections.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        if self.way is None:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end >= 0:
                head, rest = bytes(self._head[:end]), bytes(self._head[end + 4 :])
                self._head.clear()
                self._answer(head.decode(), rest)
        elif self.way.is_websocket:
            self._unframe(data)
        else:
            self._speak(data)

    def _answer(self, head: str, rest: bytes) -> None:
        request, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, target, _ = request.split(" ")
        self.server.requests.append((method, target, headers))
        wanted = headers.get("sec-websocket-protocol", "")
        way = {"SPDY/3.1+portforward.k8s.io": Way.TUNNEL, "v4.channel.k8s.io": Way.CHANNELS}.get(
            wanted, Way.SPDY
        )
        answer = self.server.answer(way, headers)
        if answer is None:
            return
        if answer:
            self.transport.write(answer)
            return
        if way is Way.SPDY:
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n"
                b"X-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n"
            )
        else:
            key = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + _GUID).digest())
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: "
                + key
                + b"\r\nSec-WebSocket-Protocol: "
                + wanted.encode()
                + b"\r\n\r\n"
            )
        self.way = way
        self.server.upgraded(self)
        if rest:
            self.data_received(rest)

    # What is in the upgraded connection.

    def write(self, data: bytes) -> None:
        if self.way is Way.SPDY:
            self.transport.write(data)
        else:
            self.message(2, data)

    def message(self, opcode: int, data: bytes, *, final: bool = True) -> None:
        self.transport.write(frame(opcode, data, final=final))

    def flush(self) -> None:
        data = self.session.data_to_send()
        if data:
            self.write(data)

    def _unframe(self, data: bytes) -> None:
        self._framed += data
        while len(self._framed) >= 2:
            assert self._framed[1] & 0x80, "a client's frames are masked"
            length, at = self._framed[1] & 0x7F, 2
            if length >= 126:
                at = 4 if length == 126 else 10
                length = int.from_bytes(self._framed[2:at], "big")
            if len(self._framed) < at + 4 + length:
                return
            key = self._framed[at : at + 4]
            payload = self._framed[at + 4 : at + 4 + length]
            opcode = self._framed[0] & 0x0F
            del self._framed[: at + 4 + length]
            mask = (bytes(key) * (length // 4 + 1))[:length]
            plain = (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(length, "big")
            self.server.frames.append((opcode, plain))
            if opcode == 2 and self.way is Way.TUNNEL:
                self._speak(plain)
            elif opcode == 8:
                self.transport.close()

    def _speak(self, data: bytes) -> None:
        for event in self.session.receive(data):
            if isinstance(event, StreamOpened):
                self._opened(event)
            elif isinstance(event, DataReceived):
                end = self.ends.get(event.stream_id)
                if end is not None and end.data_id == event.stream_id:
                    end.got += event.data
                    end.ended |= event.fin
                    end.changed()
            elif isinstance(event, StreamReset):
                end = self.ends.get(event.stream_id)
                if end is not None and end.data_id == event.stream_id:
                    end.was_reset = True
                    end.changed()
            elif isinstance(event, PingReceived):
                self.pings += 1
                if not self.server.answers_pings:
                    self.session.data_to_send()
            elif isinstance(event, GoAwayReceived):
                self.server.goaways += 1
        self.flush()

    def _opened(self, event: StreamOpened) -> None:
        headers = event.headers
        end = self._by_request.setdefault(headers["requestid"], PodEnd(self, int(headers["port"])))
        self.ends[event.stream_id] = end
        if self.server.replies:
            self.session.reply(event.stream_id)
        if headers["streamtype"] == "error":
            end.error_id = event.stream_id
        else:
            end.data_id = event.stream_id
            self.server.paired(end)


@dataclass
class FakeServer:
    """``answer`` gives the bytes of a refusal, b"" to upgrade, None to say nothing."""

    url: str = ""
    answer: Callable[[Way, dict[str, str]], bytes | None] = lambda way, headers: b""
    replies: bool = True
    answers_pings: bool = True
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    connections: list[ServedUpgrade] = field(default_factory=list)
    upgrades: list[ServedUpgrade] = field(default_factory=list)
    frames: list[tuple[int, bytes]] = field(default_factory=list)
    goaways: int = 0
    on_pair: Callable[[PodEnd], None] | None = None
    on_upgrade: Callable[[ServedUpgrade], None] | None = None
    _ends: asyncio.Queue[PodEnd] = field(default_factory=asyncio.Queue)
    _upgraded: asyncio.Queue[ServedUpgrade] = field(default_factory=asyncio.Queue)

    def paired(self, end: PodEnd) -> None:
        if self.on_pair is not None:
            self.on_pair(end)
        else:
            self._ends.put_nowait(end)

    def upgraded(self, upgrade: ServedUpgrade) -> None:
        self.upgrades.append(upgrade)
        self._upgraded.put_nowait(upgrade)
        if self.on_upgrade is not None:
            self.on_upgrade(upgrade)

    async def next_end(self) -> PodEnd:
        """The next connection that has come."""
        return await self._ends.get()

    async def next_upgrade(self) -> ServedUpgrade:
        return await self._upgraded.get()


def frame(opcode: int, data: bytes, *, final: bool = True) -> bytes:
    """One frame of a WebSocket, as servers send it."""
    first = bytes([(0x80 if final else 0) | opcode])
    if len(data) < 126:
        return first + bytes([len(data)]) + data
    if len(data) < 65536:
        return first + b"\x7e" + len(data).to_bytes(2, "big") + data
    return first + b"\x7f" + len(data).to_bytes(8, "big") + data


def only(server: FakeServer, *ways: Way) -> None:
    """It upgrades in these ways alone."""
    server.answer = lambda way, headers: b"" if way in ways else refusal(400, "no")


def refusal(status: int, body: str = "", content_type: str = "application/json") -> bytes:
    return (
        f"HTTP/1.1 {status} No\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


@contextlib.asynccontextmanager
async def fake_server() -> AsyncIterator[FakeServer]:
    fake = FakeServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: ServedUpgrade(fake), "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        server.close()
        for connection in fake.connections:
            connection.transport.abort()
            await connection.lost.wait()
        await server.wait_closed()
