"""The system calls: refusing while the address is kept, and sockets to endpoints."""

from __future__ import annotations

import contextlib
import socket
from _socket import socket as Socket
from collections.abc import Iterator

import pytest

from tests.dataplane.udp_peers import UdpPeer
from tests.ipv6 import IPV6_LOOPBACK
from userproxy.dataplane.sockets import bind_keeping_address
from userproxy.dataplane.udp_sockets import accept_again, endpoint_socket, queued_bytes, readable, refuse
from userproxy.model.routes import Endpoint

hosts = pytest.mark.parametrize("host", ["127.0.0.1", "127.77.3.9", IPV6_LOOPBACK])


@contextlib.contextmanager
def listener(host: str, port: int = 0) -> Iterator[Socket]:
    sock = bind_keeping_address(socket.SOCK_DGRAM, host, port)
    try:
        yield sock
    finally:
        sock.close()


def stated_number(host: str) -> int:
    """A number that was free a moment ago."""
    with UdpPeer(host) as peer:
        return peer.address[1]


@pytest.mark.spec("T8", "L5")
@hosts
@pytest.mark.parametrize("stated", [False, True], ids=["kernel's number", "stated number"])
async def test_T8_L5_a_refusing_socket_keeps_its_address(host: str, stated: bool) -> None:
    with listener(host, stated_number(host) if stated else 0) as sock:
        address = sock.getsockname()
        with UdpPeer.to(address[:2]) as client:
            client.send(b"first")
            assert sock.recvfrom(100) == (b"first", client.address)
            client.send(b"queued")

            for _ in range(3):
                refuse(sock)
                client.send(b"refused")
                with pytest.raises(ConnectionRefusedError):
                    await client.receive()
                assert sock.getsockname() == address
                for share in (0, 1):
                    with (
                        pytest.raises(OSError, match="in use"),
                        socket.socket(sock.family, socket.SOCK_DGRAM) as other,
                    ):
                        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, share)
                        other.bind(address)
                sock.sendto(b"late answer", client.address)
                assert await client.receive_from() == (b"late answer", address)
                accept_again(sock)
                assert sock.getsockname() == address

            client.send(b"again")
            assert [sock.recv(100) for _ in range(2)] == [b"queued", b"again"]


def test_accepting_again_says_why_it_cannot() -> None:
    with listener("127.0.0.1") as sock:
        pass
    with pytest.raises(OSError, match="file descriptor"):
        accept_again(sock)


@hosts
async def test_C5_an_endpoint_socket_hears_its_endpoint_only(host: str) -> None:
    with UdpPeer(host) as endpoint, UdpPeer(host) as stranger:
        sock = endpoint_socket(endpoint.endpoint)
        try:
            stranger.answer(b"forged", sock.getsockname())
            endpoint.answer(b"answer", sock.getsockname())
            assert sock.recv(100) == b"answer"
        finally:
            sock.close()


@pytest.mark.spec("C6")
def test_C6_an_endpoint_socket_hears_of_port_unreachable() -> None:
    with UdpPeer() as gone:
        endpoint = gone.endpoint
    sock = endpoint_socket(endpoint)
    try:
        sock.send(b"nobody")
        with pytest.raises(ConnectionRefusedError):
            sock.recv(100)
    finally:
        sock.close()


def test_an_endpoint_socket_is_never_its_own_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may choose the number of an endpoint that is gone: datagrams would come back as answers."""
    with UdpPeer() as gone:
        number = gone.address[1]

    class Unlucky(socket.socket):
        def connect(self, address: object) -> None:
            self.bind(("127.0.0.1", number))
            super().connect(address)  # type: ignore[arg-type]  # an address as the caller gave it

    monkeypatch.setattr("userproxy.dataplane.udp_sockets.Socket", Unlucky)
    with pytest.raises(ConnectionRefusedError):
        endpoint_socket(Endpoint.of("127.0.0.1", number))


def test_readable_finds_datagrams_and_errors() -> None:
    with UdpPeer() as endpoint, UdpPeer.to(endpoint.sock.getsockname()) as asks:
        with UdpPeer.to(endpoint.sock.getsockname()) as quiet, UdpPeer() as gone:
            refused = UdpPeer.to(gone.sock.getsockname())
            with refused:
                gone.close()
                refused.send(b"anybody?")
                endpoint.answer(b"answer", asks.address)
                found = readable([peer.sock.fileno() for peer in (quiet, refused, asks)])
                assert found == [refused.sock.fileno(), asks.sock.fileno()]
                assert readable([]) == []


def test_nothing_is_queued_on_loopback() -> None:
    with UdpPeer() as endpoint, UdpPeer.to(endpoint.sock.getsockname()) as peer:
        peer.send(b"x" * 1000)
        assert queued_bytes(peer.sock) == 0
