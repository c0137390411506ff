"""Datagrams through real sockets: whole, in order, from the right address to the right client."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from tests.dataplane.harness import harness
from tests.dataplane.udp_peers import DNS, UdpPeer, peers, port_of, udp_route
from tests.ipv6 import IPV6_LOOPBACK
from userproxy.model.names import ServicePortName
from userproxy.model.routes import RouteChanges

pytestmark = pytest.mark.usefixtures("batching")

hosts = pytest.mark.parametrize("host", ["127.0.0.1", IPV6_LOOPBACK])


@pytest.mark.spec("C5", "B1")
@hosts
async def test_C5_answers_come_from_where_the_client_sent(host: str) -> None:
    async with harness() as h:
        with UdpPeer(host) as endpoint:
            h.serve(udp_route(endpoint, host=host))
            with UdpPeer(host) as client:
                client.answer(b"question", h.address)
                data, seen = await endpoint.receive_from()
                assert data == b"question"
                endpoint.answer(b"answer", seen)
                data, sender = await client.receive_from()
                assert (data, sender[:2]) == (b"answer", h.address)


@pytest.mark.spec("C5")
@hosts
@pytest.mark.parametrize("size", [0, 1, 1472, 1473, 8192, 65_507])
async def test_C5_datagrams_of_every_size_pass_whole(host: str, size: int) -> None:
    async with harness() as h:
        with UdpPeer(host) as endpoint:
            h.serve(udp_route(endpoint, host=host))
            with UdpPeer.to(h.address) as client:
                question, answer = random.Random(size).randbytes(size), random.Random(-size).randbytes(size)
                client.send(question)
                data, seen = await endpoint.receive_from()
                assert data == question
                endpoint.answer(answer, seen)
                assert await client.receive() == answer
                assert port_of(h).endpoints[0].bytes_to_endpoint == size
                assert port_of(h).endpoints[0].bytes_to_client == size


@pytest.mark.spec("C5")
async def test_C5_order_within_a_flow_is_kept_both_ways() -> None:
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                numbered = [str(number).encode() for number in range(500)]
                client.send(*numbered)
                received = [await endpoint.receive_from() for _ in numbered]
                assert [data for data, _ in received] == numbered
                assert len({seen for _, seen in received}) == 1, "one flow"
                for datagram in numbered:
                    endpoint.answer(datagram, received[0][1])
                assert [await client.receive() for _ in numbered] == numbered


@pytest.mark.spec("C3", "C5")
async def test_C3_every_client_gets_its_own_answers() -> None:
    """Thirty clients and random datagrams, echoed by three endpoints."""
    chance = random.Random(4)
    async with harness() as h:
        with peers(3) as endpoints:
            h.serve(udp_route(*endpoints))

            async def echo(endpoint: UdpPeer) -> None:
                while True:
                    data, seen = await endpoint.receive_from()
                    endpoint.answer(data, seen)

            async def talk(turns: int) -> None:
                with UdpPeer.to(h.address) as client:
                    for _ in range(turns):
                        datagrams = [
                            chance.randbytes(chance.randrange(3000)) for _ in range(chance.randrange(1, 5))
                        ]
                        client.send(*datagrams)
                        assert [await client.receive() for _ in datagrams] == datagrams

            echoes = [asyncio.create_task(echo(endpoint)) for endpoint in endpoints]
            await asyncio.gather(*(talk(20) for _ in range(30)))
            for task in echoes:
                task.cancel()
            await asyncio.gather(*echoes, return_exceptions=True)
            shares = [seen.connections for seen in port_of(h).endpoints]
            assert shares == [10, 10, 10]


@pytest.mark.spec("C3", "B1")
async def test_C3_B1_a_flow_stays_with_its_endpoint() -> None:
    async with harness() as h:
        with peers(2) as endpoints:
            h.serve(udp_route(*endpoints))
            with UdpPeer.to(h.address) as client, UdpPeer.to(h.address) as other:
                client.send(b"client", b"client")
                other.send(b"other", b"other")
                got = [{await endpoint.receive() for _ in range(2)} for endpoint in endpoints]
                assert got in ([{b"client"}, {b"other"}], [{b"other"}, {b"client"}])
                assert (port_of(h).open, port_of(h).accepted) == (2, 2)


@pytest.mark.spec("C8")
async def test_C8_a_client_may_be_the_chosen_endpoint() -> None:
    async with harness() as h:
        with UdpPeer() as both:
            h.serve(udp_route(both))
            both.answer(b"to myself", h.address)
            data, seen = await both.receive_from()
            assert data == b"to myself"
            assert seen[:2] != h.address
            both.answer(b"back to myself", seen)
            data, sender = await both.receive_from()
            assert (data, sender) == (b"back to myself", h.address)


@pytest.mark.spec("B7")
async def test_B7_two_service_ports_share_no_flow() -> None:
    """One client socket, two services, one endpoint: each answer by the service that was asked."""
    async with harness() as h:
        with UdpPeer() as endpoint, UdpPeer() as client:
            h.serve(udp_route(endpoint))
            first = h.address
            other = ServicePortName("default", "other", "dns", DNS.protocol)
            h.plane.apply(RouteChanges(2, changed=(replace(udp_route(endpoint), name=other),)))
            second = h.plane.address(other.service, "", None)
            seen = {}
            for address in (first, second):
                client.answer(b"who?", address)
                seen[address] = (await endpoint.receive_from())[1]
            assert seen[first] != seen[second]
            for address in (second, first):
                endpoint.answer(b"me", seen[address])
                assert await client.receive_from() == (b"me", address)
