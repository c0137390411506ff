"""The pairs of letters of docs/close-reasons.md that no other test here is named after."""

from __future__ import annotations

import asyncio
import socket
from _socket import socket as RawSocket

import pytest

from tests.dataplane.harness import Harness, Peer, endpoint_of, harness, listening, pair, route
from tests.dataplane.test_connection import HOLD, NOBODY, Silent
from userproxy.dataplane.connection import Connection
from userproxy.dataplane.relay import Relay
from userproxy.dataplane.tcp import TcpIntake
from userproxy.model.service import PortOptions


def broken(*_: object) -> None:
    """In place of a method: a fault of ours."""
    raise ZeroDivisionError


async def _half_closed(client: Peer, endpoint: Peer) -> None:
    client.fin()
    assert await endpoint.receive() == b""


async def _held(h: Harness) -> None:
    while h.plane.snapshot()[0].held < 1:
        await asyncio.sleep(0)


async def test_good_end_both_sides_ended_in_order() -> None:
    async with pair() as (client, endpoint, h):
        await _half_closed(client, endpoint)
        endpoint.fin()
        assert await client.receive() == b""
        assert await h.ends.state() == "--"


async def test_C2_CT_client_reset() -> None:
    async with pair() as (client, endpoint, h):
        client.reset()
        with pytest.raises(ConnectionResetError):
            await endpoint.receive()
        assert await h.ends.state() == "CT"


async def test_C2_CF_client_reset_after_the_endpoint_had_ended() -> None:
    async with pair() as (client, endpoint, h):
        await _half_closed(endpoint, client)
        client.reset()
        assert await h.ends.state() == "CF"


async def test_C2_EF_endpoint_reset_after_the_client_had_ended() -> None:
    async with pair() as (client, endpoint, h):
        await _half_closed(client, endpoint)
        endpoint.reset()
        with pytest.raises(ConnectionResetError):
            await client.receive()
        assert await h.ends.state() == "EF"


async def test_ND_no_endpoint_for_one_that_slipped_in_behind_the_queue() -> None:
    """Between the last look at the queue and the shutdown of the listener."""
    with listening() as slip:
        async with harness() as h:
            h.serve(route())
            with await Peer.connect(slip.getsockname()[:2]) as client:
                sock, _ = slip.accept()
                intake = h.plane._ports[h.current.key].intake
                assert isinstance(intake, TcpIntake)
                intake._accepted(RawSocket(socket.AF_INET, socket.SOCK_STREAM, 0, sock.detach()), "127.0.0.1")
                with pytest.raises(ConnectionResetError):
                    await client.receive()
            assert await h.ends.state() == "ND"


async def test_L6_those_in_the_queue_are_served_by_the_last_route_that_had_endpoints() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            with await Peer.connect(h.address) as client:
                h.swap()
                await client.send(b"in time")
                with await Peer.accept(listener) as endpoint:
                    assert await endpoint.receive_exactly(7) == b"in time"


async def test_TD_stopped_while_dialling() -> None:
    async with harness() as h:
        h.plane._runtime.dialler = silent = Silent()
        h.serve(route(NOBODY))
        with await Peer.connect(h.address) as client:
            await silent.started.wait()
            assert (await h.plane.drain(0)).cut == 1
            with pytest.raises(ConnectionResetError):
                await client.receive()
        assert await h.ends.state() == "TD"


async def test_TF_stopped_while_half_closed() -> None:
    async with pair() as (client, endpoint, h):
        await _half_closed(client, endpoint)
        assert (await h.plane.drain(0)).cut == 1
        with pytest.raises(ConnectionResetError):
            await client.receive()
        assert await h.ends.state() == "TF"


async def test_IF_idle_while_half_closed() -> None:
    async with pair(options=PortOptions(idle_timeout_s=0.3)) as (client, endpoint, h):
        await _half_closed(client, endpoint)
        with pytest.raises(ConnectionResetError):
            await client.receive()
        assert await h.ends.state() == "IF"


async def test_XD_a_fault_of_ours_while_dialling(monkeypatch: pytest.MonkeyPatch) -> None:
    async with harness() as h:
        h.plane._runtime.dialler = silent = Silent()
        h.serve(route(NOBODY))
        client = await Peer.connect(h.address)
        await silent.started.wait()
        monkeypatch.setattr(Connection, "_vanished", broken)
        client.reset()
        assert await h.ends.state() == "XD"
        assert silent.cancelled == 1


async def test_XH_a_fault_of_ours_while_holding(monkeypatch: pytest.MonkeyPatch) -> None:
    async with harness() as h:
        h.serve(route(options=HOLD))
        client = await Peer.connect(h.address)
        await _held(h)
        monkeypatch.setattr(Connection, "_vanished", broken)
        client.reset()
        assert await h.ends.state() == "XH"
        assert h.plane.snapshot()[0].held == 0


async def test_XF_a_fault_of_ours_while_half_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with pair() as (client, endpoint, h):
        await _half_closed(client, endpoint)
        monkeypatch.setattr(Relay, "ready", broken)
        await endpoint.send(b"answer")
        with pytest.raises(ConnectionResetError):
            await client.receive()
        assert await h.ends.state() == "XF"
