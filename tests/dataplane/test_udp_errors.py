"""Endpoints that are gone, full buffers, faults of ours: what is lost is counted, the rest goes on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator

import pytest

from tests.dataplane.harness import Harness, harness
from tests.dataplane.udp_peers import UdpPeer, dropped, exchange, peers, port_of, udp_route, until
from tests.ipv6 import IPV6_LOOPBACK
from userproxy.dataplane.udp_flow import UdpFlow
from userproxy.dataplane.udp_intake import UdpIntake
from userproxy.dataplane.udp_mmsg import MmsgArrivals, mmsg
from userproxy.model.routes import Endpoint
from userproxy.model.service import Balancer, PortOptions

pytestmark = pytest.mark.usefixtures("batching")

BROADCAST = Endpoint.of("255.255.255.255", 9)
"""Connecting to it fails at once, as it does where there is no route."""
hosts = pytest.mark.parametrize("host", ["127.0.0.1", IPV6_LOOPBACK])
balancers = pytest.mark.parametrize(
    ("options", "affinity_s"),
    [
        pytest.param(PortOptions(), None, id="round robin"),
        pytest.param(PortOptions(balancer=Balancer.CONSISTENT_HASH), None, id="consistent hash"),
        pytest.param(PortOptions(balancer=Balancer.LEAST_CONNECTIONS), None, id="least connections"),
        pytest.param(PortOptions(), 100, id="affinity"),
    ],
)


async def whoever_gets(datagram: bytes, endpoints: list[UdpPeer]) -> list[UdpPeer]:
    """The one of ``endpoints`` that got ``datagram``, then the others."""
    tasks = [asyncio.create_task(endpoint.receive()) for endpoint in endpoints]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    number = results.index(datagram)
    return [endpoints[number], *endpoints[:number], *endpoints[number + 1 :]]


@contextlib.asynccontextmanager
async def flow_to_one_that_is_gone(
    options: PortOptions | None = None, affinity_s: int | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[UdpPeer, UdpPeer, Harness]]:
    """(client, good, harness): the client's flow leads to an endpoint that has just closed; good is left."""
    async with harness() as h:
        with peers(2, host) as endpoints:
            h.serve(udp_route(*endpoints, host=host, options=options, session_affinity_s=affinity_s))
            with UdpPeer.to(h.address) as client:
                client.send(b"first")
                gone, good = await whoever_gets(b"first", endpoints)
                gone.close()
                yield client, good, h


@pytest.mark.spec("C6", "B3")
@hosts
@balancers
async def test_C6_B3_after_an_icmp_error_the_next_datagram_goes_elsewhere(
    host: str, options: PortOptions, affinity_s: int | None
) -> None:
    async with flow_to_one_that_is_gone(options, affinity_s, host) as (client, good, h):
        client.send(b"lost")
        end = await h.ends.next()
        assert end["state"] == "ET"
        assert end["endpoint"] != good.endpoint.name
        assert end["bytes_to_endpoint"] == len(b"first") + len(b"lost")
        client.send(b"next")
        assert await good.receive() == b"next"
        await exchange(client, good)
        assert dict(port_of(h).ends) == {"ET": 1}


@pytest.mark.spec("B2", "B3")
async def test_B2_B3_affinity_moves_with_the_client_and_stays() -> None:
    async with flow_to_one_that_is_gone(affinity_s=100) as (client, good, h):
        client.send(b"lost")
        assert await h.ends.state() == "ET"
        for number in range(3):
            with UdpPeer.to(h.address) as same_host:
                same_host.send(f"from another port {number}".encode())
                assert await good.receive() == f"from another port {number}".encode()


@pytest.mark.spec("C6")
@balancers
async def test_C6_the_datagram_whose_send_told_of_the_error_is_sent_again(
    options: PortOptions, affinity_s: int | None
) -> None:
    """Both are read in one turn: the first is lost, sending the second tells, and it goes to the other."""
    async with flow_to_one_that_is_gone(options, affinity_s) as (client, good, h):
        client.send(b"lost", b"sent again", b"behind it")
        assert [await good.receive() for _ in range(2)] == [b"sent again", b"behind it"]
        assert await h.ends.state() == "ET"


@pytest.mark.spec("C6")
async def test_C6_with_no_other_endpoint_the_same_one_is_tried_again() -> None:
    """It may be back: nothing is dropped for having failed once."""
    async with harness() as h:
        with UdpPeer() as gone:
            h.serve(udp_route(gone))
            with UdpPeer.to(h.address) as client:
                await exchange(client, gone)
                number = gone.address[1]
                gone.close()
                client.send(b"lost")
                assert await h.ends.state() == "ET"
                with UdpPeer(port=number) as back:
                    await exchange(client, back)
                assert dropped(h, "no endpoint") == 0


@pytest.mark.spec("B6", "C6")
async def test_B6_C6_an_endpoint_that_was_down_for_a_moment_gets_its_clients_back() -> None:
    """Once another one has answered the client, the refusal is forgotten: the ring leads it home again."""
    async with harness() as h:
        with peers(3) as endpoints:
            h.serve(udp_route(*endpoints, options=PortOptions(balancer=Balancer.CONSISTENT_HASH)))
            with UdpPeer.to(h.address) as client:
                client.send(b"1")
                home, *others = await whoever_gets(b"1", endpoints)
                number = home.address[1]
                home.close()
                client.send(b"lost")
                assert await h.ends.state() == "ET"
                client.send(b"2")
                second, _ = await whoever_gets(b"2", others)
                await exchange(client, second)
                with UdpPeer(port=number) as back:
                    second.close()
                    client.send(b"lost")
                    assert await h.ends.state() == "ET"
                    await exchange(client, back)


@pytest.mark.spec("C6")
async def test_C6_answers_that_came_before_the_error_are_delivered() -> None:
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                seen = await exchange(client, endpoint)
                endpoint.answer(b"last words 1", seen)
                endpoint.answer(b"last words 2", seen)
                endpoint.close()
                client.send(b"lost")
                assert await client.receive() == b"last words 1"
                assert await client.receive() == b"last words 2"
                assert await h.ends.state() == "ET"


async def test_an_endpoint_without_a_route_is_passed_over() -> None:
    async with harness() as h:
        with UdpPeer() as good:
            h.serve(udp_route())
            h.swap(good.endpoint, BROADCAST)
            with UdpPeer.to(h.address) as client, UdpPeer.to(h.address) as other:
                await exchange(client, good)
                await exchange(other, good)
                failures = {seen.endpoint: seen.dial_failures for seen in port_of(h).endpoints}
                assert failures[good.endpoint.name] == 0
                assert failures[BROADCAST.name] >= 1
                assert h.plane._runtime.descriptors.used - 1 == port_of(h).open == 2  # and the listener


async def test_when_no_endpoint_can_be_reached_the_datagram_is_dropped_and_counted() -> None:
    async with harness() as h:
        h.serve(udp_route())
        h.swap(BROADCAST)
        with UdpPeer.to(h.address) as client:
            client.send(b"1")
            await until(lambda: dropped(h, "no endpoint") == 1)
            assert port_of(h).open == 0


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOBUFS, "no buffer to endpoint"),
        (errno.EAGAIN, "no buffer to endpoint"),
        (errno.EMSGSIZE, "too large for endpoint"),
    ],
)
async def test_a_datagram_that_finds_no_buffer_is_dropped_and_the_flow_lives(
    code: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(socket.socket):
        def send(self, data: object, flags: int = 0) -> int:
            if bytes(data) == b"too much":  # type: ignore[call-overload]  # any buffer
                raise OSError(code, "scripted")
            return super().send(data, flags)  # type: ignore[arg-type]  # as the caller gave it

    monkeypatch.setattr("userproxy.dataplane.udp_sockets.Socket", Full)
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                seen = await exchange(client, endpoint)
                client.send(b"too much")
                await until(lambda: dropped(h, reason) == 1)
                client.send(b"fits")
                assert await endpoint.receive_from() == (b"fits", seen)
                assert port_of(h).ends == ()


@pytest.mark.spec("C6")
async def test_C6_an_endpoint_that_vanishes_in_the_middle_of_a_run_loses_one_datagram() -> None:
    """The kernel tells of it on the next datagram: that one and those behind it go to another endpoint."""
    async with flow_to_one_that_is_gone() as (client, good, h):
        run = [b"x" * size for size in range(1, 9)]
        client.send(*run)
        assert [await good.receive() for _ in run[1:]] == run[1:]
        assert h.ended() == {"ET": 1}


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EIO, errno.EMSGSIZE])
async def test_runs_that_the_kernel_cannot_cut_into_segments_pass_all_the_same(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path whose MTU is smaller, or a device without checksums. Told once, remembered by the flow."""
    refused = 0
    right = MmsgArrivals.send

    def send(
        self: MmsgArrivals, sock: socket.socket, first: int, end: int, *, segments: bool
    ) -> tuple[int, int]:
        nonlocal refused
        if segments:
            refused += 1
            raise OSError(code, "scripted")
        return right(self, sock, first, end, segments=segments)

    monkeypatch.setattr(MmsgArrivals, "send", send)
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                await exchange(client, endpoint)
                for run in ([b"1", b"2", b"3"], [b"4", b"5"]):
                    client.send(*run)
                    assert [await endpoint.receive() for _ in run] == run
                assert (port_of(h).ends, port_of(h).dropped) == ((), ())
    assert refused <= 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [(errno.ENOBUFS, "no buffer to endpoint"), (errno.EMSGSIZE, "too large for endpoint")],
)
async def test_a_run_that_finds_no_buffer_loses_its_first_and_goes_on(
    code: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [code]
    right = MmsgArrivals.send

    def send(
        self: MmsgArrivals, sock: socket.socket, first: int, end: int, *, segments: bool
    ) -> tuple[int, int]:
        if codes and not (segments and code == errno.EMSGSIZE):
            raise OSError(codes.pop(), "scripted")
        if segments and code == errno.EMSGSIZE:
            raise OSError(code, "scripted")
        return right(self, sock, first, end, segments=segments)

    monkeypatch.setattr(MmsgArrivals, "send", send)
    monkeypatch.setattr("userproxy.dataplane.runtime.best_batching", mmsg)
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                await exchange(client, endpoint)
                client.send(b"1", b"2", b"3")
                assert [await endpoint.receive() for _ in range(2)] == [b"2", b"3"]
                assert port_of(h).dropped == ((reason, 1),)
                assert port_of(h).ends == ()


async def test_an_answer_that_cannot_be_sent_is_counted() -> None:
    """To port 0, which no client has: a client that left, with a spoofed address."""
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                seen = await exchange(client, endpoint)
                (flow,) = _intake(h).open_traffic()
                name = flow.client
                flow.client = name[:2] + bytes(2) + name[4:] if isinstance(name, bytes) else ("127.0.0.1", 0)
                flow.client_pointer = 0
                endpoint.answer(b"to nobody", seen)
                await until(lambda: dropped(h, "to client") == 1)


async def test_an_answer_that_fails_behind_the_end_of_its_flow_is_counted_all_the_same() -> None:
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client, UdpPeer.to(h.address) as other:
                await exchange(client, endpoint, b"four")
                (flow,) = _intake(h).open_traffic()
                flow.failed(RuntimeError("scripted"))
                flow.not_answered(len(b"re:four"), OSError(errno.EPERM, "scripted"))
                assert dropped(h, "to client") == 1
                assert port_of(h).endpoints[0].bytes_to_client == 0
                await exchange(other, endpoint)
                assert port_of(h).open == 1


def _intake(h: Harness) -> UdpIntake:
    intake = h.plane._ports[h.current.key].intake
    assert isinstance(intake, UdpIntake)
    return intake


async def test_XT_a_fault_of_ours_ends_one_flow_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    right = UdpFlow.answered

    def wrong(self: UdpFlow, size_bytes: int) -> None:
        if size_bytes == len(b"poison"):
            raise RuntimeError("scripted")
        right(self, size_bytes)

    monkeypatch.setattr(UdpFlow, "answered", wrong)
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client, UdpPeer.to(h.address) as other:
                seen = await exchange(client, endpoint)
                await exchange(other, endpoint)
                endpoint.answer(b"poison", seen)
                assert await h.ends.state() == "XT"
                await exchange(other, endpoint)
                await exchange(client, endpoint)
                assert port_of(h).open == 2


async def test_a_fault_of_ours_in_the_listener_loses_one_datagram(monkeypatch: pytest.MonkeyPatch) -> None:
    right = UdpIntake._begin

    def wrong(self: UdpIntake, address: object, datagram: memoryview) -> None:
        if bytes(datagram) == b"poison":
            raise RuntimeError("scripted")
        right(self, address, datagram)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(UdpIntake, "_begin", wrong)
    async with harness() as h:
        with UdpPeer() as endpoint:
            h.serve(udp_route(endpoint))
            with UdpPeer.to(h.address) as client:
                client.send(b"poison", b"good")
                assert await endpoint.receive() == b"good"
                assert dropped(h, "error") == 1
