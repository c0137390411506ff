"""A whole proxy in front of the test API server, whose pods no network routes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest

from userproxy import Addresses, Proxy, Settings
from userproxy.log import fields_of
from userproxy.portforward import ForwardLimits, PodForwarder
from userproxy.portforward.handshake import Way as OurWay
from userproxy.sources.kube.connection import AnonymousConnection
from userproxy.sources.kube.source import KubeSource
from userproxy.testing import ApiServer
from userproxy.testing.api_server.port_forward.faults import Way
from userproxy.testing.backends import HttpBackend, StreamBackend
from userproxy.testing.objects import pod, service

REQUEST = b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"


class Told(logging.Handler):
    """The log events of port-forward."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.fields: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = fields_of(record)
        if fields is not None:
            self.fields.append(dict(fields))

    def errors(self) -> list[str]:
        return [str(f["error"]) for f in self.fields if f["event"] == "port_forward_failed"]


@dataclass
class Scene:
    server: ApiServer
    proxy: Proxy
    forwarder: PodForwarder
    told: Told

    async def get(self) -> bytes:
        """The body of the answer; b"" or an OSError when there is none."""
        reader, writer = await asyncio.open_connection(*self.proxy.address("web"))
        try:
            writer.write(REQUEST)
            answer = await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return answer.rpartition(b"\r\n\r\n")[2].strip()


@contextlib.asynccontextmanager
async def scene(
    *backends: HttpBackend,
    hold: str = "",
    limits: ForwardLimits | None = None,
    half_close_limit_s: float | None = None,
) -> AsyncIterator[Scene]:
    told = Told()
    logger = logging.getLogger("userproxy.portforward")
    logger.addHandler(told)
    logger.setLevel(logging.DEBUG)
    try:
        async with ApiServer(half_close_limit_s=half_close_limit_s) as server:
            annotations = {"userproxy.dev/hold": hold} if hold else {}
            web = service("web", "8080", selector={"app": "web"}, annotations=annotations)
            await server.apply(web)
            for number, backend in enumerate(backends):
                await server.apply(web_pod(number, backend))
            connection = AnonymousConnection(server.url)
            source = KubeSource(connection, node_name="")
            async with (
                PodForwarder(connection, limits=limits) as forwarder,
                Proxy(
                    source, settings=Settings(addresses=Addresses.EPHEMERAL), pod_dialler=forwarder
                ) as proxy,
            ):
                await server.settled(proxy)
                yield Scene(server, proxy, forwarder, told)
    finally:
        logger.removeHandler(told)
        logger.setLevel(logging.NOTSET)


def web_pod(number: int, backend: StreamBackend | None) -> Mapping[str, object]:
    backends = {8080: backend.endpoint} if backend is not None else None
    return pod(f"web-{number}", 8080, backends=backends, labels={"app": "web"})


def take_only(server: ApiServer, way: Way) -> None:
    for other in Way:
        if other is not way:
            server.refuse_upgrades(400, way=other)


def used(server: ApiServer) -> set[Way]:
    return {way for way, count in server.forwards.upgraded.items() if count}


@pytest.mark.parametrize("way", list(Way))
async def test_each_way_that_a_server_knows(way: Way) -> None:
    async with HttpBackend("one") as one, HttpBackend("two") as two, scene(one, two) as s:
        take_only(s.server, way)
        assert {await s.get() for _ in range(4)} == {b"one", b"two"}
        assert used(s.server) == {way}
        if way is Way.CHANNELS:
            said = [f for f in s.told.fields if f["event"] == "port_forward_way"]
            assert [f["message"] for f in said] == ["this server passes on no half-close"]


async def test_C2_runtimes_cut_a_second_after_one_side_has_ended() -> None:
    async with HttpBackend("one") as one, scene(one, half_close_limit_s=0.05) as s:
        assert await s.get() == b"one"


@pytest.mark.parametrize("status", [400, 403, 404, 405, 426, 500, 502])
async def test_a_server_without_WebSockets_is_asked_for_SPDY_and_that_is_remembered(status: int) -> None:
    async with HttpBackend("one") as one, scene(one) as s:
        s.server.refuse_upgrades(status, way=Way.TUNNEL)
        assert await s.get() == b"one"
        assert s.forwarder.maker.way is OurWay.SPDY
        assert s.told.errors() == []


@pytest.mark.parametrize("verb", ["get", "create"])
async def test_403_names_the_verb_that_is_missing(verb: str) -> None:
    async with HttpBackend("one") as one, scene(one) as s:
        s.server.forbid("get", "pods/portforward")
        s.server.forbid("create", "pods/portforward")
        with pytest.raises(ConnectionResetError):
            await s.get()
        (error,) = s.told.errors()
        assert "the role needs the verb" in error
        assert verb in error.partition("the verb")[2]
        s.server.permit_all()
        await _again(s, b"one")
        assert "port_forward_restored" in [f["event"] for f in s.told.fields]


async def _again(s: Scene, expected: bytes) -> None:
    """Once the back-off is over."""
    while True:
        try:
            assert await s.get() == expected
        except ConnectionResetError:
            await asyncio.sleep(0)
        else:
            return


async def test_a_port_that_nobody_listens_on_moves_to_another_pod() -> None:
    async with HttpBackend("one") as one, scene(one) as s:
        await s.server.apply(web_pod(1, None))
        await s.server.settled(s.proxy)
        assert [await s.get() for _ in range(6)] == [b"one"] * 6


async def test_L9_a_held_client_waits_while_its_only_pod_refuses() -> None:
    async with HttpBackend("one") as one, scene(hold="30s") as s:
        await s.server.apply(web_pod(0, None))
        await s.server.settled(s.proxy)
        asked = asyncio.create_task(s.get())
        while not any(port.held for port in s.proxy.snapshot().ports):
            await asyncio.sleep(0)
        await s.server.apply(web_pod(1, one))
        await s.server.delete("pods", "web-0")
        assert await asked == b"one"


@pytest.mark.parametrize("as_json", [False, True])
async def test_one_in_three_that_fails_in_its_middle_disturbs_no_other(as_json: bool) -> None:
    async with HttpBackend("one") as one, scene(one) as s:
        s.server.fail_forwards("connection reset by peer", None, every=3, as_json=as_json, resets=as_json)
        outcomes = await asyncio.gather(*(s.get() for _ in range(12)), return_exceptions=True)
        assert sum(outcome == b"one" for outcome in outcomes) == 8
        assert sum(isinstance(outcome, ConnectionResetError) for outcome in outcomes) == 4


async def test_another_version_is_a_clear_error_and_no_leak() -> None:
    async with HttpBackend("one") as one, scene(one) as s:
        s.server.speak_another_version()
        with pytest.raises(ConnectionResetError):
            await s.get()
        (error,) = s.told.errors()
        assert "SPDY" in error
        s.server.clear_forward_trouble()
        await _again(s, b"one")


@pytest.mark.parametrize("trouble", ["break_forwards", "cut_forwards", "go_away"])
async def test_an_upgrade_that_goes_is_made_again(trouble: str) -> None:
    async with HttpBackend("one") as one, scene(one) as s:
        assert await s.get() == b"one"
        getattr(s.server, trouble)()
        await _again(s, b"one")
        assert await s.get() == b"one"


async def test_the_API_server_is_away_and_comes_back() -> None:
    async with HttpBackend("one") as one, scene(one) as s:
        s.server.refuse_upgrades(503)
        with pytest.raises(ConnectionResetError):
            await s.get()
        assert "503" in s.told.errors()[0]
        s.server.clear_forward_trouble()
        await _again(s, b"one")


async def test_a_rollout_under_load_fails_no_request() -> None:
    async with HttpBackend("one") as one, HttpBackend("two") as two, scene(one) as s:
        answers: list[bytes] = []
        seen: set[bytes] = set()
        over = asyncio.Event()

        async def ask() -> None:
            while not over.is_set():
                answers.append(await s.get())

        tasks = [asyncio.create_task(ask()) for _ in range(8)]
        for number in range(1, 6):
            await s.server.apply(web_pod(number, two if number % 2 else one))
            await s.server.settled(s.proxy)
            await s.server.delete("pods", f"web-{number - 1}")
            await s.server.settled(s.proxy)
            answers.clear()
            while b"two" not in answers and b"one" not in answers:
                await asyncio.sleep(0)
            seen.update(answers)
        over.set()
        await asyncio.gather(*tasks)
        assert seen == {b"one", b"two"}


async def test_a_thousand_connections_at_once() -> None:
    async with HttpBackend("one") as one, HttpBackend("two") as two, scene(one, two, one, two) as s:
        address = s.proxy.address("web")
        streams = await asyncio.gather(*(asyncio.open_connection(*address) for _ in range(1000)))
        for _, writer in streams:
            writer.write(REQUEST)
        answers = [await reader.read() for reader, _ in streams]
        for _, writer in streams:
            writer.close()
        assert sum(answer.endswith((b"one\n", b"two\n")) for answer in answers) == 1000
