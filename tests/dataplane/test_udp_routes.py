"""What a new route does to flows and to the socket: stay, move, refuse, open again, stop."""

from __future__ import annotations

import asyncio
import contextlib
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
from userproxy.dataplane.closing import Who
from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.udp_flow import UdpFlow
from userproxy.errors import NotListening
from userproxy.settings import Settings, UdpSettings

pytestmark = pytest.mark.usefixtures("batching")

hosts = pytest.mark.parametrize("host", ["127.0.0.1", IPV6_LOOPBACK])
SHORT = Settings(udp=UdpSettings(unreplied_timeout_s=0.2, stream_timeout_s=0.2))


def serve_sets(h: Harness, *, usable: list[UdpPeer], serving: list[UdpPeer]) -> None:
    """A route whose sets differ: terminating or remote endpoints are serving, and not used for new flows."""
    h.serve(
        replace(
            h.current,
            cluster=tuple(sorted(peer.endpoint for peer in usable)),
            serving=tuple(sorted(peer.endpoint for peer in serving)),
        )
    )


@pytest.mark.spec("C3")
async def test_C3_a_flow_keeps_an_endpoint_that_is_serving_though_new_flows_go_elsewhere() -> None:
    async with harness() as h:
        with peers(2) as (leaving, other):
            h.serve(udp_route(leaving))
            with UdpPeer.to(h.address) as client, UdpPeer.to(h.address) as newcomer:
                seen = await exchange(client, leaving)
                serve_sets(h, usable=[other], serving=[leaving, other])
                assert await exchange(client, leaving) == seen
                await exchange(newcomer, other)
                assert port_of(h).ends == ()


@pytest.mark.spec("C3")
async def test_C3_nor_does_a_flow_leave_an_endpoint_that_new_flows_get() -> None:
    """Ready and not serving, which no controller writes: it must not move at every datagram."""
    async with harness() as h:
        with peers(2) as (endpoint, other):
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                seen = await exchange(client, endpoint)
                serve_sets(h, usable=[endpoint, other], serving=[])
                assert await exchange(client, endpoint) == seen


@pytest.mark.spec("C3")
async def test_C3_a_flow_moves_at_the_next_datagram_when_its_endpoint_stops_serving() -> None:
    """Same address, another port: an endpoint is IP and port."""
    async with harness() as h:
        with peers(2) as (old, new):
            h.serve(udp_route(old))
            with UdpPeer.to(h.address) as client:
                seen = await exchange(client, old)
                h.swap(new.endpoint)
                assert port_of(h).open == 1, "not before the next datagram"
                client.send(b"moves")
                data, seen_by_new = await new.receive_from()
                assert data == b"moves"
                old.answer(b"late answer", seen)
                new.answer(b"new answer", seen_by_new)
                assert {await client.receive(), await client.receive()} == {b"late answer", b"new answer"}
                await exchange(client, new)


@pytest.mark.spec("C3", "C4")
async def test_C3_the_flow_that_was_left_behind_ends_well() -> None:
    async with harness(SHORT) as h:
        with peers(2) as (old, new):
            h.serve(udp_route(old))
            with UdpPeer.to(h.address) as client:
                await exchange(client, old)
                h.swap(new.endpoint)
                client.send(b"moves")
                await new.receive()
                ends = [await h.ends.next() for _ in range(2)]
                assert {(end["endpoint"], end["state"]) for end in ends} == {
                    (old.endpoint.name, "--"),
                    (new.endpoint.name, "IT"),
                }


@pytest.mark.spec("C3", "C4")
async def test_C3_C4_an_old_endpoint_that_never_stops_sending_is_left_all_the_same() -> None:
    async with harness(Settings(udp=UdpSettings(unreplied_timeout_s=0.1, stream_timeout_s=3600))) as h:
        with peers(2) as (old, new):
            h.serve(udp_route(old))
            with UdpPeer.to(h.address) as client:
                seen = await exchange(client, old)
                h.swap(new.endpoint)
                await exchange(client, new)
                end = asyncio.create_task(h.ends.state())
                while not end.done():
                    old.answer(b"and on", seen)
                    await asyncio.sleep(0)
                assert await end == "--"
                assert await client.receive() == b"and on"


@pytest.mark.spec("C3")
async def test_C3_a_flow_whose_endpoint_comes_back_before_the_next_datagram_stays() -> None:
    async with harness() as h:
        with peers(2) as (endpoint, other):
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                seen = await exchange(client, endpoint)
                h.swap(other.endpoint)
                h.swap(endpoint.endpoint, other.endpoint)
                assert await exchange(client, endpoint) == seen


# No endpoint (T8), and flows that still have one (C3).


@pytest.mark.spec("T8", "L5")
@hosts
async def test_T8_L5_without_endpoints_clients_get_port_unreachable(host: str) -> None:
    async with harness() as h:
        with UdpPeer(host) as endpoint:
            h.serve(udp_route(endpoint, host=host))
            address = h.address
            h.swap()
            with UdpPeer.to(address) as client:
                assert await refused(client)
                assert port_of(h).state is ListenerState.REFUSING
                with pytest.raises(NotListening):
                    _ = h.address
                h.swap(endpoint.endpoint)
                assert h.address == address
                await exchange(client, endpoint)
                assert port_of(h).state is ListenerState.LISTENING


@pytest.mark.spec("T8", "L5")
async def test_T8_L5_a_service_port_that_never_had_endpoints_refuses() -> None:
    async with harness() as h:
        with UdpPeer() as later:
            h.serve(udp_route())
            port = port_of(h)
            assert (port.state, port.listen_port) != (ListenerState.REFUSING, 0)
            assert port.listen_port is not None
            with UdpPeer.to((port.listen_host, port.listen_port)) as client:
                assert await refused(client)
                h.swap(later.endpoint)
                await exchange(client, later)


@pytest.mark.spec("T8", "C3")
@hosts
async def test_T8_C3_answers_under_way_are_delivered_while_clients_are_refused(host: str) -> None:
    async with harness() as h:
        with UdpPeer(host) as endpoint:
            h.serve(udp_route(endpoint, host=host))
            with UdpPeer.to(h.address) as client:
                address = h.address
                client.send(b"question")
                _, seen = await endpoint.receive_from()
                h.swap()
                assert await refused(client)
                for number in range(3):
                    endpoint.answer(f"answer {number}".encode(), seen)
                    data, sender = await client.receive_from()
                    assert (data, sender[:2]) == (f"answer {number}".encode(), address)
                    assert await refused(client)
                assert endpoint.nothing_came()


@pytest.mark.spec("C3", "C4", "T8")
async def test_C3_C4_T8_such_a_flow_ends_at_its_idle_limit() -> None:
    async with harness(SHORT) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                await exchange(client, endpoint)
                h.swap()
                assert await h.ends.state() == "IT"
                assert await refused(client)


@pytest.mark.spec("C3", "T8")
async def test_C3_T8_the_socket_stays_open_for_a_flow_that_has_a_serving_endpoint() -> None:
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client, UdpPeer.to(h.address) as stranger:
                seen = await exchange(client, endpoint)
                serve_sets(h, usable=[], serving=[endpoint])
                assert await exchange(client, endpoint) == seen
                stranger.send(b"nobody is told")
                await until(lambda: dropped(h, "no endpoint") == 1)
                assert await exchange(client, endpoint) == seen
                assert stranger.nothing_came()
                assert port_of(h).state is ListenerState.REFUSING

                serve_sets(h, usable=[], serving=[])
                assert await refused(stranger), "its endpoint does not serve any more"
                serve_sets(h, usable=[], serving=[endpoint])
                assert await exchange(client, endpoint) == seen


@pytest.mark.spec("C3", "C6", "T8")
async def test_C3_C6_T8_when_the_last_such_flow_ends_the_socket_refuses() -> None:
    async with harness() as h:
        with peers(2) as (first, second):
            h.serve(udp_route(first, second))
            with UdpPeer.to(h.address) as one, UdpPeer.to(h.address) as two:
                one.send(b"hello")
                two.send(b"hello")
                await first.receive()
                await second.receive()
                serve_sets(h, usable=[], serving=[first, second])
                first.close()
                for client in (one, two):
                    client.send(b"still there?")
                await second.receive()
                assert await h.ends.state() == "ET"
                with UdpPeer.to((h.current.listen_host, port_of(h).listen_port or 0)) as stranger:
                    stranger.send(b"nobody is told")
                    await until(lambda: dropped(h, "no endpoint") >= 1)
                    second.close()
                    for client in (one, two):
                        client.send(b"and now?")
                    assert await h.ends.state() == "ET"
                    assert await refused(stranger)


@pytest.mark.spec("C3", "C4", "T8")
async def test_C3_C4_T8_nor_does_it_stay_open_for_a_flow_that_idles() -> None:
    async with harness(SHORT) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                await exchange(client, endpoint)
                serve_sets(h, usable=[], serving=[endpoint])
                assert await h.ends.state() == "IT"
                assert await refused(client)


# Closing.


@pytest.mark.spec("L6", "C3")
@hosts
async def test_L6_C3_a_service_that_goes_serves_its_queue_and_ends_its_flows(host: str) -> None:
    async with harness() as h:
        with UdpPeer(host) as endpoint:
            h.serve(udp_route(endpoint, host=host))
            address = h.address
            with UdpPeer.to(address) as client, UdpPeer.to(address) as newcomer:
                seen = await exchange(client, endpoint)
                endpoint.answer(b"answered in time", seen)
                client.send(b"queued 1")
                newcomer.send(b"queued 2")
                h.remove()
                assert {await endpoint.receive(), await endpoint.receive()} == {b"queued 1", b"queued 2"}
                assert await client.receive() == b"answered in time"
                assert [await h.ends.state() for _ in range(2)] == ["TT", "TT"]
                assert await refused(client)
                with UdpPeer(host, address[1]):
                    pass  # the address is free


@pytest.mark.spec("L6")
async def test_L6_a_flood_cannot_keep_a_stopping_port_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each datagram that is served brings another one: refusing first is what ends the queue."""
    right = UdpFlow.send
    sent = 0

    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:

                def send_and_bring_another(self: UdpFlow, datagram: memoryview) -> bool:
                    nonlocal sent
                    sent += 1
                    assert sent < 1000
                    with contextlib.suppress(ConnectionRefusedError):
                        client.send(b"another")
                    return right(self, datagram)

                client.send(b"first")
                monkeypatch.setattr(UdpFlow, "send", send_and_bring_another)
                h.remove()
                assert sent == 1
                assert await endpoint.receive() == b"first"


@pytest.mark.spec("S12", "C3")
async def test_S12_C3_a_new_port_opens_and_the_old_one_ends_its_flows() -> None:
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                await exchange(client, endpoint)
                client.send(b"queued")
                with UdpPeer() as free:
                    number = free.address[1]
                h.serve(replace(h.current, listen_port=number, service_port=number))
                assert h.address[1] == number
                assert await endpoint.receive() == b"queued"
                assert await h.ends.state() == "TT"
                assert await refused(client)
                with UdpPeer.to(h.address) as moved:
                    await exchange(moved, endpoint)


@pytest.mark.spec("L6")
async def test_L6_a_stop_waits_for_no_flow_and_thousands_end_in_turns() -> None:
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with clients(600, h.address) as open_clients:
                for client in open_clients:
                    client.send(b"x")
                    await endpoint.receive()
                h.plane.stop()
                assert port_of(h).open == 600, "a stop has enough to do without them"
                await until(lambda: port_of(h).open < 600)
                assert port_of(h).open > 0
                report = await h.plane.drain(30)
                assert report.cut == 0
                assert h.ended() == {"TT": 600}


async def test_KT_a_cut_ends_flows_at_once_with_its_letters() -> None:
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                await exchange(client, endpoint)
                (intake,) = h.plane._ports[h.current.key].intakes()
                assert intake.cut(Who.CLIENT) == 1
                assert await h.ends.state() == "CT"
                assert await refused(client)
