"""What is open is told one by one: who talks to whom, through what, how much, and in which state."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.dataplane.harness import Harness, Peer, endpoint_of, harness, listening, pair, route
from tests.dataplane.test_connection import HOLD, NOBODY
from tests.dataplane.test_pod_connection import ONE, Script, pods, there
from tests.dataplane.udp_peers import UdpPeer, clients, exchange, peers, udp_route, until
from userproxy.dataplane import plane
from userproxy.dataplane.counters import EndpointCounters
from userproxy.dataplane.traffic import TrafficSnapshot
from userproxy.model.names import Protocol, ServicePortName
from userproxy.model.routes import Endpoint


async def told(h: Harness) -> list[TrafficSnapshot]:
    return list(await h.plane.traffic({h.current.key}))


def name_of(peer: Peer) -> str:
    host, port = peer.sock.getsockname()[:2]
    return Endpoint.of(host, port).name


async def test_a_connection_its_bytes_and_its_end() -> None:
    async with pair() as (client, endpoint, h):
        await client.send(b"question")
        await endpoint.receive_exactly(8)
        await endpoint.send(b"answer")
        await client.receive_exactly(6)
        (one,) = await told(h)
        assert (one.key, one.client, one.pod) == (h.current.key, name_of(client), "")
        assert one.endpoint == endpoint_of(endpoint.sock).name
        assert (one.bytes_to_endpoint, one.bytes_to_client, one.state) == (8, 6, "transferring")
        client.fin()
        assert await endpoint.receive() == b""
        assert [one.state for one in await told(h)] == ["half-closed"]
        endpoint.fin()
        await h.ends.next()
        assert await told(h) == []


async def test_it_ages_and_other_service_ports_are_not_told_of() -> None:
    async with pair() as (_client, _endpoint, h):
        (one,) = await told(h)
        (later,) = await told(h)
        assert later.age_s >= one.age_s >= 0
        assert await h.plane.traffic(()) == ()


async def test_the_loop_has_its_turns_also_where_many_service_ports_have_little_open_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plane, "TRAFFIC_PER_STEP", 2)
    async with harness() as h, AsyncExitStack() as stack:
        keys = []
        for service in ("a", "b", "c", "d"):
            name = ServicePortName("default", service, "", Protocol.TCP)
            h.serve(route(name=name, options=HOLD))
            keys.append(h.current.key)
            stack.enter_context(await Peer.connect(h.plane.address(name.service, "", None)))
        await until(lambda: all(port.held for port in h.plane.snapshot()))
        telling = asyncio.create_task(h.plane.traffic(frozenset(keys)))
        await asyncio.sleep(0)
        assert not telling.done()
        assert [one.key for one in await telling] == keys


async def test_a_connection_that_waits_has_no_endpoint() -> None:
    async with harness() as h:
        h.serve(route(options=HOLD))
        with await Peer.connect(h.address) as client:
            await until(lambda: h.plane.snapshot()[0].held == 1)
            (one,) = await told(h)
            assert (one.client, one.endpoint, one.state) == (name_of(client), "", "holding")


async def test_a_connection_through_a_pod_says_which() -> None:
    script = Script(there)
    async with pods(script, ONE) as h:
        with await Peer.connect(h.address):
            await script.dialled(1)
            (one,) = await told(h)
            assert (one.endpoint, one.pod, one.state) == (ONE.name, "web-1", "dialling")
            script.ways[0].caller.reached()
            assert [one.state for one in await told(h)] == ["transferring"]


async def test_the_states_of_a_flow() -> None:
    with peers(1) as (endpoint,):
        async with harness() as h:
            h.serve(udp_route(endpoint))
            with clients(1, h.address) as (client,):
                client.send(b"ping")
                _, seen = await endpoint.receive_from()
                assert await flow_of(client, h) == (endpoint.endpoint.name, 4, 0, "unreplied")
                endpoint.answer(b"re", seen)
                assert await client.receive() == b"re"
                assert await flow_of(client, h) == (endpoint.endpoint.name, 4, 2, "replied")
                with peers(1) as (other,):
                    h.serve(udp_route(other))
                    await exchange(client, other)
                    states = {one.endpoint: one.state for one in await told(h)}
                    assert states[other.endpoint.name] == "replied"
                    assert states.get(endpoint.endpoint.name, "moved") == "moved"


async def flow_of(client: UdpPeer, h: Harness) -> tuple[str, int, int, str]:
    (one,) = await told(h)
    host, port = client.sock.getsockname()[:2]
    assert one.client == f"{host}:{port}"
    return one.endpoint, one.bytes_to_endpoint, one.bytes_to_client, one.state


async def test_dials_are_timed_when_they_end_well() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(NOBODY, endpoint_of(listener)))
            with await Peer.connect(h.address), await Peer.connect(h.address):
                await h.connected(2)
                told = {one.endpoint: one for one in h.plane.snapshot()[0].endpoints}
                good, bad = told[endpoint_of(listener).name], told[NOBODY.name]
                assert (good.dials, bad.dials, bad.dial_s) == (2, 0, 0.0)
                assert 0 < good.dial_s < 60


@pytest.mark.parametrize(("took_s", "smoothed_s"), [([0.5], 0.5), ([0.8, 1.6], 0.9), ([0.8, 1.6, 0.1], 0.8)])
def test_the_time_of_dials_is_smoothed(took_s: list[float], smoothed_s: float) -> None:
    counters = EndpointCounters()
    for duration_s in took_s:
        counters.dialled(duration_s)
    assert counters.dial_s == pytest.approx(smoothed_s)
    assert counters.dials == len(took_s)


async def test_a_way_to_a_pod_is_timed_too() -> None:
    script = Script(there)
    async with pods(script, ONE) as h:
        with await Peer.connect(h.address):
            await script.dialled(1)
            (endpoint,) = h.plane.snapshot()[0].endpoints
            assert endpoint.dials == 1
            assert endpoint.dial_s > 0
