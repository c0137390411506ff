"""An API server that flaps, lies, cuts and forgets, while traffic flows: not one request may fail."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import pytest

from tests.dataplane.harness import Peer
from tests.integration.world import EPHEMERAL, LIMIT_S
from userproxy import Proxy
from userproxy.sources.kube.connection import AnonymousConnection
from userproxy.sources.kube.source import KubeSource
from userproxy.sources.kube.timing import Timing
from userproxy.testing.api_server.server import ApiServer
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

TROUBLES = 40
GARBAGE = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"kind":"Status","code":500}',
    b"<html>Bad Gateway</html>",
    b'{"kind":"ServiceList","apiVersion":"v1","metadata":{},"items":null',
    b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}',
    b'{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[null,1,[],{}]}',
    b"\xff\xfe\x00",
)
LINES = (
    b"\n",
    b"nonsense\n",
    b"null\n",
    b'{"type":"ADDED"}\n',
    b'{"type":"MODIFIED","object":{"kind":"Service","metadata":{}}}\n',
    b'{"type":"DANCED","object":{"kind":"Service","metadata":{"name":"x","resourceVersion":"1"}}}\n',
    b'{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"web","namespace":"default"}}}\n',
    b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"\\u001b[31mred\\nline"}}\n',
    b"\xc3\x28\n",
)


@contextlib.asynccontextmanager
async def following(server: ApiServer) -> AsyncIterator[Proxy]:
    timing = Timing(sleep=lambda seconds: asyncio.sleep(min(seconds, 0.005)))
    source = KubeSource(AnonymousConnection(server.url), timing=timing)
    async with Proxy(source, settings=EPHEMERAL) as proxy:
        yield proxy


class Traffic:
    """One request after the other to ``web``, until told to stop."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.answers = 0
        self.over = False

    async def run(self) -> None:
        try:
            while not self.over:
                await self.ask()
        finally:
            self.over = True

    async def ask(self) -> None:
        with await Peer.connect(self.proxy.address("web")) as client:
            word = b"%d" % self.answers
            await client.send(word)
            client.fin()
            assert await client.receive_exactly(len(word)) == word
            assert await client.receive() == b""
        self.answers += 1

    async def more(self, count: int) -> None:
        """Wait for so many more answers."""
        wanted = self.answers + count
        while self.answers < wanted and not self.over:
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def traffic(proxy: Proxy) -> AsyncIterator[Traffic]:
    flowing = Traffic(proxy)
    running = asyncio.create_task(flowing.run())
    try:
        yield flowing
        await flowing.more(5)
    finally:
        flowing.over = True
        await running


async def make_trouble(server: ApiServer, chance: random.Random) -> None:
    """One thing that API servers, and what stands before them, do."""
    resource = chance.choice(("services", "endpointslices", ""))
    verb = chance.choice(("list", "watch", ""))
    kind = chance.randrange(14)
    if kind == 0:
        server.fail(chance.randrange(1, 4), status=chance.choice((401, 403, 404, 429, 500, 503)), verb=verb)
    elif kind == 1:
        server.drop(chance.randrange(1, 3), verb=verb, resource=resource)
    elif kind == 2:
        server.half_line(resource)
    elif kind == 3:
        server.expire_watches(resource)
    elif kind == 4:
        server.compact()
        server.end_watches(resource)
    elif kind == 5:
        server.break_watches(resource)
    elif kind == 6:
        server.inject_line(chance.choice(LINES), resource)
    elif kind == 7:
        server.answer(chance.choice(GARBAGE), content_type="application/json", verb=verb, resource=resource)
        server.break_watches(resource)
    elif kind == 8:
        server.answer_table(verb="list", resource=resource)
        server.compact()
        server.expire_watches(resource)
    elif kind == 9:
        server.expire_in_stream(resource=resource)
        server.end_watches(resource)
    elif kind == 10:
        server.drop_connections()
    elif kind == 11:
        await server.stop()
        for _ in range(chance.randrange(30)):
            await asyncio.sleep(0)
        await server.start(port=server.port)
    elif kind == 12:
        server.expire(chance.randrange(1, 3), verb="list", resource=resource)
        server.compact()
        server.expire_watches(resource)
    else:
        server.send_bookmarks(resource)


async def change(server: ApiServer, chance: random.Random, endpoints: list[str]) -> None:
    """One change of the objects; ``web`` always has an endpoint."""
    kind = chance.randrange(5)
    if kind == 0:
        await server.apply(endpoint_slice("web", [chance.choice(endpoints)]))
    elif kind == 1:
        await server.apply(service(f"other-{chance.randrange(5)}", chance.randrange(1, 1000)))
    elif kind == 2:
        with contextlib.suppress(Exception):
            await server.delete("Service", f"other-{chance.randrange(5)}")
    elif kind == 3:
        await server.inject(chance.choice(bad_objects()))
    else:
        await server.apply(service("web", 80, labels={"turn": str(chance.random())}))


def bad_objects() -> list[dict[str, object]]:
    good = service("bad", 80)
    return [
        {**good, "spec": None},
        {**good, "spec": []},
        {**good, "spec": {"ports": [{"port": 70000}, {"port": "x"}, None, 7]}},
        {**good, "spec": {"clusterIP": "10.96.0.77", "ports": [{"port": 80}, {"port": 80}]}},
        {**endpoint_slice("web", ["127.0.0.1:1"], name="bad"), "addressType": 7},
        {**endpoint_slice("web", ["127.0.0.1:1"], name="bad"), "endpoints": {"a": 1}},
        {**endpoint_slice("web", ["127.0.0.1:1"], name="bad"), "endpoints": [None, {"addresses": ["x", 1]}]},
        {**endpoint_slice("web", ["127.0.0.1:1"], name="bad"), "ports": [{"port": -1}, "x"]},
    ]


@pytest.mark.spec("R4", "R5", "R7", "R8", "D7")
@pytest.mark.parametrize("seed", range(4))
async def test_R5_R7_no_request_fails_whatever_the_api_server_does(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    await one_round(seed)
    assert not [record for record in caplog.records if record.name.startswith(("aiohttp", "asyncio"))]


async def one_round(seed: int) -> None:
    chance = random.Random(seed)
    async with TcpEcho() as one, TcpEcho() as two, ApiServer() as server:
        endpoints = [one.endpoint, two.endpoint]
        await server.apply(service("web", 80), endpoint_slice("web", endpoints[:1]))
        async with following(server) as proxy:
            await server.settled(proxy, LIMIT_S)
            address = proxy.address("web")
            async with traffic(proxy) as flowing:
                for _ in range(TROUBLES):
                    await make_trouble(server, chance)
                    await change(server, chance, endpoints)
                    await flowing.more(chance.randrange(12))
                server.clear_trouble()
                await server.apply(endpoint_slice("web", [two.endpoint]), service("last", 7))
                await server.settled(proxy, LIMIT_S)
                assert flowing.answers
            assert proxy.address("web") == address
            ports = {port.key.name.name: port for port in proxy.snapshot().ports}
            usable = {name: [e.endpoint for e in p.endpoints if e.usable] for name, p in ports.items()}
            assert usable["web"] == [two.endpoint]
            stored = {str(raw["metadata"]["name"]) for raw in await server.list("Service", "default")}  # type: ignore[index]  # an object of the API
            assert ports.keys() - {"bad"} == stored - {"bad"}
            ends = dict(ports["web"].ends)
            assert ends.keys() == {"--"}
