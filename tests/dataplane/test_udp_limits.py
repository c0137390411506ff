"""Bounds: flows in number and in time, descriptors, turns; and nothing left behind."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest

from tests.dataplane.harness import harness, open_descriptors
from tests.dataplane.udp_peers import DNS, UdpPeer, clients, exchange, port_of, udp_route, until
from userproxy.dataplane import udp_intake
from userproxy.model.names import ServicePortName
from userproxy.model.routes import RouteChanges
from userproxy.model.service import PortOptions
from userproxy.settings import Settings, UdpSettings

pytestmark = pytest.mark.usefixtures("batching")


def limits(
    *, all_: int = 8192, each: int = 4096, unreplied_s: float = 30.0, stream_s: float = 120.0
) -> Settings:
    return Settings(
        udp=UdpSettings(
            unreplied_timeout_s=unreplied_s,
            stream_timeout_s=stream_s,
            max_flows=all_,
            max_flows_per_service=each,
        )
    )


@pytest.mark.spec("C4")
async def test_C4_IT_an_unreplied_flow_ends_sooner_than_a_replied_one() -> None:
    async with harness(limits(unreplied_s=0.05, stream_s=3600)) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as replied, UdpPeer.to(h.address) as unreplied:
                seen = await exchange(replied, endpoint)
                unreplied.send(b"hello?")
                await endpoint.receive()
                end = await h.ends.next()
                assert (end["state"], end["bytes_to_endpoint"], end["bytes_to_client"]) == ("IT", 6, 0)
                assert await exchange(replied, endpoint) == seen


async def test_bytes_count_on_when_their_flow_has_ended() -> None:
    async with harness(limits(unreplied_s=0.05, stream_s=0.05)) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                await exchange(client, endpoint, b"four")
                assert await h.ends.state() == "IT"
                (seen,) = port_of(h).endpoints
                assert (seen.open, seen.connections) == (0, 1)
                assert (seen.bytes_to_endpoint, seen.bytes_to_client) == (4, 7)


@pytest.mark.spec("C4")
@pytest.mark.parametrize("replied", [False, True])
async def test_C4_IT_the_idle_timeout_annotation_wins(replied: bool) -> None:
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint, options=PortOptions(idle_timeout_s=0.05)))
            with UdpPeer.to(h.address) as client:
                if replied:
                    await exchange(client, endpoint)
                else:
                    client.send(b"hello?")
                assert await h.ends.state() == "IT"


@pytest.mark.spec("C4")
async def test_C4_many_flows_expire_in_turns() -> None:
    async with harness(limits(unreplied_s=0.2)) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with clients(600, h.address) as quiet:
                for client in quiet:
                    client.send(b"x")
                    await endpoint.receive()
                assert {await h.ends.state() for _ in range(600)} == {"IT"}
                assert port_of(h).open == 0


@pytest.mark.parametrize(("share", "flows"), [(0.5, 4), (0.75, 6)])
async def test_LT_flows_take_their_share_of_the_descriptors_at_most(share: float, flows: int) -> None:
    """With a limit of 1 the data plane may open the least that there is, which is 8."""
    settings = Settings(udp=UdpSettings(max_descriptor_share=share))
    async with harness(settings, descriptor_limit=1) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with clients(flows + 1, h.address) as crowd:
                for client in crowd:
                    await exchange(client, endpoint)
                assert port_of(h).open == flows
                assert h.ended() == {"LT": 1}


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        pytest.param(limits(all_=3), None, id="of the process"),
        pytest.param(limits(each=3), None, id="of a service port"),
        pytest.param(limits(), PortOptions(max_connections=3), id="by annotation"),
    ],
)
async def test_LT_over_a_limit_the_oldest_idle_flow_goes(
    settings: Settings, options: PortOptions | None
) -> None:
    async with harness(settings) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint, options=options))
            with clients(4, h.address) as (first, second, third, fourth):
                for client in (first, second, third):
                    await exchange(client, endpoint)
                first.send(b"a datagram renews, also without an answer")
                await endpoint.receive()
                await exchange(fourth, endpoint)
                end = await h.ends.next()
                assert (end["state"], end["client"]) == ("LT", second.endpoint.name)
                await exchange(second, endpoint)
                end = await h.ends.next()
                assert (end["state"], end["client"]) == ("LT", third.endpoint.name)
                assert (port_of(h).open, h.ended()) == (3, {"LT": 2})


async def test_LT_a_busy_service_port_cannot_push_out_the_flows_of_another() -> None:
    async with harness(limits(all_=100, each=3)) as h:
        with UdpPeer() as endpoint:
            other = ServicePortName("default", "other", "dns", DNS.protocol)
            h.plane.apply(RouteChanges(1, changed=(replace(udp_route(endpoint), name=other),)))
            with UdpPeer.to(h.plane.address(other.service, "", None)) as quiet:
                seen = await exchange(quiet, endpoint)
                h.serve(udp_route(endpoint))
                with clients(20, h.address) as busy:
                    for client in busy:
                        await exchange(client, endpoint)
                assert h.ended() == {"LT": 17}
                assert await exchange(quiet, endpoint) == seen


async def test_LT_an_answer_that_has_come_already_is_handed_over_first() -> None:
    async with harness(limits(all_=1)) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client, UdpPeer.to(h.address) as newcomer:
                client.send(b"question")
                _, seen = await endpoint.receive_from()
                newcomer.send(b"pushes out")
                endpoint.answer(b"just in time", seen)
                assert await client.receive() == b"just in time"
                assert await endpoint.receive() == b"pushes out"
                assert await h.ends.state() == "LT"


async def test_LT_answers_behind_an_icmp_error_are_handed_over_too() -> None:
    async with harness(limits(all_=1)) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client, UdpPeer.to(h.address) as newcomer:
                seen = await exchange(client, endpoint)
                client.send(b"brings the error")  # the listener is the first to be told
                endpoint.answer(b"last words", seen)
                endpoint.close()
                newcomer.send(b"pushes out")
                assert await client.receive() == b"last words"
                assert await h.ends.state() == "LT"


async def test_LT_flows_stay_within_the_descriptor_budget() -> None:
    """Flows may take half of a budget of eight descriptors: TCP connections want theirs meanwhile."""
    async with harness(descriptor_limit=1) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with clients(12, h.address) as many:
                for client in many:
                    await exchange(client, endpoint)
            assert port_of(h).open == 4
            assert h.ended() == {"LT": 8}


async def test_without_any_descriptor_datagrams_are_dropped_and_counted() -> None:
    async with harness(descriptor_limit=1) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            budget = h.plane._runtime.descriptors
            assert budget.take(budget.available)
            with UdpPeer.to(h.address) as client:
                client.send(b"lost")
                await until(lambda: dict(port_of(h).dropped) == {"no descriptor": 1})
                budget.give(8)
                await exchange(client, endpoint)


@pytest.mark.parametrize("direction", ["to the endpoint", "to the client"])
async def test_a_flood_leaves_others_their_turns(direction: str) -> None:
    """1,000 datagrams wait in one socket: no turn of the loop forwards more than two turns' worth."""
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                seen = await exchange(client, endpoint)
                if direction == "to the endpoint":
                    client.send(*[b"x"] * 1000)
                else:
                    for _ in range(1000):
                        endpoint.answer(b"x", seen)
                (flow,) = h.plane._ports[h.current.key].intakes()[0].open_traffic()
                totals = [flow.bytes_to_endpoint + flow.bytes_to_client]
                expected = totals[0] + 1000
                while totals[-1] < expected:
                    await asyncio.sleep(0)
                    totals.append(flow.bytes_to_endpoint + flow.bytes_to_client)
                steps = [after - before for before, after in itertools.pairwise(totals)]
                assert max(steps) <= 2 * udp_intake.DATAGRAMS_PER_TURN
                assert sum(steps) == 1000


async def test_20_000_flows_leave_nothing_behind() -> None:
    """Each datagram is of a client of its own; never more than 256 flows are open."""
    async with harness(limits(all_=256)) as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            address = h.address
            before = open_descriptors()
            for _ in range(400):
                for _ in range(50):
                    with UdpPeer.to(address) as client:
                        client.send(b"x")
                for _ in range(50):
                    await endpoint.receive()
                assert open_descriptors() <= before + 256
            port = port_of(h)
            assert port.open == 256
            assert port.accepted == 256 + h.ended()["LT"] > 19_000
            assert port.dropped == ()
            h.remove()
            await until(lambda: not h.plane.snapshot())
            runtime = h.plane._runtime
            assert (runtime.flows, runtime.descriptors.used, open_descriptors()) == (0, 0, before - 1)
            assert not any(runtime.engine.handlers)
