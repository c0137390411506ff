"""Clients that wait for an endpoint (rule L9)."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from tests.dataplane.harness import Harness, harness
from tests.dataplane.udp_peers import (
    UdpPeer,
    clients,
    dropped,
    exchange,
    peers,
    port_of,
    refused,
    udp_route,
    until,
)
from tests.ipv6 import IPV6_LOOPBACK
from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.udp_flow import UdpFlow
from userproxy.log import fields_of
from userproxy.model.service import PortOptions

pytestmark = pytest.mark.usefixtures("batching")

HOLD = PortOptions(hold_s=30.0)


async def held(h: Harness, clients: int) -> None:
    await until(lambda: port_of(h).held == clients)


@pytest.mark.spec("L9")
@pytest.mark.parametrize("host", ["127.0.0.1", IPV6_LOOPBACK])
async def test_L9_datagrams_wait_for_an_endpoint_in_order(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "userproxy.dataplane")
    async with harness() as h:
        with UdpPeer(host) as endpoint:
            h.serve(udp_route(host=host, options=HOLD))
            assert port_of(h).state is ListenerState.HOLDING
            with UdpPeer.to(h.address) as client:
                client.send(b"1", b"", b"3")
                await held(h, 1)
                events = [fields["event"] for record in caplog.records if (fields := fields_of(record))]
                assert events.count("hold_started") == 1
                h.swap(endpoint.endpoint)
                received = [await endpoint.receive_from() for _ in range(3)]
                assert [data for data, _ in received] == [b"1", b"", b"3"]
                endpoint.answer(b"answer", received[0][1])
                assert await client.receive() == b"answer"
                assert (port_of(h).held, port_of(h).open, port_of(h).accepted) == (0, 1, 1)


@pytest.mark.spec("L9", "C4")
async def test_L9_C4_a_flow_idles_from_when_it_was_let_through() -> None:
    """And not from when somebody looks at the ages of flows the next time."""
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(options=HOLD))
            with UdpPeer.to(h.address) as client:
                client.send(b"waits")
                await held(h, 1)
                h.swap(endpoint.endpoint)
                assert await endpoint.receive() == b"waits"
                (flow,) = h.plane._ports[h.current.key].intakes()[0].open_traffic()
                assert isinstance(flow, UdpFlow)
                state = flow.state(now=0.0)
                h.plane._runtime.udp.settle()
                assert flow.state(now=0.0) == state


@pytest.mark.spec("L9", "B1")
async def test_L9_B1_those_that_waited_are_spread() -> None:
    async with harness() as h:
        with peers(3) as endpoints:
            h.serve(udp_route(options=HOLD))
            with clients(300, h.address) as waiting:
                for client in waiting:
                    client.send(b"wait")
                await held(h, 300)
                h.swap(*(endpoint.endpoint for endpoint in endpoints))
                assert 0 < port_of(h).held < 300, "in turns"
                for endpoint in endpoints:
                    assert [await endpoint.receive() for _ in range(100)] == [b"wait"] * 100
                assert port_of(h).held == 0


@pytest.mark.spec("L9")
async def test_L9_datagrams_that_come_while_others_are_let_through_stay_in_order() -> None:
    """300 clients are let through in turns; the last one sends more before its turn."""
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(options=HOLD))
            with clients(300, h.address) as others, UdpPeer.to(h.address) as last:
                for client in others:
                    client.send(b"others")
                await held(h, 300)
                last.send(b"1")
                await held(h, 301)
                h.swap(endpoint.endpoint)
                last.send(b"2", b"3")
                received = [await endpoint.receive() for _ in range(303)]
                assert [data for data in received if data != b"others"] == [b"1", b"2", b"3"]


@pytest.mark.spec("L9")
async def test_NH_L9_a_client_that_waited_too_long_is_dropped() -> None:
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(options=PortOptions(hold_s=0.05)))
            with UdpPeer.to(h.address) as client:
                client.send(b"1", b"2")
                end = await h.ends.next()
                assert (end["state"], end["endpoint"], end["event"]) == ("NH", None, "flow_closed")
                assert dropped(h, "hold ran out") == 2
                assert port_of(h).held == 0
                client.send(b"3")
                await held(h, 1)
                h.swap(endpoint.endpoint)
                assert await endpoint.receive() == b"3"


@pytest.mark.spec("L9")
async def test_L9_what_finds_no_room_is_dropped_and_counted() -> None:
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(options=HOLD))
            with UdpPeer.to(h.address) as client:
                client.send(bytes(65_507))
                await held(h, 1)
                client.send(b"no room")
                await until(lambda: dropped(h, "hold is full") == 1)
                h.swap(endpoint.endpoint)
                assert await endpoint.receive() == bytes(65_507)
                await exchange(client, endpoint)


@pytest.mark.spec("L9", "L6")
async def test_TH_L9_a_stop_ends_the_waiting() -> None:
    async with harness() as h:
        h.serve(udp_route(options=HOLD))
        with UdpPeer.to(h.address) as client:
            client.send(b"1")
            await held(h, 1)
            client.send(b"2")
            h.remove()
            assert await h.ends.state() == "TH"


@pytest.mark.spec("L9", "S12")
async def test_TH_L9_S12_so_does_a_change_of_the_port() -> None:
    """Whoever waited at the old address could never be answered from there."""
    async with harness() as h:
        h.serve(udp_route(options=HOLD))
        with UdpPeer.to(h.address) as client:
            client.send(b"1")
            await held(h, 1)
            h.serve(replace(h.current, service_port=54))
            assert await h.ends.state() == "TH"
            assert port_of(h).held == 0


@pytest.mark.spec("L9", "T8")
async def test_L9_T8_a_hold_that_is_switched_off_ends_the_waiting() -> None:
    async with harness() as h:
        h.serve(udp_route(options=HOLD))
        with UdpPeer.to(h.address) as client:
            client.send(b"1")
            await held(h, 1)
            h.serve(replace(h.current, options=PortOptions()))
            assert await h.ends.state() == "NH"
            assert await refused(client)


@pytest.mark.spec("L9", "C3")
async def test_L9_C3_a_flow_that_lost_its_endpoint_waits_too_and_its_late_answers_come() -> None:
    async with harness() as h:
        with peers(2) as (old, new):
            h.serve(udp_route(old, options=HOLD))
            with UdpPeer.to(h.address) as client, UdpPeer.to(h.address) as lucky:
                seen = await exchange(client, old)
                await exchange(lucky, old)
                h.swap()
                client.send(b"waits")
                await held(h, 1)
                old.answer(b"late", seen)
                assert await client.receive() == b"late"
                h.serve(replace(h.current, serving=(old.endpoint,)))
                await exchange(lucky, old)
                client.send(b"waits behind")
                h.swap(new.endpoint)
                assert [await new.receive() for _ in range(2)] == [b"waits", b"waits behind"]
