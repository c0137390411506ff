"""Whatever happens on the way, the end is the server's state (rules R3, R4, R5, R8)."""

from __future__ import annotations

from random import Random

import pytest

from tests.sources.kube.follower import follow
from tests.sources.kube.raw import bookmark, event_line, service, status
from tests.sources.kube.scripted_server import ScriptedServer, Stream, page, plain
from tests.sources.kube.scripted_server import status as status_answer
from tests.sources.kube.virtual_time import VirtualTime
from userproxy.model.events import Delete, Event, Upsert
from userproxy.model.service import Service

NAMES = [f"s{number}" for number in range(8)]
STEPS = 80
EXPIRED = status(410, "Expired", "too old")
TROUBLES = [
    status_answer(status(500, "InternalError")),
    status_answer(status(429, "TooManyRequests"), {"Retry-After": "1"}),
    plain(503, "text/html", b"<html>busy"),
    status_answer(status(401, "Unauthorized")),
]


class History:
    """A server whose Services change as it is asked, and that loses, cuts and forgets as ``rng`` says.

    After `STEPS` changes it turns calm: every event is sent and the last watch is left open.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._objects: dict[str, tuple[int, int]] = {}
        self._events: list[tuple[int, bytes]] = []
        self._forgotten = 0
        self._pages: dict[str, list[str]] = {}
        self.version = 10
        self._change()

    @property
    def ports(self) -> dict[str, int]:
        return {name: port for name, (port, _) in self._objects.items()}

    @property
    def calm(self) -> bool:
        return self.version >= 10 + STEPS

    async def answer(self, stream: Stream) -> None:
        if not self.calm and self._rng.random() < 0.15:
            await self._rng.choice(TROUBLES)(stream)
        elif stream.request.verb == "list":
            await self._list(stream)
        else:
            await self._watch(stream)

    def _change(self) -> None:
        """One Service comes, changes its port, or goes."""
        self.version += 1
        name = self._rng.choice(NAMES)
        port = self._rng.randint(1, 65535)
        raw = service(name, str(self.version), port=port)
        type_ = self._rng.choice(["MODIFIED", "DELETED"]) if name in self._objects else "ADDED"
        if type_ == "DELETED":
            del self._objects[name]
        else:
            self._objects[name] = (port, self.version)
        self._events.append((self.version, event_line(type_, raw)))

    async def _list(self, stream: Stream) -> None:
        query = stream.request.query
        token = query.get("continue")
        asked = int(query.get("resourceVersion") or 0)
        forgotten = token is not None and self._rng.random() < 0.3
        if forgotten or (token is None and 0 < asked < self._forgotten):
            await status_answer(EXPIRED)(stream)
            return
        if token is None:
            names = list(self._objects)
            self._rng.shuffle(names)
            version = self.version
        else:
            version_text, _, rest = token.partition("/")
            version, names = int(version_text), [name for name in rest.split("+") if name]
        size = self._rng.randint(1, 3) if "limit" in query and self._rng.random() < 0.7 else len(names)
        here, later = names[:size], names[size:]
        # A page of an old snapshot: only what has not changed since is shown, the rest comes by the watch.
        items = [
            service(name, str(self._objects[name][1]), port=self._objects[name][0])
            for name in here
            if name in self._objects and self._objects[name][1] <= version
        ]
        more = f"{version}/{'+'.join(later)}" if later else ""
        if not self.calm and self._rng.random() < 0.5:
            self._change()
        await page(*items, version=str(version), token=more)(stream)

    async def _watch(self, stream: Stream) -> None:
        version = int(stream.request.version or 0)
        if version < self._forgotten and self._rng.random() < 0.5:
            await status_answer(EXPIRED)(stream)
            return
        stream.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        if version < self._forgotten:
            stream.send(event_line("ERROR", EXPIRED))
            return
        for _ in range(self._rng.randint(0, 12)):
            if not self.calm:
                self._change()
        await self._send(stream, self._lines(version))
        if self.calm:
            stream.send(bookmark(str(self.version)))
            await stream.hold()
            return
        if self._rng.random() < 0.3:
            self._forgotten = self.version - self._rng.randint(0, 6)
        ending = self._rng.choice(["end", "end", "cut", "half a line"])
        if ending == "half a line":
            stream.send(b'{"type":"ADDED","object":{"kind"')
        if ending == "cut":
            stream.cut()
        else:
            stream.end()

    def _lines(self, version: int) -> bytes:
        lines = b""
        for number, line in self._events:
            if number <= version:
                continue
            chance = 1.0 if self.calm else self._rng.random()
            if chance < 0.03:
                return lines + line[:-4] + b"\n"  # undecodable, and what it said is lost
            if chance < 0.06:
                lines += event_line("SHUFFLED", {"metadata": {"name": "x"}}) + b"\n\r\n"
            elif chance < 0.1:
                lines += bookmark(str(number - 1))
            lines += line
        return lines

    async def _send(self, stream: Stream, data: bytes) -> None:
        while data:
            size = self._rng.randint(1, 700)
            stream.send(data[:size])
            data = data[size:]
            if self._rng.random() < 0.5:
                await stream.drain()


def folded(events: list[Event]) -> dict[str, int]:
    ports: dict[str, int] = {}
    for event in events:
        match event:
            case Upsert(Service(name=name, ports=(port,))):
                assert ports.get(name) != port.port, "news only"
                ports[name] = port.port
            case Delete(ref):
                del ports[ref.name]
            case _:
                raise AssertionError(event)
    return ports


@pytest.mark.parametrize("seed", range(40))
async def test_R3_R4_R5_R8_any_history_ends_in_the_servers_state(seed: int) -> None:
    history = History(Random(seed))
    async with (
        ScriptedServer(otherwise=history.answer) as server,
        follow(server, VirtualTime(random=0.5)) as follower,
    ):
        await follower.until_version(lambda: str(history.version) if history.calm else "none yet")
        assert folded(follower.events) == history.ports
