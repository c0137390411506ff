"""Sockets that another process binds and keeps: the data plane gets duplicates of them."""

from __future__ import annotations

import os
import socket
from _socket import socket as Socket
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from tests.dataplane.harness import Peer, endpoint_of, listening, route
from tests.dataplane.udp_peers import UdpPeer, udp_route
from userproxy.dataplane.binding import Bound, open_address
from userproxy.dataplane.plane import DataPlane
from userproxy.dataplane.udp_sockets import refuse
from userproxy.model.routes import Route, RouteChanges, RouteKey
from userproxy.settings import Settings


class Kept:
    """A `Binder` that keeps one socket for a route, and hands out duplicates."""

    def __init__(self, wanted: Route) -> None:
        self.sock = open_address(wanted, 0)
        self.address: tuple[str, int] = self.sock.getsockname()[:2]

    def bind(self, routes: Sequence[Route]) -> tuple[dict[RouteKey, Bound], dict[RouteKey, OSError]]:
        bound = {}
        for wanted in routes:
            duplicate = Socket(fileno=os.dup(self.sock.fileno()))
            bound[wanted.key] = Bound(duplicate, *self.address, "")
        return bound, {}

    def renewed(self, key: RouteKey) -> bool:
        return False

    def plane(self) -> DataPlane:
        return DataPlane(Settings(), binder=self)


@pytest.fixture
def kept_tcp() -> Iterator[Kept]:
    kept = Kept(route())
    yield kept
    kept.sock.close()


@pytest.fixture
def kept_udp() -> Iterator[Kept]:
    kept = Kept(udp_route())
    yield kept
    kept.sock.close()


async def test_who_was_queued_before_the_socket_came_is_served(kept_tcp: Kept) -> None:
    kept_tcp.sock.listen()
    with await Peer.connect(kept_tcp.address) as client, listening() as listener:
        plane = kept_tcp.plane()
        plane.apply(RouteChanges(1, changed=(route(endpoint_of(listener)),)))
        with await Peer.accept(listener) as endpoint:
            await client.send(b"hello")
            assert await endpoint.receive_exactly(5) == b"hello"
        plane.close()


@pytest.mark.spec("T8")
async def test_a_socket_that_listened_refuses_when_there_is_nothing_to_send_to(kept_tcp: Kept) -> None:
    kept_tcp.sock.listen()
    plane = kept_tcp.plane()
    plane.apply(RouteChanges(1, changed=(route(),)))
    with pytest.raises(ConnectionRefusedError):
        await Peer.connect(kept_tcp.address)
    plane.close()


async def test_a_socket_that_is_kept_elsewhere_brings_no_events_once_it_was_given_back(
    kept_tcp: Kept,
) -> None:
    """Closing a duplicate leaves the socket in the epoll, under a number that the next one gets."""
    with listening() as listener:
        wanted = route(endpoint_of(listener))
        plane = kept_tcp.plane()
        for generation in range(1, 6, 2):
            plane.apply(RouteChanges(generation, changed=(wanted,)))
            with await Peer.connect(kept_tcp.address), await Peer.accept(listener):
                pass
            plane.apply(RouteChanges(generation + 1, removed=(wanted.key,)))
            kept_tcp.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            kept_tcp.sock.listen()
            with await Peer.connect(kept_tcp.address):
                engine = plane._runtime.engine
                assert [fd for fd, _ in engine._epoll.poll(0) if engine.handlers[fd] is None] == []
        plane.close()


@pytest.mark.spec("T8")
async def test_a_datagram_socket_that_refused_takes_datagrams_again(kept_udp: Kept) -> None:
    refuse(kept_udp.sock)
    with UdpPeer() as endpoint, UdpPeer.to(kept_udp.address) as client:
        plane = kept_udp.plane()
        wanted = udp_route(endpoint)
        plane.apply(RouteChanges(1, changed=(replace(wanted, listen_port=kept_udp.address[1]),)))
        client.send(b"hello")
        assert await endpoint.receive() == b"hello"
        plane.close()
