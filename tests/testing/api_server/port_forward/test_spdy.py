"""Forwarding by SPDY: what a client sees, and what the pod does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from tests.testing.api_server.port_forward.spdy_client import SpdyClient, spdy_client
from userproxy.spdy import GoAwayReceived, ResetStatus, StreamReplied, StreamReset, WindowUpdate
from userproxy.testing import ApiServer
from userproxy.testing.api_server.port_forward.faults import Way
from userproxy.testing.backends import TcpEcho
from userproxy.testing.objects import pod

pytestmark = pytest.mark.both_loops

REFUSED = "connect: connection refused"


@pytest.fixture(params=[Way.TUNNEL, Way.SPDY])
def way(request: pytest.FixtureRequest) -> Way:
    assert isinstance(request.param, Way)
    return request.param


@pytest.fixture
async def echo() -> AsyncIterator[TcpEcho]:
    async with TcpEcho() as running:
        yield running


@pytest.fixture
async def client(server: ApiServer, echo: TcpEcho, way: Way) -> AsyncIterator[SpdyClient]:
    server.forwards.half_close_limit_s = None
    await server.apply(pod("web-0", backends={8080: echo.endpoint}))
    async with spdy_client(server, way) as opened:
        yield opened
    await server.forwarding(upgrades=0, connections=0)


async def echoed(client: SpdyClient, stream_id: int, content: bytes = b"hello") -> None:
    """Send and wait for the echo."""
    before = client.received.get(stream_id, b"")
    await client.send(stream_id, content)
    await client.until(lambda: client.received.get(stream_id, b"") == before + content)


async def test_bytes_go_both_ways_and_ends_are_passed_on(
    client: SpdyClient, server: ApiServer, way: Way
) -> None:
    data, error = await client.open(8080)
    await echoed(client, data)
    assert client.events[:2] == [StreamReplied(error, {}), StreamReplied(data, {})]
    assert (server.forwards.open_connections, server.forwards.upgraded[way]) == (1, 1)
    await client.send(data, b" bye", fin=True)
    await client.ended(data, error)
    assert client.received == {data: b"hello bye", error: b""}
    assert client.over == [data, error]


async def test_many_connections_share_an_upgrade(client: SpdyClient, server: ApiServer) -> None:
    pairs = [await client.open(8080) for _ in range(40)]
    for number, (data, _) in enumerate(pairs):
        await client.send(data, f"{number}".encode(), fin=True)
    await client.ended(*(stream for pair in pairs for stream in pair))
    assert [client.received[data] for data, _ in pairs] == [f"{each}".encode() for each in range(40)]
    assert server.forwards.connected == 40


async def test_megabytes_without_a_window_update(client: SpdyClient) -> None:
    data, error = await client.open(8080)
    content = bytes(range(256)) * 20_000
    sending = asyncio.create_task(client.send(data, content, fin=True))
    await client.ended(data, error)
    await sending
    assert client.received[data] == content
    assert not any(isinstance(event, WindowUpdate) for event in client.events)


async def test_a_pod_that_does_not_read_holds_up_its_upgrade_and_loses_nothing(
    client: SpdyClient, echo: TcpEcho
) -> None:
    data, error = await client.open(8080)
    await echoed(client, data, b"")
    echo.stall()
    content = bytes(range(256)) * 80_000
    sending = asyncio.create_task(client.send(data, content, fin=True))
    await asyncio.wait({sending}, timeout=0.2)
    assert not sending.done()
    echo.resume()
    await client.ended(data, error)
    await sending
    assert client.received[data] == content


async def test_a_runtime_cuts_what_is_half_closed_and_tells_nobody_of_the_end(
    server: ApiServer, way: Way
) -> None:
    """The pod would go on for ever, as it does not hear of the client's end."""
    server.forwards.half_close_limit_s = 0.05
    pod_ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"still here")
        while await reader.read(100):
            pass
        pod_ended.set()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as backend:
        host, number = backend.sockets[0].getsockname()
        await server.apply(pod("web-0", backends={8080: f"{host}:{number}"}))
        async with spdy_client(server, way) as client:
            data, error = await client.open(8080)
            await client.until(lambda: client.received.get(data) == b"still here")
            assert not pod_ended.is_set()
            await client.send(data, fin=True)
            await client.ended(data, error)
            assert client.received == {data: b"still here", error: b""}
            await pod_ended.wait()


async def test_a_reset_by_the_client_closes_the_connection_to_the_pod(
    client: SpdyClient, server: ApiServer, echo: TcpEcho
) -> None:
    data, _ = await client.open(8080)
    other, _ = await client.open(8080)
    await echoed(client, data)
    client.session.reset(data)
    await client.flush()
    await server.forwarding(connections=1)
    await echoed(client, other)


async def test_the_replies_come_before_the_dial_and_the_text_after_the_end(
    client: SpdyClient, echo: TcpEcho
) -> None:
    """As containerd and a kubelet order it: the data stream ends, then the reason follows."""
    echo.refuse()
    data, error = await client.open(8080)
    await client.ended(data, error)
    assert client.events[:2] == [StreamReplied(error, {}), StreamReplied(data, {})]
    assert client.over == [data, error]
    text = client.received[error].decode()
    assert text.startswith("error forwarding port 8080 to pod ")
    assert ', uid : failed to execute portforward in network namespace "/var/run/netns/cni-' in text
    assert "failed to connect to localhost:8080 inside namespace" in text
    assert f"IPv4: dial tcp4 127.0.0.1:8080: {REFUSED} IPv6 dial tcp6 [::1]:8080: {REFUSED}" in text


async def test_a_port_without_a_backend_is_refused_and_its_neighbour_goes_on(client: SpdyClient) -> None:
    good, _ = await client.open(8080)
    data, error = await client.open(9999)
    await client.ended(data, error)
    assert REFUSED in client.received[error].decode()
    await echoed(client, good)


async def test_a_reset_by_the_pod_is_told_on_the_error_stream(client: SpdyClient, echo: TcpEcho) -> None:
    data, error = await client.open(8080)
    await echoed(client, data)
    echo.reset_connections()
    await client.ended(data, error)
    assert client.received[error].endswith(b"->127.0.0.1:8080: read: connection reset by peer")


async def test_streams_that_are_no_part_of_a_forward_are_reset(client: SpdyClient) -> None:
    wrong = [
        client.session.open_stream(headers)
        for headers in (
            {},
            {"streamtype": "other", "port": "8080"},
            {"streamtype": "data"},
            {"streamtype": "data", "port": "0"},
            {"streamtype": "data", "port": "x"},
            {"streamtype": "data", "port": "70000"},
        )
    ]
    await client.flush()
    await client.ended(*wrong)
    assert client.events == [StreamReset(stream_id, ResetStatus.CANCEL) for stream_id in wrong]


async def test_streams_without_a_request_belong_together_by_their_numbers(client: SpdyClient) -> None:
    error = client.session.open_stream({"streamtype": "error", "port": "8080"}, fin=True)
    data = client.session.open_stream({"streamtype": "data", "port": "8080"})
    await echoed(client, data)
    await client.send(data, fin=True)
    await client.ended(data, error)


async def test_nonsense_from_the_client_ends_the_upgrade(server: ApiServer, client: SpdyClient) -> None:
    await client.open(8080)
    await server.forwarding(connections=1)
    await client._write(b"GET / HTTP/1.1\r\n\r\n")
    await client.until(lambda: any(isinstance(event, GoAwayReceived) for event in client.events))
    await server.forwarding(upgrades=0, connections=0)


# Scripted trouble.


async def test_a_text_of_ones_own_in_every_third_connection(client: SpdyClient, server: ApiServer) -> None:
    server.fail_forwards("the sandbox is not running", None, every=3)
    pairs = [await client.open(8080) for _ in range(6)]
    for _, error in pairs[2], pairs[5]:
        await client.ended(error)
        assert client.received[error].endswith(b", uid : the sandbox is not running")
    for data, _ in pairs[:2] + pairs[3:5]:
        await echoed(client, data)
    server.clear_forward_trouble()
    for _ in range(3):
        await echoed(client, (await client.open(8080))[0])


@pytest.mark.parametrize("closes", [True, False])
async def test_errors_as_newer_kubelets_write_them(
    client: SpdyClient, server: ApiServer, closes: bool
) -> None:
    server.fail_forwards("gone", as_json=True, close_connection=closes, resets=True)
    data, error = await client.open(8080)
    await client.ended(data, error)
    told = orjson.loads(client.received[error])
    assert told["message"].endswith("gone")
    assert told.get("closeConnection", False) is closes
    assert client.events[-1] == StreamReset(error, ResetStatus.CANCEL)


async def test_a_connection_fails_in_its_middle(client: SpdyClient, server: ApiServer) -> None:
    server.forwards.half_close_limit_s = 0.01
    server.fail_forwards("broken", after_bytes=5)
    data, error = await client.open(8080)
    await client.send(data, b"hello")
    await client.ended(data, error)
    assert client.received[data] == b"hello"
    assert client.received[error].endswith(b"broken")


async def test_another_version(client: SpdyClient, server: ApiServer) -> None:
    server.speak_another_version()
    async with spdy_client(server, Way.SPDY) as other:
        await other.open(8080)
        with pytest.raises(AssertionError, match="version 2 of SPDY"):
            await other.until(lambda: False)
    await echoed(client, (await client.open(8080))[0])


async def test_goaway_and_open_streams_go_on(client: SpdyClient, server: ApiServer) -> None:
    data, _ = await client.open(8080)
    await echoed(client, data)
    server.go_away()
    await client.until(lambda: not client.session.accepts_streams)
    await echoed(client, data)


@pytest.mark.parametrize("resets", [False, True])
async def test_streams_are_ended_by_the_server(client: SpdyClient, server: ApiServer, resets: bool) -> None:
    data, _ = await client.open(8080)
    await echoed(client, data)
    server.end_forwards(resets=resets)
    await client.ended(data)
    assert isinstance(client.events[-1], StreamReset) is resets


@pytest.mark.parametrize("how", ["break_forwards", "cut_forwards", "drop_connections"])
async def test_an_upgrade_is_broken(client: SpdyClient, server: ApiServer, how: str) -> None:
    data, _ = await client.open(8080)
    await echoed(client, data)
    getattr(server, how)()
    with pytest.raises((AssertionError, OSError)):
        await client.send(data, b"x")
        await client.until(lambda: False)
    assert client.received[data] == b"hello"
    await server.forwarding(upgrades=0, connections=0)


async def test_the_server_stops_with_upgrades_open(echo: TcpEcho, way: Way) -> None:
    server = ApiServer()
    await server.start()
    await server.apply(pod("web-0", backends={8080: echo.endpoint}))
    async with spdy_client(server, way) as client:
        data, _ = await client.open(8080)
        await echoed(client, data)
        await server.stop()
        assert (server.forwards.open_upgrades, server.forwards.open_connections) == (0, 0)
        with pytest.raises(AssertionError):
            await client.until(lambda: False)
